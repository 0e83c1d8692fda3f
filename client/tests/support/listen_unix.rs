//! The fake's socket.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use tempfile::TempDir;

use super::PATIENCE;

/// An accepted connection.
pub(crate) type Connection = UnixStream;

/// Accepts connections.
pub(crate) struct Listener(UnixListener);

/// Where it listens, for as long as the value lives.
pub(crate) struct Address(TempDir);

/// Listens where nobody else does.
pub(crate) fn listen() -> (Listener, Address) {
    let folder = tempfile::tempdir().unwrap();
    (Listener(UnixListener::bind(folder.path().join("s")).unwrap()), Address(folder))
}

impl Listener {
    /// The next connection; its reads and writes end in time.
    pub(crate) fn accept(&mut self) -> Connection {
        let stream = self.0.accept().unwrap().0;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

impl Address {
    /// The socket's path.
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("s")
    }
}

/// An address at which nobody listens.
pub(crate) const NOWHERE: &str = "/nowhere/s";

/// What a person is told to do when nobody listens.
pub(crate) const HOW_TO_START: &str = "Start it with `entrad &`.";

//! Unix sockets.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::READ_LIMIT;
use crate::env::Env;

/// One end of a connection. Its reads end in time, as `set_read_timeout` says.
pub type Connection = UnixStream;

/// Something that is not entrad and listens where it could be.
pub struct Listener {
    listener: UnixListener,
    socket: PathBuf,
}

pub(super) fn open(socket: &Path) -> std::io::Result<Connection> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(READ_LIMIT))?;
    stream.set_write_timeout(Some(READ_LIMIT))?;
    Ok(stream)
}

impl Listener {
    /// Listens in this environment, beside the daemon's own socket.
    ///
    /// # Panics
    /// When that is not possible.
    #[must_use]
    pub fn new(env: &Env) -> Self {
        let socket = env.folder().join("run/s");
        Self { listener: UnixListener::bind(&socket).expect("a socket"), socket }
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Waits for a caller.
    ///
    /// # Panics
    /// When none can come.
    #[must_use]
    pub fn accept(&self) -> Connection {
        self.listener.accept().expect("a caller").0
    }
}

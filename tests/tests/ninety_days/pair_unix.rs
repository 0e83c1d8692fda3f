//! A connection to ourselves by a socket.

use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

/// Both ends, the daemon's first.
pub(crate) async fn pair() -> (UnixStream, UnixStream) {
    UnixStream::pair().expect("a pair of sockets")
}

/// A socket's address for the configuration; nobody listens there.
pub(crate) fn unused_socket(folder: &Path) -> PathBuf {
    folder.join("socket")
}

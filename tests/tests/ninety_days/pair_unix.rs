//! A connection to ourselves by a socket.

use tokio::net::UnixStream;

/// Both ends, the daemon's first.
pub(crate) async fn pair() -> (UnixStream, UnixStream) {
    UnixStream::pair().expect("a pair of sockets")
}

//! A port of loopback that is listened on.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// With room for as many as the system lets wait. It may be taken again at once after us.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE)
}

/// So many may wait to be taken in, where the system lets them (listen(2)); a thousand is usual.
const QUEUE: u32 = 4_096;

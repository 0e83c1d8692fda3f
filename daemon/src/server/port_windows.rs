//! A port of loopback that is listened on.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// Here to be allowed a port again would mean to take it from others, so that is not asked for.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(address)?;
    socket.listen(QUEUE)
}

/// So many may wait to be taken in; the system makes of it what it can (listen function).
const QUEUE: u32 = 4_096;

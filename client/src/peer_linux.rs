//! A Unix socket, and who listens on it, by Linux's word.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// A new socket, which programs that we start do not get.
pub(super) fn socket() -> Result<OwnedFd, Errno> {
    socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
}

/// The user id that the listener had when it began to listen (unix(7), SO_PEERCRED).
pub(super) fn uid(stream: &UnixStream) -> Result<u32, Errno> {
    Ok(socket_peercred(stream)?.uid.as_raw())
}

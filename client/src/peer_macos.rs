//! A Unix socket, and who listens on it, by macOS's word.
#![expect(unsafe_code, reason = "getpeereid is a function of the C library")]

use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::{AddressFamily, SocketType, socket as unix_socket};

/// A new socket, which programs that we start do not get. macOS takes two steps for it, as the
/// standard library does there.
pub(super) fn socket() -> Result<OwnedFd, Errno> {
    let socket = unix_socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    Ok(socket)
}

/// The user id that the listener had when it began to listen (getpeereid(3)).
pub(super) fn uid(stream: &UnixStream) -> Result<u32, Errno> {
    let (mut uid, mut gid) = (0, 0);
    // SAFETY: the descriptor is open for as long as `stream` lives, and both results are ours.
    let is_known = unsafe { libc::getpeereid(stream.as_raw_fd(), &raw mut uid, &raw mut gid) } == 0;
    if is_known {
        Ok(uid)
    } else {
        let error = std::io::Error::last_os_error();
        Err(Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }
}

//! A Unix socket, and who listens on it, by Linux's word.
#![expect(
    unsafe_code,
    reason = "rustix has no word for a listener without a number, as of another process namespace"
)]

use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// A new socket, which programs that we start do not get.
pub(super) fn socket() -> Result<OwnedFd, Errno> {
    socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
}

/// The user id that the listener had when it began to listen (unix(7), SO_PEERCRED). In a container its process has no number,
/// and is told as 0 (pid_namespaces(7)).
pub(super) fn uid(stream: &UnixStream) -> Result<u32, Errno> {
    let mut told = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut length = libc::socklen_t::try_from(size_of_val(&told)).unwrap_or(0);
    // SAFETY: the descriptor is open for as long as `stream` lives; `told` is ours to write and as long as `length` says.
    let failed = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut told).cast(),
            &raw mut length,
        )
    };
    if failed == 0 {
        Ok(told.uid)
    } else {
        let error = std::io::Error::last_os_error();
        Err(Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }
}

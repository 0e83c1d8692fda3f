//! The kernel's own handle to a process: who connected, and what it says of it.
//!
//! A handle means one process for ever, a number only for as long as that one is there.
//! Source: unix(7) of Linux 6.5 (`SO_PEERPIDFD`), `include/uapi/linux/pidfd.h` of Linux 6.13 (`PIDFD_GET_INFO`).
#![expect(unsafe_code, reason = "neither call has a safe interface")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::fstat;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// A handle to a process.
pub(super) struct Handle(OwnedFd);

/// What the kernel says of a process that its parent has not taken note of yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// Its number.
    pub(super) pid: u32,
    /// Who started it, or whose it became when that one ended.
    pub(super) parent: u32,
}

impl Handle {
    /// The process that connected `socket`, if the kernel can tell.
    ///
    /// # Errors
    /// `ENOPROTOOPT` before Linux 6.5; `ESRCH` or `EINVAL` where that process is gone already.
    pub(super) fn of_peer(socket: &impl AsFd) -> io::Result<Self> {
        let mut handle: libc::c_int = -1;
        let mut length = libc::socklen_t::try_from(size_of_val(&handle)).unwrap_or(0);
        // SAFETY: the descriptor is open; `handle` is ours to write and as long as `length` says.
        let failed = unsafe {
            libc::getsockopt(
                socket.as_fd().as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERPIDFD,
                (&raw mut handle).cast(),
                &raw mut length,
            )
        };
        if failed != 0 {
            return Err(io::Error::last_os_error());
        }
        if handle < 0 {
            return Err(io::ErrorKind::NotFound.into());
        }
        // SAFETY: the kernel has just opened it for us, and nothing else closes it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(handle) }))
    }

    /// The process that has this number now.
    ///
    /// # Errors
    /// Where there is none, or the kernel is older than 5.3.
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
        Ok(Self(pidfd_open(pid, PidfdFlags::empty())?))
    }

    /// What the kernel says of it. Once this is told, its number was its own until now.
    ///
    /// # Errors
    /// `ESRCH` where it is gone; `ENOTTY` or `EINVAL` before Linux 6.13.
    pub(super) fn told(&self) -> io::Result<Told> {
        // SAFETY: it is numbers only, of which each may be 0.
        let mut info: libc::pidfd_info = unsafe { std::mem::zeroed() };
        info.mask = libc::PIDFD_INFO_PID.into();
        // SAFETY: the descriptor is open; `info` is ours to write, and its length is part of the request's number.
        let failed = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::PIDFD_GET_INFO, &raw mut info) };
        if failed != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Told { pid: info.pid, parent: info.ppid })
    }

    /// Whether it has not ended yet.
    pub(super) fn is_running(&self) -> bool {
        let mut handles = [PollFd::new(&self.0, PollFlags::IN)];
        poll(&mut handles, Some(&Timespec::default())).is_ok_and(|ended| ended == 0)
    }

    /// A number that no other process has until the machine is started anew: its handle's file. Only where [`Handle::told`]
    /// works; before Linux 6.9 all handles are one file.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn node(&self) -> io::Result<u64> {
        Ok(fstat(&self.0)?.st_ino)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;
    use std::process::{Command, id};

    use super::*;

    #[test]
    fn a_handle_is_of_one_process_for_ever() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let (handle, again) = (Handle::of(child.id()).unwrap(), Handle::of(child.id()).unwrap());
        let Ok(told) = handle.told() else {
            // Before Linux 6.13.
            child.kill().unwrap();
            child.wait().unwrap();
            return;
        };
        assert_eq!((told.pid, told.parent), (child.id(), id()));
        assert_eq!(handle.node().unwrap(), again.node().unwrap());
        assert_ne!(handle.node().unwrap(), Handle::of(id()).unwrap().node().unwrap());
        assert!(handle.is_running());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(handle.told().unwrap_err().raw_os_error(), Some(libc::ESRCH));
        assert!(!handle.is_running() && Handle::of(child.id()).is_err());
    }

    #[test]
    fn a_socket_knows_who_connected_it() {
        let (near, _far) = UnixStream::pair().unwrap();
        // Before Linux 6.5 it does not, and before 6.13 nothing is told.
        if let Ok(told) = Handle::of_peer(&near).and_then(|handle| handle.told()) {
            assert_eq!(told.pid, id());
        }
    }
}

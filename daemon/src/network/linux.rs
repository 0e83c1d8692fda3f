//! Linux: the kernel's routing messages (rtnetlink(7)).

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use tokio::io::unix::AsyncFd;

use super::settled::settled;

/// A subscription to changes of links, addresses and routes.
#[derive(Debug)]
pub struct Watch {
    socket: AsyncFd<OwnedFd>,
}

/// `RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR` of linux/rtnetlink.h. Routes of
/// IPv6 are left out: router advertisements renew them all the time.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100;

impl Watch {
    /// Subscribes. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the system has no netlink, as in some sandboxes.
    pub fn start() -> io::Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        #[expect(
            deprecated,
            reason = "its unsafe successor asks that the descriptor stay open, which an owned one does"
        )]
        let socket = AsyncFd::new(socket)?;
        Ok(Self { socket })
    }

    /// Waits for a change, and then until the network has been quiet for a second; three seconds at most.
    ///
    /// # Errors
    /// When the subscription broke.
    pub async fn changed(&self) -> io::Result<()> {
        self.message().await?;
        settled(|| self.message()).await
    }

    /// Takes all messages that wait. What they say does not matter; an overflow is a change as well.
    async fn message(&self) -> io::Result<()> {
        loop {
            let mut ready = self.socket.readable().await?;
            let mut buffer = [0_u8; 4096];
            match recv(self.socket.get_ref(), &mut buffer, RecvFlags::empty()) {
                Ok(_) | Err(rustix::io::Errno::NOBUFS) => return Ok(()),
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_quiet_network_wakes_nobody() {
        let watch = Watch::start().unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(50), watch.changed()).await.is_err());
    }
}

//! Linux: the kernel's routing messages (rtnetlink(7)).

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use tokio::io::unix::AsyncFd;

/// A subscription to changes of links, addresses and routes.
#[derive(Debug)]
pub struct Watch {
    socket: AsyncFd<OwnedFd>,
}

/// `RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR` of linux/rtnetlink.h. Routes of
/// IPv6 are left out: router advertisements renew them all the time.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100;

/// A network that comes up sends a dozen messages within a second; they are one change.
const QUIET: Duration = Duration::from_secs(1);

/// On a machine whose containers come and go it is never quiet, and a change must be told all the same.
const LONGEST: Duration = Duration::from_secs(3);

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

/// Takes messages until none comes for [`QUIET`], for at most [`LONGEST`].
async fn settled<F: Future<Output = io::Result<()>>>(mut message: impl FnMut() -> F) -> io::Result<()> {
    let all = async {
        while let Ok(more) = tokio::time::timeout(QUIET, message()).await {
            more?;
        }
        Ok(())
    };
    tokio::time::timeout(LONGEST, all).await.unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn messages_that_come_together_are_one_change() {
        let mut messages = 0;
        let begun_at = Instant::now();
        let burst = || {
            messages += 1;
            let next = if messages < 4 { QUIET / 2 } else { QUIET * 2 };
            async move {
                sleep(next).await;
                Ok(())
            }
        };
        settled(burst).await.unwrap();
        assert_eq!(begun_at.elapsed(), QUIET / 2 * 3 + QUIET);
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_that_never_rests_is_told_of_all_the_same() {
        let begun_at = Instant::now();
        let restless = || async {
            sleep(QUIET / 2).await;
            Ok(())
        };
        settled(restless).await.unwrap();
        assert_eq!(begun_at.elapsed(), LONGEST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_subscription_that_broke_is_an_error() {
        let broken = settled(|| async { Err(io::Error::other("closed")) }).await;
        assert_eq!(broken.unwrap_err().to_string(), "closed");
    }

    #[tokio::test]
    async fn a_quiet_network_wakes_nobody() {
        let watch = Watch::start().unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(50), watch.changed()).await.is_err());
    }
}

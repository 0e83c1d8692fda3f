//! The other end of a Unix socket: `SO_PEERCRED`, or `getpeereid` and `LOCAL_PEERPID` on macOS.

use tokio::net::UnixStream;

use super::Stranger;

/// A connection from a caller.
pub type Stream = UnixStream;

/// The process at the other end, where the kernel tells, once it is known to run as our own user.
pub(super) fn checked(stream: &Stream) -> Result<Option<u32>, Stranger> {
    let peer = stream.peer_cred().map_err(Stranger::Unknown)?;
    if peer.uid() != rustix::process::geteuid().as_raw() {
        return Err(Stranger::OtherUser(peer.uid().to_string()));
    }
    Ok(peer.pid().and_then(|pid| u32::try_from(pid).ok()))
}

/// Our own user, as the system writes it.
pub(super) fn our_user() -> Option<String> {
    Some(rustix::process::geteuid().as_raw().to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::access::caller) async fn pair() -> (Stream, UnixStream) {
        UnixStream::pair().unwrap()
    }
}

//! What systemd opened for us before we ran (sd_listen_fds(3)).

use std::net::TcpListener;

use listenfd::ListenFd;

/// The loopback port of a socket unit: it answers from the first moment, also while we start. Other sockets that were
/// handed over are left alone.
#[must_use]
pub fn handed_listener() -> Option<TcpListener> {
    let mut handed = ListenFd::from_env();
    let found = (0..handed.len()).find_map(|index| handed.take_tcp_listener(index).ok().flatten())?;
    let address = found.local_addr().ok()?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "a listener that is not on loopback was handed over; it is not used");
        return None;
    }
    Some(found)
}

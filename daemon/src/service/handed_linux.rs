//! What systemd opened for us before we ran (sd_listen_fds(3)).

use std::net::{IpAddr, Ipv4Addr, TcpListener};

use listenfd::ListenFd;

/// The loopback port of a socket unit: it answers from the first moment, also while we start. Other sockets that were
/// handed over are not used.
#[must_use]
pub fn handed_listener() -> Option<TcpListener> {
    let mut handed = ListenFd::from_env();
    of_tools((0..handed.len()).filter_map(|index| handed.take_tcp_listener(index).ok().flatten()))
}

/// The one where tools ask: they are told 127.0.0.1, and on any other address of loopback they would find nobody.
fn of_tools(mut handed: impl Iterator<Item = TcpListener>) -> Option<TcpListener> {
    handed.find(|listener| {
        let Ok(address) = listener.local_addr() else { return false };
        let is_told = address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST);
        if !is_told {
            tracing::warn!(%address, "a listener that is not on 127.0.0.1 was handed over; it is not used");
        }
        is_told
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listener_where_tools_ask_is_found_among_others() {
        let bound = |host: &str| TcpListener::bind((host, 0)).unwrap();
        let told = bound("127.0.0.1");
        let address = told.local_addr().unwrap();
        let found = of_tools([bound("127.0.0.2"), bound("0.0.0.0"), told].into_iter());
        assert_eq!(found.unwrap().local_addr().unwrap(), address);
        assert!(of_tools([bound("127.0.0.2")].into_iter()).is_none());
    }
}

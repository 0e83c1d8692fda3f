//! What systemd opened for us before we ran (sd_listen_fds(3)).
//!
//! It keeps a copy of each, so callers queue there while no daemon runs. A listener is known by its address, which is what
//! callers go by, and not by the name that a unit gives it.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;

use listenfd::ListenFd;

/// The listeners of socket units: they answer from the first moment, also while we start.
#[derive(Debug)]
pub struct Handed {
    /// The loopback port.
    pub loopback: Option<TcpListener>,
    /// The local socket.
    pub socket: Option<UnixListener>,
}

impl Handed {
    /// Takes those that are ours: the one at `socket`, and the one on loopback. Others are not used, and the log says so.
    #[must_use]
    pub fn take(socket: &Path) -> Self {
        let mut handed = ListenFd::from_env();
        let (mut unix, mut tcp) = (Vec::new(), Vec::new());
        for index in 0..handed.len() {
            if let Ok(Some(listener)) = handed.take_unix_listener(index) {
                unix.push(listener);
            } else if let Ok(Some(listener)) = handed.take_tcp_listener(index) {
                tcp.push(listener);
            }
        }
        Self { loopback: of_tools(tcp.into_iter()), socket: of_path(unix.into_iter(), socket) }
    }
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

/// The one at the path where clients look.
fn of_path(mut handed: impl Iterator<Item = UnixListener>, path: &Path) -> Option<UnixListener> {
    handed.find(|listener| {
        let Ok(address) = listener.local_addr() else { return false };
        let is_ours = address.as_pathname() == Some(path);
        if !is_ours {
            tracing::warn!(
                ?address,
                socket = %path.display(),
                "a socket that is not ours was handed over; who asks there waits in vain: name the same path in \
                 entrad.socket and in the setting `socket`"
            );
        }
        is_ours
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

    #[test]
    fn the_socket_where_clients_look_is_found_among_others() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, other) = (folder.path().join("ours"), folder.path().join("other"));
        let both = [UnixListener::bind(&other).unwrap(), UnixListener::bind(&ours).unwrap()];
        let found = of_path(both.into_iter(), &ours).unwrap();
        assert_eq!(found.local_addr().unwrap().as_pathname(), Some(ours.as_path()));
        assert!(of_path([found].into_iter(), &other).is_none());
    }
}

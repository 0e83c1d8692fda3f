//! Nobody opens a port or a socket for us here. launchd could, by a call that no safe library offers.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;

/// What was opened for us: nothing.
#[derive(Debug)]
pub struct Handed {
    /// Never one.
    pub loopback: Option<TcpListener>,
    /// Never one.
    pub socket: Option<UnixListener>,
}

impl Handed {
    /// Nothing.
    #[must_use]
    pub fn take(_: &Path) -> Self {
        Self { loopback: None, socket: None }
    }
}

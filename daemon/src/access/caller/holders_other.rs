//! Who holds the other end of a loopback connection: it is not told here.

use std::net::SocketAddr;

use super::process::Process;

/// Whether it can be told on this system.
pub(super) const ARE_TOLD: bool = false;

/// Nobody is known.
pub(super) fn of(_ours: SocketAddr, _theirs: SocketAddr) -> Vec<Process> {
    Vec::new()
}

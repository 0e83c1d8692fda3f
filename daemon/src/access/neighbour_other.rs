//! Whose process is at the other end of a loopback connection: not asked of this system.

use std::net::SocketAddr;

/// Nobody is known to be another user.
pub fn stranger(_ours: SocketAddr, _theirs: SocketAddr) -> Option<u32> {
    None
}

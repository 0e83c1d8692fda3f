//! Whose process is at the other end of a loopback connection: not asked of this system.

use std::net::SocketAddrV4;

/// Nobody is known to be another user.
pub fn stranger(_ours: SocketAddrV4, _theirs: SocketAddrV4) -> Option<u32> {
    None
}

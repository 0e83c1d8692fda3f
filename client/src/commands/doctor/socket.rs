//! The socket's file: whose it is, and who may connect.

use std::path::Path;

use super::check::{Finding, Named};

#[cfg_attr(unix, path = "socket_unix.rs")]
#[cfg_attr(windows, path = "socket_windows.rs")]
mod system;

/// The check.
pub(super) const SOCKET: Named = Named::new("client.socket", 1000);

/// Looks at it.
pub(super) fn look(path: &Path) -> Finding {
    system::look(path)
}

//! macOS: no debugger, and resource limits.
#![expect(unsafe_code, reason = "refusing a debugger has no safe interface")]

use std::io;
use std::ptr::null_mut;

use super::limits;

/// Hardens the process. A measure that the system refuses is logged and the daemon goes on: it is one of
/// several, and a workstation where it fails is no safer without entrad. A signed build with the hardened runtime
/// is closed to other processes of the same user as well.
pub fn harden() {
    // SAFETY: this request takes no address and touches no memory (ptrace(2)).
    if unsafe { libc::ptrace(libc::PT_DENY_ATTACH, 0, null_mut(), 0) } != 0 {
        let error = io::Error::last_os_error();
        tracing::warn!(%error, "a debugger may attach");
    }
    limits::set();
}

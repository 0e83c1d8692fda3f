//! Who speaks for another machine, on systems that do not tell.

use super::process::Process;

/// Nobody is known to.
pub(super) fn is_from(_process: &Process) -> bool {
    false
}

/// Whoever is there.
pub(super) fn is_from_here(process: &Process) -> bool {
    process.pid.is_some() && process.is_still_there()
}

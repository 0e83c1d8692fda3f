//! Linux: prctl and resource limits.

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use super::limits;

/// Hardens the process. A measure that the system refuses is logged and the daemon goes on: it is one of
/// several, and a workstation where it fails is no safer without entrad.
pub fn harden() {
    // Not dumpable also means that /proc/PID/mem and ptrace are closed to other processes of the same user.
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "the process stays dumpable");
    }
    limits::set();
}

//! Linux: prctl and resource limits.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

use entra_proto::limits::MAX_CONNECTIONS;

/// Hardens the process. A measure that the system refuses is logged and the daemon goes on: it is one of
/// several, and a workstation where it fails is no safer without entrad.
pub fn harden() {
    // Not dumpable also means that /proc/PID/mem and ptrace are closed to other processes of the same user.
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "the process stays dumpable");
    }
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!(%error, "core dumps stay possible");
    }
    // The usual soft limit of 1,024 descriptors is less than the protocol's limit of connections.
    let wanted = MAX_CONNECTIONS as u64 + SPARE_DESCRIPTORS;
    let limit = getrlimit(Resource::Nofile);
    let raised = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if limit.current.is_some_and(|current| current < raised)
        && let Err(error) =
            setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum })
    {
        tracing::warn!(%error, "the limit of open descriptors stays low");
    }
}

/// Files, timers and connections to Entra and the key store beside the callers' connections.
const SPARE_DESCRIPTORS: u64 = 256;

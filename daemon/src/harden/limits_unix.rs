//! Resource limits of a Unix process.

use entra_proto::limits::MAX_CONNECTIONS;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Rules core dumps out, and makes room for as many connections as the protocol allows.
pub(super) fn set() {
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!(%error, "core dumps stay possible");
    }
    // The usual soft limit (1,024 descriptors, 256 on macOS) is less than the protocol's limit of connections.
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

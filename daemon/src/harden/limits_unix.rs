//! Resource limits of a Unix process.

use entra_proto::limits::{MAX_CONNECTIONS, MAX_LOOPBACK_CONNECTIONS, MAX_PAGE_CONNECTIONS, MAX_PAGES};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Rules core dumps out, and makes room for as many connections as the protocol allows.
pub(super) fn set() {
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!(%error, "core dumps stay possible");
    }
    // The usual soft limit (1,024 descriptors, 256 on macOS) is less than the protocol's limit of connections.
    let wanted = (CONNECTIONS + SPARE_DESCRIPTORS) as u64;
    let limit = getrlimit(Resource::Nofile);
    let raised = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if limit.current.is_some_and(|current| current < raised)
        && let Err(error) =
            setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum })
    {
        tracing::warn!(%error, "the limit of open descriptors stays low");
    }
}

/// How many of `most` connections of one listener there are descriptors for, once each listener has its part: what the daemon
/// needs besides, for its files and for Entra, callers cannot take.
pub fn room_for_connections(most: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).current.and_then(|limit| usize::try_from(limit).ok());
    limit.map_or(most, |limit| part(most, limit))
}

fn part(most: usize, limit: usize) -> usize {
    let room = limit.saturating_sub(SPARE_DESCRIPTORS);
    if room >= CONNECTIONS { most } else { (most * room / CONNECTIONS).max(1) }
}

/// Of all listeners together.
const CONNECTIONS: usize = MAX_CONNECTIONS + MAX_LOOPBACK_CONNECTIONS + MAX_PAGES * MAX_PAGE_CONNECTIONS;

/// Files, timers and connections to Entra and the key store beside the callers' connections.
const SPARE_DESCRIPTORS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_leave_the_daemon_its_own_descriptors() {
        for limit in [300, 1_024, 4_096, 12_544, 20_000] {
            let pages = MAX_PAGES * part(MAX_PAGE_CONNECTIONS, limit);
            let all = part(MAX_CONNECTIONS, limit) + part(MAX_LOOPBACK_CONNECTIONS, limit) + pages;
            assert!(all + SPARE_DESCRIPTORS <= limit + MAX_PAGES + 2, "{all} of {limit}");
        }
        assert_eq!(part(MAX_CONNECTIONS, CONNECTIONS + SPARE_DESCRIPTORS), MAX_CONNECTIONS);
        assert_eq!(part(MAX_PAGE_CONNECTIONS, 0), 1, "somebody is served in any case");
    }
}

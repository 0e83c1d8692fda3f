//! When a process was started, as the system noted it.

/// A mark that tells the process from a later one of its id: its start, in units of 100 ns since 1601. Nothing where it
/// has ended.
pub(in crate::access) fn mark(pid: u32) -> Option<u64> {
    crate::windows::started_on(pid).ok().flatten()
}

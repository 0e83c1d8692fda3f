//! When a process was started, by proc(5).

/// A mark that tells the process from a later one of its id: its start, in ticks since boot (field 22 of its `stat`).
/// Nothing where there is no such process, or it is one that has ended and waits to be noticed.
pub(super) fn mark(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, the second field, may hold anything, spaces and parentheses too.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

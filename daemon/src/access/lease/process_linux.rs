//! When a process was started, by proc(5).

/// A mark that tells the process from a later one of its id: its start, in ticks since boot (field 22 of its `stat`), and
/// which boot that was.
/// Nothing where there is no such process, or it is one that has ended and waits to be noticed.
pub(super) fn mark(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, the second field, may hold anything, spaces and parentheses too.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    let started: u64 = fields.nth(18)?.parse().ok()?;
    Some(started ^ boot()?)
}

/// Half of this boot's random id (random(4)): a process of another boot may have started at the same tick.
fn boot() -> Option<u64> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    u64::from_str_radix(&digits, 16).ok()
}

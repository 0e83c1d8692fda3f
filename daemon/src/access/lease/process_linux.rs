//! When a process was started, by proc(5).

use std::sync::LazyLock;

/// A mark that tells the process from a later one of its id: its start, in ticks since boot (field 22 of its `stat`), and
/// which boot that was.
/// Nothing where there is no such process, or it is one that has ended and waits to be noticed.
pub(in crate::access) fn mark(pid: u32) -> Option<u64> {
    // The name, the second field, may hold anything, spaces and parentheses too, and after fifteen bytes half a character.
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    let started: u64 = fields.nth(18)?.parse().ok()?;
    mark_at(started)
}

/// The mark of a process that was started at this tick.
pub(in crate::access) fn mark_at(started: u64) -> Option<u64> {
    static BOOT: LazyLock<Option<u64>> = LazyLock::new(boot);
    BOOT.map(|boot| started ^ boot)
}

/// Half of this boot's random id (random(4)): a process of another boot may have started at the same tick.
fn boot() -> Option<u64> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    u64::from_str_radix(&digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::fs::symlink;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_of_any_name_has_one() {
        let folder = tempfile::tempdir().unwrap();
        let program =
            folder.path().join("\u{43f}\u{440}\u{43e}\u{433}\u{440}\u{430}\u{43c}\u{43c}\u{430}) Z 1 (");
        symlink("/bin/sh", &program).unwrap();
        let mut command = Command::new(&program);
        command.args(["-c", "echo begun; read end"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let begun = mark(child.id());
        assert!(begun.is_some() && begun == mark(child.id()));
        child.stdin.take().unwrap().write_all(b"\n").unwrap();
        child.wait().unwrap();
        assert_ne!(mark(child.id()), begun);
    }
}

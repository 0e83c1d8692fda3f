//! The program of a process, and who started it, by proc(5).

use std::path::PathBuf;

pub(super) fn path_of(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/exe")).ok()
}

pub(super) fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it stands in parentheses and may hold anything, parentheses too.
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(1)?.parse().ok().filter(|parent| *parent > INIT)
}

/// Who has lost its parent belongs to it.
const INIT: u32 = 1;

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn who_started_a_process_is_known() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let parent = parent_of(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(parent, Some(std::process::id()));
        assert_eq!(parent_of(u32::MAX), None);
    }
}

//! Who started a process, and who started that one.
//!
//! A number says nothing by itself: its process may be gone and the next may have it. So a parent counts only if it began before
//! its child, and the child still names it after the parent was looked at.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::program;

/// A process above another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ancestor {
    pub(super) pid: u32,
    pub(super) program: PathBuf,
    /// By the clock of [`program::now`].
    pub(super) started: u64,
}

/// A process above another, as far as it says whether an agent is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::access) struct Kin {
    pub(in crate::access) pid: u32,
    /// What tells it from a later process of its number, as leases keep it.
    pub(in crate::access) mark: Option<u64>,
    /// The agent whose program is called as it is.
    pub(in crate::access) agent: Option<&'static str>,
}

/// Who started a process, and when it began itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// Its parent; nothing where it has lost that.
    pub(super) parent: Option<u32>,
    /// By the clock of [`program::now`].
    pub(super) started: u64,
}

/// The program that ran our client, if need be by a shell for that one command: of `parent`, as it was at `seen`.
///
/// Whoever has an id of then and began later is another process. One that began in the very same tick is the same: ids are
/// given out in turn, and a tick is too short for all of them.
pub(super) fn who_started(mut parent: u32, seen: u64) -> Option<Ancestor> {
    for _ in 0..MOST_BETWEEN {
        let path = program::path_of(parent)?;
        let is_between = is_client(&path) || is_shell(&path) && program::is_one_command_shell(parent);
        // Asked last: who is there still was there all the while, and the program was its own.
        let origin = program::origin_of(parent).filter(|origin| origin.started <= seen)?;
        if !is_between {
            return Some(Ancestor { pid: parent, program: path, started: origin.started });
        }
        parent = origin.parent?;
    }
    None
}

/// The processes above the one that has this number, the nearest first, as far as the system names their programs; and whether
/// they are all there are.
pub(super) fn above(pid: u32) -> (Vec<Ancestor>, bool) {
    let mut found = Vec::new();
    let mut below = pid;
    while found.len() < MOST_PARENTS {
        match right_above(below) {
            Ok(ancestor) => {
                below = ancestor.pid;
                found.push(ancestor);
            }
            Err(end) => return (found, end == End::System),
        }
    }
    (found, false)
}

/// Why there is nobody above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It belongs to the system's first process.
    System,
    /// It cannot be told, or the process changed while it was looked at.
    Unknown,
}

fn right_above(pid: u32) -> Result<Ancestor, End> {
    let child = program::origin_of(pid).ok_or(End::Unknown)?;
    let parent = child.parent.ok_or(End::System)?;
    let path = program::link_of(parent).ok_or(End::Unknown)?;
    let started = program::origin_of(parent).map(|origin| origin.started).ok_or(End::Unknown)?;
    let is_still = started <= child.started && program::origin_of(pid) == Some(child);
    if is_still { Ok(Ancestor { pid: parent, program: path, started }) } else { Err(End::Unknown) }
}

/// Whether the program is our client, by its name: `entra`, `entra.exe`, and not `entrad`.
pub(super) fn is_client(path: &Path) -> bool {
    let name = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    name.strip_prefix("entra").is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn is_shell(path: &Path) -> bool {
    path.file_name().and_then(OsStr::to_str).is_some_and(|name| SHELLS.contains(&name))
}

/// Programs that can be shells, as their files are called.
const SHELLS: [&str; 6] = ["bash", "busybox", "dash", "fish", "sh", "zsh"];

/// Between a tool and us are its shell and our client, which may call itself by another name.
const MOST_BETWEEN: usize = 4;

/// As far as a rule may look. A tool in an editor's terminal has some six.
pub(super) const MOST_PARENTS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_client_asks_for_another() {
        for (path, expected) in [
            ("/usr/bin/entra", true),
            ("/opt/entra-under-test", true),
            ("entra.exe", true),
            ("/usr/bin/entrad", false),
            ("/usr/bin/git", false),
            ("/", false),
        ] {
            assert_eq!(is_client(Path::new(path)), expected, "{path}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_is_above_is_known_and_began_before() {
        let (above, are_all) = above(std::process::id());
        let own = program::origin_of(std::process::id()).unwrap();
        assert!(above.len() <= MOST_PARENTS);
        if let Some(first) = above.first() {
            assert_eq!(Some(first.pid), own.parent);
        }
        let top = above.last().map_or(std::process::id(), |top| top.pid);
        assert_eq!(are_all, program::origin_of(top).is_some_and(|origin| origin.parent.is_none()));
        let begun: Vec<u64> = above.iter().map(|ancestor| ancestor.started).collect();
        assert!(begun.first().is_none_or(|first| *first <= own.started) && begun.is_sorted_by(|a, b| a >= b));
        assert_eq!(super::above(u32::MAX), (Vec::new(), false), "who is not there may have had any");
    }
}

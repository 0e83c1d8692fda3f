//! The line of processes above a caller, by the kernel's own names for them: one read of proc(5) for each, which confinement does
//! not close.
//!
//! Every caller is asked for it, so it must cost next to nothing. Callers come and go below parents that stay; so the line above a
//! parent is remembered, for as long as that is the same process under the same name; for a second its name alone is asked, a third
//! of the work. What is above it may lose its own parents
//! meanwhile: then more is known than could be found out now, which narrows.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::ancestry::{Kin, MOST_PARENTS};
use super::program::{self, Named};
use crate::access::known_agents;
use crate::access::lease::process::mark_at;

/// The processes from `parent` on upwards, the nearest first, of one that connected at `seen`. Those above the daemon itself are
/// left out: an agent that started the daemon has it as it wants it, and says nothing about others below it.
pub(super) fn above(parent: u32, seen: u64) -> Arc<[Kin]> {
    static OURS: LazyLock<Vec<Kin>> = LazyLock::new(|| {
        let own = program::origin_of(std::process::id());
        own.and_then(|own| Some(line((own.parent?, program::named(own.parent?)?), &[]))).unwrap_or_default()
    });
    let lines = || LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = lines().get(&parent).filter(|line| line.began <= seen).cloned();
    // No number comes round within so short a time, so one that is called the same is the same.
    if let Some(line) = known.as_ref().filter(|line| seen <= line.checked + FRESH)
        && program::is_called(parent, &line.name)
    {
        return Arc::clone(&line.kin);
    }
    let first = program::named(parent).filter(|first| first.origin.started <= seen);
    let Some(first) = first else { return Arc::default() };
    let (began, name) = (first.origin.started, Arc::clone(&first.name));
    let kin = match known {
        Some(line) if line.began == began && line.name == name => line.kin,
        _ => line((parent, first), &OURS).into(),
    };
    let mut lines = lines();
    if lines.len() >= MOST_LINES {
        lines.clear();
    }
    lines.insert(parent, Line { began, name, checked: seen, kin: Arc::clone(&kin) });
    kin
}

/// From this one on, up to those who are left out.
fn line(first: (u32, Named), but: &[Kin]) -> Vec<Kin> {
    let (mut found, mut next) = (Vec::new(), Some(first));
    while let Some((pid, it)) = next.take() {
        let kin = kin(pid, &it);
        if found.len() == MOST_PARENTS || but.contains(&kin) {
            break;
        }
        found.push(kin);
        let above = it.origin.parent.and_then(|pid| Some((pid, program::named(pid)?)));
        // A number that another process has by now is no parent's.
        next = above.filter(|(_, above)| above.origin.started <= it.origin.started);
    }
    found
}

fn kin(pid: u32, Named { name, origin }: &Named) -> Kin {
    let agent = std::str::from_utf8(name).ok().and_then(known_agents::named);
    Kin { pid, mark: mark_at(origin.started), agent }
}

/// A line, and of whom it is.
#[derive(Clone)]
struct Line {
    began: u64,
    name: Arc<[u8]>,
    /// When that was so, by the clock of [`program::now`].
    checked: u64,
    kin: Arc<[Kin]>,
}

static LINES: LazyLock<Mutex<HashMap<u32, Line>>> = LazyLock::new(Mutex::default);

/// A second, by the clock of [`program::now`].
const FRESH: u64 = 100;

/// Parents that have children which ask; a line has a few hundred bytes.
const MOST_LINES: usize = 256;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::{Child, Command, Stdio};

    use super::*;
    use crate::access::lease::process::mark;

    /// A process of this name, which waits.
    fn waiting(folder: &std::path::Path, name: &str) -> Child {
        let program = folder.join(name);
        symlink("/bin/cat", &program).unwrap();
        let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // It runs by then: a name is not there from the first moment.
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"x").unwrap();
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        child
    }

    #[test]
    fn who_is_above_is_known_by_name_and_who_started_the_daemon_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut claude = waiting(folder.path(), "claude");
        let (pid, now) = (claude.id(), program::now());
        let found = above(pid, now);
        assert!(Arc::ptr_eq(&found, &above(pid, now)), "it is remembered");
        assert_eq!((found[0].pid, found[0].agent, found[0].mark), (pid, Some("claude"), mark(pid)));
        let pids: Vec<u32> = found.iter().map(|kin| kin.pid).collect();
        assert_eq!(pids, [pid, std::process::id()]);
        let all = line((pid, program::named(pid).unwrap()), &[]);
        let ours = program::origin_of(std::process::id()).unwrap().parent;
        assert_eq!(all.get(2).map(|kin| kin.pid), ours);
        let later = above(pid, now + FRESH + 1);
        assert!(Arc::ptr_eq(&found, &later), "it is the same still");
        assert_eq!(above(pid, 0).len(), 0, "one that began later is no parent");
        assert!(program::is_called(pid, b"claude") && !program::is_called(pid, b"claud"));
        claude.kill().unwrap();
        claude.wait().unwrap();
        assert_eq!(above(pid, now).len(), 0);
    }
}

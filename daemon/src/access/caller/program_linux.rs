//! The program of a process, and who started it, by proc(5).

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::time::{ClockId, clock_gettime};

use super::ancestry::Origin;
use super::links::{End, Link};

/// Where the link to its program is closed to us, it is the process's own word for itself.
pub(super) fn path_of(pid: u32) -> Option<PathBuf> {
    link_of(pid).or_else(|| own_word(pid))
}

/// The kernel's word alone.
pub(super) fn link_of(pid: u32) -> Option<PathBuf> {
    End::of(pid, Link::Program)?.path()
}

/// The process's own word alone.
pub(super) fn own_word(pid: u32) -> Option<PathBuf> {
    let line = arguments_of(pid);
    let word = line.split(|byte| *byte == 0).next().filter(|word| !word.is_empty())?;
    Some(OsStr::from_bytes(word).into())
}

/// The words that it was started with, each with a zero behind it; the process may have written others in their place.
pub(super) fn arguments_of(pid: u32) -> Vec<u8> {
    let mut line = Vec::new();
    let file = File::open(format!("/proc/{pid}/cmdline"));
    if file.and_then(|file| file.take(LONGEST).read_to_end(&mut line)).is_err() {
        line.clear();
    }
    line
}

/// One read has all of it. A process that has ended is known until its parent has noticed.
pub(super) fn origin_of(pid: u32) -> Option<Origin> {
    named(pid).map(|named| named.origin)
}

/// A process by the kernel's own name for it: what its program was called, until it chooses another.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: Arc<[u8]>,
    pub(super) origin: Origin,
}

/// The same with its name.
pub(super) fn named(pid: u32) -> Option<Named> {
    let mut stat = [0; 1024];
    let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut stat).ok()?;
    let stat = &stat[..length];
    // The name stands in parentheses and may hold anything, parentheses too.
    let begin = stat.iter().position(|byte| *byte == b'(')? + 1;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let name = stat.get(begin..end)?.into();
    let mut fields = std::str::from_utf8(stat.get(end + 1..)?).ok()?.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok().filter(|parent| *parent > INIT);
    let started = fields.nth(17)?.parse().ok()?;
    Some(Named { name, origin: Origin { parent, started } })
}

/// Whether the kernel's name for it is this.
pub(super) fn is_called(pid: u32, name: &[u8]) -> bool {
    is_named(pid, |comm| comm == name) == Some(true)
}

/// What holds of the kernel's name for it, of any bytes. One read has all of it, and needs no right; nothing where there is no such
/// process.
pub(super) fn is_named(pid: u32, holds: impl FnOnce(&[u8]) -> bool) -> Option<bool> {
    let mut comm = [0; 64];
    let length = File::open(format!("/proc/{pid}/comm")).and_then(|mut file| file.read(&mut comm)).ok()?;
    comm[..length].strip_suffix(b"\n").map(holds)
}

/// Now, by the clock that processes' starts are told by: ticks since boot, of which a second has a hundred on every machine
/// (`USER_HZ`, time(7)).
pub(super) fn now() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let ticks = now.tv_sec * 100 + now.tv_nsec / 10_000_000;
    u64::try_from(ticks).unwrap_or_default()
}

/// Whether it is a shell that runs one command of somebody's, as `sh -c`.
pub(super) fn is_one_command_shell(pid: u32) -> bool {
    is_one_command(&arguments_of(pid))
}

fn is_one_command(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == 0);
    let name = words.next().and_then(|path| path.rsplit(|byte| *byte == b'/').next()).unwrap_or_default();
    let flags = words.next().and_then(|word| word.strip_prefix(b"-")).unwrap_or_default();
    SHELLS.contains(&name) && flags.ends_with(b"c") && flags.iter().all(u8::is_ascii_alphabetic)
}

const SHELLS: [&[u8]; 5] = [b"sh", b"dash", b"bash", b"zsh", b"fish"];

/// Who has lost its parent belongs to it.
pub(super) const INIT: u32 = 1;

/// As much of the arguments as is read: what a script is called stands near their beginning.
const LONGEST: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_shell_of_one_command_is_told_from_one_that_somebody_types_at() {
        for line in [&b"/bin/sh\0-c\0entra token"[..], b"bash\0-lc\0x", b"zsh\0-ic\0x\0"] {
            assert!(is_one_command(line), "{line:?}");
        }
        for line in
            [&b"bash\0--norc"[..], b"bash", b"-bash", b"bash\0-l", b"sh\0-", b"sh\0x.sh\0-c", b"git\0-c", b""]
        {
            assert!(!is_one_command(line), "{line:?}");
        }
    }

    #[test]
    fn who_started_a_process_is_known_and_when() {
        let before = now();
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let origin = origin_of(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        let origin = origin.unwrap();
        assert_eq!(origin.parent, Some(std::process::id()));
        assert!((before..=now()).contains(&origin.started), "{origin:?} after {before}");
        assert_eq!(origin_of(child.id()), None);
        assert_eq!(origin_of(u32::MAX), None);
    }

    #[test]
    fn a_shell_for_one_command_is_told_from_other_programs() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo ready; read line; :"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = command.spawn().unwrap();
        // It runs by then; its arguments are not there from the first moment.
        shell.stdout.as_mut().unwrap().read_exact(&mut [0; 5]).unwrap();
        let (is_one, word) = (is_one_command_shell(shell.id()), own_word(shell.id()));
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert!(is_one);
        assert_eq!(word, Some("sh".into()));
        assert!(!is_one_command_shell(std::process::id()) && !is_one_command_shell(u32::MAX));
    }
}

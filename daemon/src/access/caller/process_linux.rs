//! The process behind a connection, as it was when it connected, and whether it still is that one.
//!
//! From Linux 6.5 on the kernel hands out the very process that connected (`SO_PEERPIDFD`); before, its number alone, which
//! another may have by the time we look. Either way nothing is held open for it afterwards, since thousands may be connected:
//! what is kept is a mark that no other process has, and it is compared before anything that was read counts.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Statx, StatxFlags, makedev, statx};

use super::links::{End, Link, file_behind, leads_to};
use super::peer::Stream;
use super::pidfd::Handle;
use super::program;

/// A process that connected.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: Option<u32>,
    /// Nothing where it was gone before we could look.
    pub(super) mark: Option<Mark>,
    /// The kernel handed out the process itself, not only its number.
    pub(super) is_vouched: bool,
    /// Who had started it by then.
    pub(super) parent: Option<u32>,
    pub(super) program: Option<Program>,
    /// When it was accepted, by the clock of [`program::now`].
    pub(super) at: u64,
}

/// What no other process has that had, has or will have the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The file of its handles.
    Node(u64),
    /// When it was started: numbers are given out in turn, and no tick is long enough for all of them.
    Start(u64),
}

/// A file, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// What a process ran when it connected.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// Its file; nothing where the path is the process's own word.
    pub(super) file: Option<FileId>,
}

impl Process {
    /// Who connected `stream` and has, or had, this number.
    pub(super) fn behind(stream: &Stream, pid: Option<u32>) -> Self {
        let at = program::now();
        let Some(pid) = pid.filter(|pid| *pid != 0) else { return Self::unknown(None, at) };
        match Handle::of_peer(stream) {
            Ok(handle) => Self::held(&handle, pid, at),
            Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => Self::numbered(pid, at),
            Err(_) => Self::unknown(Some(pid), at),
        }
    }

    /// The daemon itself.
    pub(super) fn ourselves() -> Self {
        Self { is_vouched: true, ..Self::numbered(std::process::id(), program::now()) }
    }

    fn held(handle: &Handle, pid: u32, at: u64) -> Self {
        let program = Program::of(pid);
        // Asked after the number was used: who answers now had it all the while.
        let (mark, parent) = match handle.told() {
            Ok(told) if told.pid == pid => (handle.node().ok().map(Mark::Node), Some(told.parent)),
            Err(error) if is_unknown_call(&error) => match program::origin_of(pid) {
                Some(origin) if handle.is_running() => (Some(Mark::Start(origin.started)), origin.parent),
                _ => (None, None),
            },
            _ => (None, None),
        };
        if mark.is_none() {
            return Self::unknown(Some(pid), at);
        }
        let parent = parent.filter(|parent| *parent > program::INIT);
        Self { pid: Some(pid), mark, is_vouched: true, parent, program, at }
    }

    /// Before Linux 6.5. Who took the number between connecting and now is taken for the caller.
    pub(super) fn numbered(pid: u32, at: u64) -> Self {
        let origin = program::origin_of(pid);
        let program = Program::of(pid);
        if origin.is_none() || program::origin_of(pid) != origin {
            return Self::unknown(Some(pid), at);
        }
        Self {
            pid: Some(pid),
            mark: origin.map(|origin| Mark::Start(origin.started)),
            is_vouched: false,
            parent: origin.and_then(|origin| origin.parent),
            program,
            at,
        }
    }

    fn unknown(pid: Option<u32>, at: u64) -> Self {
        Self { pid, mark: None, is_vouched: false, parent: None, program: None, at }
    }

    /// Whether its number is its own until now, so that what was read by it was of this process.
    pub(super) fn is_still_there(&self) -> bool {
        match (self.pid, self.mark) {
            (Some(pid), Some(mark)) => mark.is_of(pid),
            _ => false,
        }
    }

    /// What it runs now, where that is another program than when it connected.
    pub(super) fn became(&self) -> Option<PathBuf> {
        let (pid, before) = (self.pid?, self.program.as_ref()?.file?);
        if file_of(pid)? == before {
            return None;
        }
        let path = leads_to(pid, Link::Program)?;
        self.is_still_there().then_some(path)
    }

    /// Whether who connected `stream` is this process, and runs what it ran.
    pub(super) fn is_behind(&self, stream: &Stream, pid: u32) -> bool {
        let (Some(Mark::Node(node)), Some(file)) =
            (self.mark, self.program.as_ref().and_then(|program| program.file))
        else {
            return false;
        };
        let Ok(handle) = Handle::of_peer(stream) else { return false };
        // Asked last: who answers now had the number while its program was looked at.
        handle.node().is_ok_and(|it| it == node)
            && file_of(pid) == Some(file)
            && handle.told().is_ok_and(|told| told.pid == pid)
    }
}

impl Mark {
    fn is_of(self, pid: u32) -> bool {
        match self {
            Self::Node(node) => Handle::of(pid).and_then(|handle| handle.node()).is_ok_and(|it| it == node),
            Self::Start(started) => program::origin_of(pid).is_some_and(|origin| origin.started == started),
        }
    }
}

impl Program {
    fn of(pid: u32) -> Option<Self> {
        let told =
            End::of(pid, Link::Program).and_then(|end| Some(Self { path: end.path()?, file: end.file() }));
        told.or_else(|| Some(Self { path: program::own_word(pid)?, file: None }))
    }
}

/// The file that the process runs.
pub(super) fn file_of(pid: u32) -> Option<FileId> {
    file_behind(pid, Link::Program)
}

/// Which file is there. The file's own system is not asked, so none that hangs can hold us up (statx(2)).
pub(super) fn file_at(path: &Path) -> Option<FileId> {
    statx(CWD, path, AtFlags::STATX_DONT_SYNC, StatxFlags::empty()).ok().as_ref().map(FileId::from)
}

impl From<&Statx> for FileId {
    fn from(told: &Statx) -> Self {
        Self { device: makedev(told.stx_dev_major, told.stx_dev_minor), inode: told.stx_ino }
    }
}

fn is_unknown_call(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOTTY | libc::EINVAL))
}

//! Where the links of proc(5) lead that only may be followed for a process that one may look into: its program's file, its folders
//! and its namespaces.
//!
//! A link is opened and then asked what it leads to, so that a path and a file are of one moment; nothing is read by that. Confined by
//! Landlock we may not look into any other process; then the looker follows the link for us.

use std::ffi::{OsStr, OsString};
use std::fs::read_link;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, StatxFlags, fstat, openat, readlinkat, statx};
use rustix::io::Errno;

use super::looker;
use super::process::FileId;

/// A link in a process's folder of proc(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Program,
    Folder,
    Root,
    Mounts,
    Processes,
}

impl Link {
    pub(super) const ALL: [Self; 5] =
        [Self::Program, Self::Folder, Self::Root, Self::Mounts, Self::Processes];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Program => "exe",
            Self::Folder => "cwd",
            Self::Root => "root",
            Self::Mounts => "ns/mnt",
            Self::Processes => "ns/pid",
        }
    }
}

/// What the place is called to which a link leads, in one call: where nothing else needs to be of the same moment.
pub(super) fn leads_to(pid: u32, link: Link) -> Option<PathBuf> {
    match readlinkat(CWD, at(pid, link), Vec::new()) {
        Ok(name) => Some(OsString::from_vec(name.into_bytes()).into()),
        Err(Errno::ACCESS | Errno::PERM) => End(looker::follow(pid, link)?).path(),
        Err(_) => None,
    }
}

/// Which file a link leads to, in one call as well.
pub(super) fn file_behind(pid: u32, link: Link) -> Option<FileId> {
    match statx(CWD, at(pid, link), AtFlags::STATX_DONT_SYNC, StatxFlags::empty()) {
        Ok(told) => Some(FileId::from(&told)),
        Err(Errno::ACCESS | Errno::PERM) => End(looker::follow(pid, link)?).file(),
        Err(_) => None,
    }
}

/// Where a link leads. It says which file that is, and is not opened for reading.
pub(super) struct End(OwnedFd);

impl End {
    /// Nothing where there is no such process, or it is closed to us and to the looker.
    pub(super) fn of(pid: u32, link: Link) -> Option<Self> {
        match openat(CWD, at(pid, link), FLAGS, Mode::empty()) {
            Ok(end) => Some(Self(end)),
            // Landlock's word for it; other reasons are no better known to the looker.
            Err(Errno::ACCESS | Errno::PERM) => looker::follow(pid, link).map(Self),
            Err(_) => None,
        }
    }

    /// What it is called here, with a mark behind it where it has lost that name.
    pub(super) fn path(&self) -> Option<PathBuf> {
        read_link(self.here()).ok()
    }

    /// Which file it is. The file's own system is not asked, so none that hangs can hold us up (statx(2)).
    pub(super) fn file(&self) -> Option<FileId> {
        let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
        statx(&self.0, "", flags, StatxFlags::empty()).ok().as_ref().map(FileId::from)
    }

    /// A path to the very file, as long as this is held.
    pub(super) fn here(&self) -> String {
        format!("/proc/self/fd/{}", self.0.as_raw_fd())
    }

    /// Where a path leads from here. It is looked up in file systems, which may take their time.
    pub(super) fn below(&self, path: &OsStr) -> Option<Self> {
        openat(&self.0, path, FLAGS, Mode::empty()).ok().map(Self)
    }

    pub(super) fn is_file(&self) -> bool {
        fstat(&self.0).is_ok_and(|told| FileType::from_raw_mode(told.st_mode) == FileType::RegularFile)
    }
}

fn at(pid: u32, link: Link) -> String {
    format!("/proc/{pid}/{}", link.name())
}

/// Only to know where it leads.
pub(super) const FLAGS: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

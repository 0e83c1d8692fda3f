//! A look at a caller, by proc(5). It may wait for a disk, or for a file system that another program serves, so it is taken
//! on a thread of its own.
//!
//! All that is told is of one process: the last thing asked is whether it still is the one that connected, and runs the same
//! file. A path counts only if it leads to the very file that runs.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat, stat};

use super::ancestry::{self, is_client};
use super::links::{End, Link};
use super::look::{Doubt, Look};
use super::process::{FileId, Process, file_at, file_of};
use super::unit::unit_in;
use super::{elsewhere, program};
use crate::access::facts::Facts;
use crate::access::interpreter;

/// Looks at who connected, or at who is behind it, where that is our client.
pub(super) fn look(process: &Process) -> Look {
    let Some(pid) = process.pid.filter(|_| process.mark.is_some()) else {
        return Look::unknown(process.pid, Doubt::NO_NUMBER);
    };
    let behind = process
        .parent
        .filter(|_| process.program.as_ref().is_some_and(|program| is_client(&program.path)))
        .and_then(|parent| ancestry::who_started(parent, process.at));
    let mut seen = Seen::of(behind.as_ref().map_or(pid, |behind| behind.pid));
    if behind.is_some() {
        seen.doubts.push(THROUGH);
    }
    if !process.is_vouched {
        seen.doubts.push(Doubt::BY_NUMBER);
    }
    if seen.path.as_deref().is_some_and(is_anybodys) {
        seen.doubts.push(Doubt::OWN_FILE);
    }
    let (parents, are_all_parents) = ancestry::above(seen.pid);
    let mut facts = Facts::of_nobody();
    facts.unit = unit_of(pid);
    facts.container = elsewhere::is_in_container(pid);
    facts.forwarded = elsewhere::is_forwarded(pid);
    facts.are_all_parents = are_all_parents;
    facts.parents = parents.iter().map(|ancestor| ancestor.program.clone()).collect();
    facts.script = seen.script;
    facts.program = seen.path;

    let is_same = behind.as_ref().is_none_or(|behind| {
        program::origin_of(behind.pid).is_some_and(|origin| origin.started == behind.started)
    }) && file_of(seen.pid) == seen.file;
    if process.became().is_some() {
        seen.doubts.insert(0, Doubt::CHANGED);
    }
    if !is_same || !process.is_still_there() {
        return Look::unknown(Some(pid), Doubt::GONE);
    }
    let through = process.program.as_ref().filter(|_| behind.is_some()).map(|program| program.path.clone());
    let look = Look::new(Some(seen.pid), facts, seen.doubts);
    Look { file: seen.file, through, above: parents, ..look }
}

/// What a process runs.
struct Seen {
    pid: u32,
    file: Option<FileId>,
    path: Option<PathBuf>,
    script: Option<PathBuf>,
    doubts: Vec<Doubt>,
}

impl Seen {
    fn of(pid: u32) -> Self {
        let mut seen = Self { pid, file: None, path: None, script: None, doubts: Vec::new() };
        let program = End::of(pid, Link::Program);
        let Some((link, program)) = program.and_then(|program| Some((program.path()?, program))) else {
            seen.doubts.push(Doubt::own_word(program::own_word(pid).as_deref()));
            return seen;
        };
        seen.file = program.file();
        let is_elsewhere = elsewhere::has_other_files(pid);
        if seen.file.is_some() && file_at(&link) == seen.file {
            seen.path = Some(link.clone());
        } else if let Some(former) = without_end(&link).filter(|_| !is_elsewhere) {
            seen.doubts.push(REPLACED);
            seen.path = Some(former);
        } else {
            seen.doubts.push(elsewhere_called(&link));
        }
        if interpreter::is_interpreter(&link) {
            seen.doubts.push(Doubt::interpreter(&link));
            // Elsewhere a script's path leads to another file than here.
            seen.script = (!is_elsewhere).then(|| script_of(pid, &link)).flatten();
        }
        seen
    }
}

/// The path of a file that has lost its name, as the kernel marks it.
fn without_end(link: &Path) -> Option<PathBuf> {
    link.as_os_str().as_bytes().strip_suffix(b" (deleted)").map(|path| OsStr::from_bytes(path).into())
}

/// The script that the interpreter was told to run, as it is called without links, from the folder that the process is in now.
fn script_of(pid: u32, interpreter: &Path) -> Option<PathBuf> {
    let line = program::arguments_of(pid);
    let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
    let word = OsStr::from_bytes(interpreter::script(interpreter, &words)?);
    if End::of(pid, Link::Root)?.file()? != file_at(Path::new("/"))? {
        return None;
    }
    let script = End::of(pid, Link::Folder)?.below(word)?;
    let path = script.path()?;
    (script.is_file() && file_at(&path)? == script.file()?).then_some(path)
}

fn unit_of(pid: u32) -> Option<String> {
    let mut groups = String::new();
    File::open(format!("/proc/{pid}/cgroup")).ok()?.take(LONGEST).read_to_string(&mut groups).ok()?;
    unit_in(&groups)
}

/// Whether somebody who runs as the user could put another file there: it, or a folder on the way to it, is the user's or may be
/// written by the user. Root may write everything, and is not asked.
fn is_anybodys(path: &Path) -> bool {
    let us = rustix::process::geteuid();
    !us.is_root()
        && path.ancestors().any(|part| {
            let is_ours = stat(part).map_or(true, |told| told.st_uid == us.as_raw());
            is_ours || accessat(CWD, part, Access::WRITE_OK, AtFlags::EACCESS).is_ok()
        })
}

fn elsewhere_called(path: &Path) -> Doubt {
    Doubt::told(format!(
        "Its program is `{}` where it runs, and that is not the file of this name here.",
        path.display()
    ))
}

const THROUGH: Doubt = Doubt::plain("It asked through entra, which asks for whoever starts it.");
const REPLACED: Doubt = Doubt::plain("The file of its program was replaced or deleted since it was started.");

/// More than any place in the tree of control groups takes.
const LONGEST: u64 = 64 * 1024;

#[cfg(test)]
#[path = "look_linux_tests.rs"]
mod tests;

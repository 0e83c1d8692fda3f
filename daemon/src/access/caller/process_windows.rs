//! The process at the other end of a named pipe, by its number and when it was started.
//!
//! The pipe says the number; who took it between connecting and now is taken for the caller, and has to be the user's too
//! (`peer`).

use std::path::PathBuf;
use std::process::id;

use super::peer::Stream;
use super::program;
use crate::access::lease::process::mark as start_of;

/// A process that connected.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: Option<u32>,
    /// When it was started; nothing where it was gone before we could look, or is closed to us.
    pub(super) mark: Option<u64>,
    /// The system says the number alone.
    pub(super) is_vouched: bool,
    /// It is not asked here.
    pub(super) parent: Option<u32>,
    pub(super) program: Option<Program>,
    pub(super) at: u64,
}

/// What a process ran when it connected: it cannot become another program.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
}

/// A file; none is told here.
#[derive(Clone, Copy, Debug)]
pub(super) enum FileId {}

impl Process {
    /// Who connected `stream` and has, or had, this number.
    pub(super) fn behind(_: &Stream, pid: Option<u32>) -> Self {
        let program = pid.and_then(program::path_of).map(|path| Program { path });
        // Asked last: who is there still was there all the while.
        let mark = pid.and_then(start_of);
        Self { pid, mark, is_vouched: false, parent: None, program, at: program::now() }
    }

    /// The daemon itself.
    pub(super) fn ourselves() -> Self {
        let program = program::path_of(id()).map(|path| Program { path });
        let mark = start_of(id());
        Self { pid: Some(id()), mark, is_vouched: true, parent: None, program, at: program::now() }
    }

    /// Whether its number is its own until now.
    pub(super) fn is_still_there(&self) -> bool {
        self.mark.is_some() && self.pid.and_then(start_of) == self.mark
    }

    /// A process of Windows runs one program all its life.
    pub(super) fn became(&self) -> Option<PathBuf> {
        None
    }

    /// The system says it of files alone, by reading all of one (`signer`): so no rule waits for it.
    pub(super) fn signer(&self) -> Option<String> {
        None
    }
}

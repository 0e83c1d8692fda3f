//! The process at the other end of a socket, by its audit token: that has the number of the process and which of those that had
//! the number it is, and the number of its running program, so an exec makes it another.
//!
//! Source: `bsm/audit.h` and XNU's `bsd/kern/kern_credential.c` (`set_security_token`), `sys/un.h` (`LOCAL_PEERTOKEN`),
//! `bsd/sys/codesign.h` (`csops_audittoken`).
#![expect(unsafe_code, reason = "none of the calls has a safe interface")]

use std::ffi::c_void;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::id;

use super::peer::Stream;
use super::program;
use crate::access::lease::process::mark as start_of;

/// A process that connected.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: Option<u32>,
    /// Nothing where the kernel does not say which it is.
    pub(super) mark: Option<Mark>,
    /// The kernel handed out its token, not only its number.
    pub(super) is_vouched: bool,
    /// It is not asked here.
    pub(super) parent: Option<u32>,
    pub(super) program: Option<Program>,
    pub(super) at: u64,
}

/// What no other process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Its token. The kernel looks a process up by it, and finds none where that has ended or become another program.
    Token([u32; TOKEN]),
    /// When it was started.
    Start(u64),
}

/// What a process ran when it connected.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
}

/// A file; none is told here.
#[derive(Clone, Copy, Debug)]
pub(super) enum FileId {}

impl Process {
    /// Who connected `stream` and has, or had, this number.
    pub(super) fn behind(stream: &Stream, pid: Option<u32>) -> Self {
        let program = pid.and_then(program::path_of).map(|path| Program { path });
        let token = token_of(stream).filter(|token| pid == Some(token[PID]));
        // Asked last: the number was its own until then.
        let mark = match token {
            Some(token) => status_of(&token).map(|_| Mark::Token(token)),
            None => pid.and_then(start_of).map(Mark::Start),
        };
        Self { pid, mark, is_vouched: token.is_some(), parent: None, program, at: program::now() }
    }

    /// The daemon itself.
    pub(super) fn ourselves() -> Self {
        let program = program::path_of(id()).map(|path| Program { path });
        let mark = start_of(id()).map(Mark::Start);
        Self { pid: Some(id()), mark, is_vouched: true, parent: None, program, at: program::now() }
    }

    /// Whether it is there and runs what it ran when it connected.
    pub(super) fn is_still_there(&self) -> bool {
        match self.mark {
            Some(Mark::Token(token)) => status_of(&token).is_some(),
            Some(Mark::Start(started)) => self.pid.and_then(start_of) == Some(started),
            None => false,
        }
    }

    /// Told by [`Process::is_still_there`]: another program is another token.
    pub(super) fn became(&self) -> Option<PathBuf> {
        None
    }

    /// The team that signed its program, where the kernel holds the signature for valid.
    pub(super) fn signer(&self) -> Option<String> {
        let Some(Mark::Token(token)) = self.mark else { return None };
        let is_valid = status_of(&token).is_some_and(|status| status & CS_VALID != 0);
        is_valid.then(|| team_of(&token)).flatten()
    }
}

fn token_of(stream: &Stream) -> Option<[u32; TOKEN]> {
    let mut token = [0; TOKEN];
    let size = libc::socklen_t::try_from(size_of_val(&token)).ok()?;
    let mut length = size;
    // SAFETY: the descriptor is open; `token` is ours to write and as long as `length` says.
    let failed = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_LOCAL,
            libc::LOCAL_PEERTOKEN,
            token.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    (failed == 0 && length == size).then_some(token)
}

/// The kernel's flags for the signature of the process that has this very token.
fn status_of(token: &[u32; TOKEN]) -> Option<u32> {
    let mut status = [0; size_of::<u32>()];
    ask(token, CS_OPS_STATUS, &mut status).then(|| u32::from_ne_bytes(status))
}

fn team_of(token: &[u32; TOKEN]) -> Option<String> {
    // Eight bytes of a header stand before the text: four of no meaning, and the length of the whole.
    let mut blob = [0; 64];
    if !ask(token, CS_OPS_TEAMID, &mut blob) {
        return None;
    }
    let text = blob[8..].split(|byte| *byte == 0).next()?;
    std::str::from_utf8(text).ok().filter(|team| !team.is_empty()).map(str::to_owned)
}

fn ask(token: &[u32; TOKEN], what: libc::c_uint, answer: &mut [u8]) -> bool {
    let mut token = *token;
    let Ok(pid) = libc::pid_t::try_from(token[PID]) else { return false };
    // SAFETY: `answer` and `token` are ours to write; the length of the one is given, that of the other is fixed.
    let failed = unsafe {
        csops_audittoken(pid, what, answer.as_mut_ptr().cast(), answer.len(), token.as_mut_ptr().cast())
    };
    failed == 0
}

// SAFETY: as XNU's `libsyscall/wrappers` declares it; it is part of the system's library that everything links.
unsafe extern "C" {
    fn csops_audittoken(
        pid: libc::pid_t,
        ops: libc::c_uint,
        useraddr: *mut c_void,
        usersize: libc::size_t,
        token: *mut c_void,
    ) -> libc::c_int;
}

/// An `audit_token_t` is eight words, of which the sixth is the process's number.
const TOKEN: usize = 8;
const PID: usize = 5;

const CS_OPS_STATUS: libc::c_uint = 0;
const CS_OPS_TEAMID: libc::c_uint = 14;
/// The signature holds for what is in memory.
const CS_VALID: u32 = 1;

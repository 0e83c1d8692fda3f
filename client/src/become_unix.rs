//! Running a program in place of this one, on Unix: `execve`.
//!
//! The program has this process's id and, to the system, its start: a lease that is bound to us is bound to it. Terminal,
//! signals and exit status are the program's own, and there is nothing to pass on.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// The program of this name: the system looks along `PATH` by itself.
pub(crate) fn located(name: &OsStr) -> PathBuf {
    name.into()
}

/// Becomes the program. Returns only if that failed, with the reason.
pub(crate) fn become_program(mut command: Command) -> io::Error {
    command.exec()
}

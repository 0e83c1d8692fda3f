//! Going on as another program, on Unix: the process becomes it.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Goes on as this program, with one variable more in its environment; comes back only when that failed.
pub(crate) fn continue_as(program: &Path, words: &[OsString], variable: (&str, String)) -> io::Error {
    Command::new(program).args(words).env(variable.0, variable.1).exec()
}

/// Whether it is a file that somebody may execute; whether we may, the system says.
pub(crate) fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// What a program's file may end with.
pub(crate) const PROGRAM_SUFFIXES: &[&str] = &[""];

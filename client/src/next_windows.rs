//! Going on as another program, on Windows: it is started and waited for, and its status becomes ours.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Command, exit};

use super::on_interrupt;

/// Goes on as this program, with one variable more in its environment; comes back only when that failed.
pub(crate) fn continue_as(program: &Path, words: &[OsString], variable: (&str, String)) -> io::Error {
    // The console tells each of its programs of Ctrl-C; whether that is the end, the other one decides.
    let _refused = on_interrupt(|| {});
    match Command::new(program).args(words).env(variable.0, variable.1).status() {
        // Only a status that no signal made is absent, and Windows has none of those.
        Ok(status) => exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

/// Whether it is a file.
pub(crate) fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// What a program's file may end with, in the order of `PATHEXT`'s own default. The Azure CLI is an `az.cmd`.
pub(crate) const PROGRAM_SUFFIXES: &[&str] = &[".com", ".exe", ".bat", ".cmd"];

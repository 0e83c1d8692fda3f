//! Other programs on Unix: which files are programs, and becoming one.

use std::env::current_exe;
use std::ffi::OsString;
use std::fs::metadata;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// What the file of a program may end with.
pub(crate) const PROGRAM_ENDINGS: [&str; 1] = [""];

/// Whether the file is a program other than this one, under whatever name this one is linked.
pub(crate) fn is_another_program(path: &Path) -> bool {
    let Ok(found) = metadata(path) else { return false };
    let is_this = current_exe()
        .and_then(metadata)
        .is_ok_and(|this| (this.dev(), this.ino()) == (found.dev(), found.ino()));
    found.is_file() && found.permissions().mode() & 0o111 != 0 && !is_this
}

/// Becomes the program: its streams, signals and status are then its caller's own affair.
pub(crate) fn run_instead(program: &Path, words: &[OsString]) -> io::Result<u8> {
    Err(Command::new(program).args(words).exec())
}

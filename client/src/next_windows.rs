//! Other programs on Windows: which files are programs, and running one.

use std::env::current_exe;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the file of a program may end with. The last two are run by the command interpreter; the standard library refuses
/// words that it could take for something else.
pub(crate) const PROGRAM_ENDINGS: [&str; 3] = [".exe", ".cmd", ".bat"];

/// Whether the file is a program other than this one, whose other names are copies of it in its own folder.
pub(crate) fn is_another_program(path: &Path) -> bool {
    let folder = |path: PathBuf| path.parent().map(Path::to_path_buf);
    let Ok(found) = path.canonicalize() else { return false };
    let this = current_exe().and_then(|this| this.canonicalize()).ok();
    found.is_file() && this.and_then(folder) != folder(found)
}

/// Runs the program to its end and ends as it did.
pub(crate) fn run_instead(program: &Path, words: &[OsString]) -> io::Result<u8> {
    let status = Command::new(program).args(words).status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

//! The next program of a name on PATH: what a tool would have called, were this program not linked under that name.
//!
//! What a dialect does not speak is handed there word for word, so that a link put first on PATH takes nothing away. This
//! program itself is passed over, under whatever name it is linked; else it would call itself for ever.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use entra_proto::error::exit;

use crate::failure::Failure;
use crate::platform::{PROGRAM_ENDINGS, is_another_program, run_instead};

/// The next program of this name, if there is one.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    find_in(&std::env::var_os("PATH")?, name)
}

/// Runs it in this program's stead and returns its status; on Unix only where it could not be started.
pub(crate) fn run(program: &Path, words: &[OsString]) -> Result<u8, Failure> {
    run_instead(program, words).map_err(|error| {
        let sentence = format!("{} could not be started.", program.display());
        Failure::new(exit::INTERNAL, "not_started", sentence).because(&error)
    })
}

/// A folder that depends on where one stands is no place to take a program from.
fn find_in(path: &OsStr, name: &str) -> Option<PathBuf> {
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    let mut files =
        folders.flat_map(|folder| PROGRAM_ENDINGS.map(|ending| folder.join(format!("{name}{ending}"))));
    files.find(|file| is_another_program(file))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn this_program_is_passed_over_under_any_name() {
        let (ours, next) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let this = std::env::current_exe().unwrap();
        let file = |folder: &tempfile::TempDir| folder.path().join(format!("tool{}", PROGRAM_ENDINGS[0]));
        // A program is whatever may be run, and this one may.
        fs::copy(&this, file(&next)).unwrap();
        let path = std::env::join_paths([ours.path(), next.path()]).unwrap();
        if fs::hard_link(&this, this.with_file_name("tool-of-a-test")).is_ok() {
            let linked = this.with_file_name("tool-of-a-test");
            assert!(!is_another_program(&linked));
            fs::remove_file(linked).unwrap();
        }
        assert_eq!(find_in(&path, "tool"), Some(file(&next)));
        assert_eq!(find_in(&path, "tools"), None);
        assert_eq!(find_in(OsStr::new("."), "tool"), None);
    }
}

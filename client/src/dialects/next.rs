//! The next program of a name on PATH, for what this one does not speak.
//!
//! Another copy of this program, or a script that calls it, is not told from the real tool by its path; so a chain of
//! such programs is looked through forwards only, and one that goes in a circle is ended by its length.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::{env, io};

use crate::platform::{PROGRAM_SUFFIXES, continue_as, is_program};

/// Why the words could not be passed on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NextError {
    /// There is none.
    #[error("there is no other `{0}` on PATH")]
    Absent(&'static str),
    /// What was called as the next one calls this one again.
    #[error("the `{0}` next on PATH calls this one again")]
    Circle(&'static str),
    /// It cannot be started.
    #[error("{path:?} cannot be started")]
    Start { path: PathBuf, source: io::Error },
}

/// Hands the words to the next program called `name`, whose end is then this program's.
pub(crate) fn pass_on(name: &'static str, words: &[OsString]) -> NextError {
    let depth = env::var(DEPTH).ok().and_then(|depth| depth.parse().ok()).unwrap_or(0_u8);
    if depth >= MOST_PASSES {
        return NextError::Circle(name);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let own = env::current_exe().and_then(|own| own.canonicalize()).unwrap_or_default();
    let Some(next) = find(name, &path, &own) else { return NextError::Absent(name) };
    let source = continue_as(&next, words, (DEPTH, (depth + 1).to_string()));
    NextError::Start { path: next, source }
}

/// The first program of this name in the folders behind the one in which we are found, then in those before it. A folder
/// that holds us under the name holds nothing else under it: on Windows `az.cmd` beside `az.exe` is our own as well.
fn find(name: &str, path: &OsStr, own: &Path) -> Option<PathBuf> {
    // A relative folder is another one in each place.
    let folders: Vec<PathBuf> = env::split_paths(path).filter(|folder| folder.is_absolute()).collect();
    let is_own = |folder: &Path| {
        programs(folder, name).any(|program| program.canonicalize().is_ok_and(|program| program == own))
    };
    let behind = folders.iter().position(|folder| is_own(folder)).map_or(0, |at| at + 1);
    let (before, behind) = folders.split_at(behind);
    let others = behind.iter().chain(before).filter(|folder| !is_own(folder));
    others.flat_map(|folder| programs(folder, name)).find(|program| is_program(program))
}

fn programs(folder: &Path, name: &str) -> impl Iterator<Item = PathBuf> {
    PROGRAM_SUFFIXES.iter().map(move |suffix| folder.join(format!("{name}{suffix}")))
}

/// Counts how often words were passed on, for the programs that are started.
const DEPTH: &str = "ENTRA_PASSED_ON";

/// A tool that calls a tool that calls `az` is honest; one that does so in eight layers is a circle.
const MOST_PASSES: u8 = 8;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The folders, each with this program copied under the name `tool`.
    fn folders(names: &[&str]) -> (tempfile::TempDir, Vec<PathBuf>) {
        let root = tempfile::tempdir().unwrap();
        let suffix = PROGRAM_SUFFIXES[0];
        let programs: Vec<PathBuf> =
            names.iter().map(|name| root.path().join(name).join(format!("tool{suffix}"))).collect();
        for program in &programs {
            fs::create_dir(program.parent().unwrap()).unwrap();
            fs::copy(env::current_exe().unwrap(), program).unwrap();
        }
        (root, programs)
    }

    fn path(programs: &[&PathBuf]) -> OsString {
        env::join_paths(programs.iter().map(|program| program.parent().unwrap())).unwrap()
    }

    #[test]
    fn the_search_begins_behind_ourselves_and_skips_us() {
        let (_root, programs) = folders(&["a", "b", "c"]);
        let [a, b, c] = &programs[..] else { panic!() };
        let own = b.canonicalize().unwrap();
        assert_eq!(find("tool", &path(&[a, b, c]), &own).as_ref(), Some(c));
        assert_eq!(find("tool", &path(&[a, b, b]), &own).as_ref(), Some(a));
        assert_eq!(find("tool", &path(&[c]), &own).as_ref(), Some(c));
        assert_eq!(find("tool", &path(&[b]), &own), None);
        assert_eq!(find("other", &path(&[a, c]), &own), None);
        assert_eq!(find("tool", OsStr::new(""), &own), None);
    }

    #[test]
    fn relative_folders_and_plain_files_are_passed_over() {
        let (root, programs) = folders(&["a"]);
        let folder = root.path().join("d");
        fs::create_dir_all(folder.join(format!("tool{}", PROGRAM_SUFFIXES[0]))).unwrap();
        let found = env::join_paths([Path::new("."), &folder, programs[0].parent().unwrap()]).unwrap();
        assert_eq!(find("tool", &found, Path::new("/nowhere")).as_ref(), Some(&programs[0]));
    }
}

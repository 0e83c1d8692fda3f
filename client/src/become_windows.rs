//! Running a program in place of this one, on Windows, where no process becomes another: it is waited for, and its status
//! is ours.

use std::env::{split_paths, var_os};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::on_interrupt;

/// The program of this name along `PATH`, with the endings of `PATHEXT`: the system adds `.exe` alone, and half of the
/// tools are command files. Unlike `cmd`, it does not look into the current folder first.
pub(crate) fn located(name: &OsStr) -> PathBuf {
    let endings = var_os("PATHEXT").unwrap_or_else(|| USUAL_ENDINGS.into());
    found(Path::new(name), &var_os("PATH").unwrap_or_default(), &endings.to_string_lossy())
}

/// Becomes the program as far as anybody sees. Returns only if it did not start or could not be waited for.
pub(crate) fn become_program(mut command: Command) -> io::Error {
    // The console tells both of Ctrl-C; what it means is for the program to say.
    if let Err(error) = on_interrupt(|| {}) {
        return error;
    }
    let child = command.spawn();
    drop(command);
    match child.and_then(|mut child| child.wait()) {
        // Whole: a status of Windows has 32 bits.
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

fn found(name: &Path, path: &OsStr, endings: &str) -> PathBuf {
    let folders: Vec<PathBuf> = if name.components().count() == 1 {
        split_paths(path).filter(|folder| folder.is_absolute()).collect()
    } else {
        vec![PathBuf::new()]
    };
    let as_it_is = name.extension().map(|_| "");
    let endings: Vec<&str> = as_it_is.into_iter().chain(endings.split(';')).collect();
    for folder in folders {
        for ending in &endings {
            let mut whole = OsString::from(name);
            whole.push(ending);
            let candidate = folder.join(whole);
            if candidate.is_file() {
                return candidate;
            }
        }
    }
    name.to_owned()
}

/// Of Windows, where the variable is missing.
const USUAL_ENDINGS: &str = ".COM;.EXE;.BAT;.CMD";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_files_are_found_along_the_path() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["npm", "npm.cmd", "tool1.2.exe"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let path = folder.path().as_os_str();
        let look = |name: &Path| found(name, path, USUAL_ENDINGS);
        assert_eq!(look(Path::new("npm")).extension().unwrap().to_ascii_lowercase(), "cmd");
        assert_eq!(look(Path::new("npm.cmd")), folder.path().join("npm.cmd"));
        assert_eq!(look(Path::new("tool1.2")).extension().unwrap().to_ascii_lowercase(), "exe");
        assert_eq!(look(&folder.path().join("npm")).extension().unwrap().to_ascii_lowercase(), "cmd");
        assert_eq!(look(Path::new("nothing")), Path::new("nothing"));
    }
}

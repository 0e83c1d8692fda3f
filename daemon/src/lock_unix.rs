//! `flock` on a file of our own.

use std::ffi::OsStr;
use std::fs::TryLockError;
use std::io;

use super::Attempt;
use crate::files::{FileError, Folder};

pub(super) fn try_lock(folder: &Folder, name: &OsStr) -> io::Result<Attempt> {
    let file = folder.append(name).map_err(FileError::into_reason)?;
    match file.try_lock() {
        Ok(()) => Ok(Attempt::Ours(file)),
        Err(TryLockError::Error(reason)) => Err(reason),
        Err(TryLockError::WouldBlock) => Ok(Attempt::Held(Some(file))),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::process::Command;

    use rstest::rstest;

    use super::super::Lock;
    use super::*;

    /// The file that another name leads to was emptied once.
    #[rstest]
    #[case::another_name(|at: &Path, other: &Path| fs::hard_link(other, at).unwrap())]
    #[case::a_link(|at: &Path, other: &Path| symlink(other, at).unwrap())]
    #[case::a_pipe(|at: &Path, _: &Path| assert!(Command::new("mkfifo").arg(at).status().unwrap().success()))]
    #[case::a_folder(|at: &Path, _: &Path| fs::create_dir(at).unwrap())]
    fn what_is_no_file_of_ours_is_not_locked(#[case] plant: fn(&Path, &Path)) {
        let home = tempfile::tempdir().unwrap();
        let (at, other) = (home.path().join("lock"), home.path().join("precious"));
        fs::write(&other, "mine").unwrap();
        plant(&at, &other);
        let folder = Folder::create(home.path()).unwrap();
        let error = Lock::take(&folder, "lock", "process 42").unwrap_err().to_string();
        assert!(error.contains(&at.display().to_string()) && error.contains("move it away"), "{error}");
        assert_eq!(fs::read_to_string(other).unwrap(), "mine");
    }
}

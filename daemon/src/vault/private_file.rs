//! Opening the state folder and the file in it so that nobody else has a hand in them.
//!
//! The folder is opened once and checked by its handle; everything in it is then opened within that very folder
//! and checked by its own. So nothing can be exchanged between a check and its use. A file is replaced as a whole
//! or not at all: written beside, flushed, renamed, and that made durable.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::home::random;

#[cfg_attr(unix, path = "private_file_unix.rs")]
#[cfg_attr(windows, path = "private_file_windows.rs")]
mod system;

use self::system::PERMISSIONS;
#[cfg(test)]
pub(super) use self::system::tests::close_to_others;
pub(super) use self::system::{
    CLOSE_FILE, Folder, credential_fault, open_descriptor, open_outside, secret_fault,
};

/// The folder or a file in it cannot be used safely, or the system refused.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("Could not {action} {}: {source}.", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is refused as it is.
    #[error("{} is refused: {fault}.", path.display())]
    Unsafe {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        fault: Fault,
    },
}

/// Why a file or folder is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Another user owns it.
    #[error("another user owns it")]
    ForeignOwner,
    /// It has a second name.
    #[error("it has other hard links")]
    HardLinked,
    /// It is a folder, a symbolic link, a device or the like.
    #[error("it is not a regular file")]
    NotAFile,
    /// It is a symbolic link or no folder.
    #[error("it is a symbolic link or not a folder")]
    NotAFolder,
    /// Others may read or write it.
    #[error("its {PERMISSIONS} lets other users read or write it")]
    OpenToOthers,
    /// It is larger than it may be.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
}

impl FileError {
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => {
                "See whether the disk is full and the folder is yours and writable. The old file is unchanged."
            }
            Self::Unsafe { .. } => {
                "Make it a plain file or folder of your own that nobody else can write, or set another `state_dir`."
            }
        }
    }
}

/// Reads to the end; `None` when there is more than the limit. The buffer never grows, so nothing is left behind.
pub(super) fn read_bounded(
    from: impl Read,
    expected: u64,
    limit: u64,
) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    if expected > limit {
        return Ok(None);
    }
    let room = usize::try_from(expected.saturating_add(1)).unwrap_or(usize::MAX);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    from.take(expected.saturating_add(1)).read_to_end(&mut bytes)?;
    let is_whole = u64::try_from(bytes.len()).is_ok_and(|length| length <= expected);
    Ok(is_whole.then_some(bytes))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Io { action, path, source }
}

/// How the name of an unfinished file ends.
const TEMPORARY: &str = ".tmp";

/// A new name for an unfinished file.
fn temporary_name(name: &str) -> io::Result<String> {
    Ok(format!("{name}.{:016x}{TEMPORARY}", u64::from_ne_bytes(random()?)))
}

/// Whether this is the name of an unfinished file of that name.
fn is_temporary(found: &str, name: &str) -> bool {
    let random = found.strip_prefix(name).and_then(|rest| rest.strip_suffix(TEMPORARY));
    random.is_some_and(|it| it.len() == 17 && it.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rstest::rstest;
    use tempfile::TempDir;

    use super::*;

    pub(super) fn folder() -> (TempDir, Folder) {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::create(&place(&home)).unwrap();
        (home, folder)
    }

    fn place(home: &TempDir) -> PathBuf {
        home.path().join("a").join("entrad")
    }

    pub(super) fn fault(result: Result<impl std::fmt::Debug, FileError>) -> Fault {
        match result.unwrap_err() {
            FileError::Unsafe { fault, .. } => fault,
            error => panic!("{error}"),
        }
    }

    /// Why a file is refused that was put there by `plant`, beside one of the name `other`.
    pub(super) fn fault_of(plant: fn(&Path)) -> Fault {
        let (home, folder) = folder();
        fs::write(place(&home).join("other"), "text").unwrap();
        plant(&place(&home).join("f"));
        fault(folder.read("f", 4))
    }

    pub(super) fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_missing_is_no_error() {
        let (home, folder) = folder();
        assert!(Folder::open(&home.path().join("b")).unwrap().is_none());
        assert!(folder.read("f", 4).unwrap().is_none());
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_refused() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("file"), "").unwrap();
        assert_eq!(fault(Folder::create(&home.path().join("file"))), Fault::NotAFolder);
    }

    #[rstest]
    #[case::hard_link(|at: &Path| fs::hard_link(at.with_file_name("other"), at).unwrap(), Fault::HardLinked)]
    #[case::folder(|at: &Path| fs::create_dir(at).unwrap(), Fault::NotAFile)]
    #[case::large(|at: &Path| fs::write(at, "12345").unwrap(), Fault::TooLarge { limit: 4 })]
    fn what_is_not_plainly_ours_is_refused(#[case] plant: fn(&Path), #[case] expected: Fault) {
        assert_eq!(fault_of(plant), expected);
    }

    #[test]
    fn setting_aside_takes_no_other_files_place() {
        let (home, folder) = folder();
        folder.replace("f", b"one", None).unwrap();
        folder.replace("f", b"two", Some("f.old")).unwrap();
        assert!(folder.replace("f", b"three", Some("f.old")).is_err());
        assert_eq!(fs::read(place(&home).join("f")).unwrap(), b"two");
        assert_eq!(fs::read(place(&home).join("f.old")).unwrap(), b"one");
        assert_eq!(names(&place(&home)), ["f", "f.old"]);
    }

    #[test]
    fn only_unfinished_writes_of_the_file_are_cleaned() {
        let (home, folder) = folder();
        let kept = ["f", "f.damaged-1", "f.short.tmp", "g.0123456789abcdef.tmp"];
        for name in kept.iter().chain(&["f.0123456789abcdef.tmp"]) {
            fs::write(place(&home).join(name), "").unwrap();
        }
        folder.clean("f").unwrap();
        assert_eq!(names(&place(&home)), kept);
    }
}

//! One daemon per user: a lock decides, and the second daemon says who holds it.
//!
//! The lock is the kernel's, so it ends with its holder however that dies. The file stays; what it says is only
//! for people.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use crate::files::Folder;

#[cfg_attr(unix, path = "lock_unix.rs")]
#[cfg_attr(windows, path = "lock_windows.rs")]
mod system;

/// A held lock; it ends when this is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another daemon runs.
    #[error(
        "Another entrad is running ({holder}); only one may hold {path}. Stop it first, or use it: `entra status`."
    )]
    Held {
        /// The lock file.
        path: PathBuf,
        /// What its holder wrote.
        holder: String,
    },
    /// The file cannot be made or locked.
    #[error(
        "{path} cannot be locked: {reason}. See that it is a plain file of yours, or move it away while no entrad runs."
    )]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
}

impl Lock {
    /// Takes the lock of that name in the folder and writes `note` into it for whoever comes second.
    ///
    /// # Errors
    /// [`LockError`], at once: nothing waits for the holder.
    pub(crate) fn take(folder: &Folder, name: impl AsRef<OsStr>, note: &str) -> Result<Self, LockError> {
        let path = folder.path().join(name.as_ref());
        let failed = |reason| LockError::Io { path: path.clone(), reason };
        let mut file = match system::try_lock(folder, name.as_ref()).map_err(failed)? {
            Attempt::Ours(file) => file,
            Attempt::Held(file) => {
                let mut holder = String::new();
                // The note is for people; without it the sentence is still true.
                let _unread = file.map(|file| file.take(200).read_to_string(&mut holder));
                let holder = holder.chars().filter(|c| !c.is_control()).collect::<String>();
                return Err(LockError::Held { path, holder });
            }
        };
        file.set_len(0).map_err(failed)?;
        file.write_all(note.as_bytes()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// How an attempt at the lock went.
enum Attempt {
    /// We hold it, by this file.
    Ours(File),
    /// Somebody else does; the file is for reading their note.
    Held(Option<File>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_it_until_it_ends() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lock");
        let folder = Folder::create(home.path()).unwrap();
        let first = Lock::take(&folder, "lock", "process 42").unwrap();
        let error = Lock::take(&folder, "lock", "process 43").unwrap_err().to_string();
        assert!(error.contains("process 42") && error.contains("entra status"), "{error}");
        drop(first);
        // A child that another test starts meanwhile holds what it inherited until it runs its program.
        let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while let Err(error) = Lock::take(&folder, "lock", "process 43") {
            assert!(std::time::Instant::now() < until, "{error}");
            std::thread::yield_now();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "process 43");
    }
}

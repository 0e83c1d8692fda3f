//! Why a file or a folder is not used, and what to do about it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::outside::PERMISSIONS;

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
    /// Others may put another in its place.
    #[error("other users can put another in its place, since they may write to the folder it is in")]
    Exchangeable,
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
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        let Self::Io { source, .. } = self else {
            return "Make it a plain file or folder of your own that nobody else can write, or set another `state_dir`.";
        };
        match source.kind() {
            ErrorKind::StorageFull => {
                "The disk is full: free some space, and entrad writes it by itself. The old file is unchanged."
            }
            ErrorKind::QuotaExceeded => {
                "Your disk quota is used up: delete something of yours or have it raised, and entrad writes it by itself. The old file is unchanged."
            }
            ErrorKind::ReadOnlyFilesystem => {
                "Its file system cannot be written: see why it was mounted so, or set another `state_dir`. The old file is unchanged."
            }
            _ => {
                "See whether the disk is full and the folder is yours and writable. The old file is unchanged."
            }
        }
    }

    /// Why alone, for a sentence that names the file itself.
    #[must_use]
    pub fn into_reason(self) -> io::Error {
        match self {
            Self::Io { source, .. } => source,
            Self::Unsafe { fault, .. } => io::Error::other(fault),
        }
    }
}

impl From<FileError> for io::Error {
    /// As the system said it; a file that is refused is named.
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io { source, .. } => source,
            FileError::Unsafe { path, fault } => {
                Self::other(format!("{} is refused: {fault}", path.display()))
            }
        }
    }
}

pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Io { action, path, source }
}

pub(super) fn refused<T>(path: &Path, fault: Fault) -> Result<T, FileError> {
    Err(FileError::Unsafe { path: path.to_owned(), fault })
}

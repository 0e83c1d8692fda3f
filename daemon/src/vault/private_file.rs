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

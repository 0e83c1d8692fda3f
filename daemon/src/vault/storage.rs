//! Where the sealed bytes lie: in the state folder, or, for the memory home, in this process.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::private_file::{FileError, Folder};

/// The one sealed file, wherever it is.
#[derive(Debug)]
pub(super) enum Storage {
    /// `vault.sealed` in this folder.
    Folder {
        /// The state folder.
        path: PathBuf,
        /// Whether leftovers of an earlier process were looked for.
        is_clean: bool,
    },
    /// Nowhere but here; sealed all the same.
    Memory(Option<Vec<u8>>),
}

impl Storage {
    pub(super) fn folder(path: PathBuf) -> Self {
        Self::Folder { path, is_clean: false }
    }

    /// The sealed bytes; `None` before the first write.
    pub(super) fn read(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
        match self {
            Self::Memory(bytes) => Ok(bytes.clone().map(Zeroizing::new)),
            Self::Folder { path, is_clean } => {
                let Some(folder) = Folder::open(path)? else { return Ok(None) };
                clean(&folder, is_clean)?;
                folder.read(FILE, MAX_FILE)
            }
        }
    }

    /// Writes durably. The old file may first be set aside under a name that begins as `aside` does.
    pub(super) fn write(&mut self, bytes: &[u8], aside: Option<&str>) -> Result<(), FileError> {
        match self {
            Self::Memory(held) => *held = Some(bytes.to_vec()),
            Self::Folder { path, is_clean } => {
                let folder = Folder::create(path)?;
                clean(&folder, is_clean)?;
                folder.replace(FILE, bytes, aside)?;
                if let Some(aside) = aside {
                    let kept = path.join(aside);
                    tracing::warn!(kept = %kept.display(), "A new vault was begun; the old file was set aside.");
                }
            }
        }
        Ok(())
    }

    /// The file, for messages.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::Memory(_) => Path::new("(memory)").to_owned(),
            Self::Folder { path, .. } => path.join(FILE),
        }
    }
}

fn clean(folder: &Folder, is_clean: &mut bool) -> Result<(), FileError> {
    if !*is_clean {
        folder.clean(FILE)?;
        *is_clean = true;
    }
    Ok(())
}

/// The sealed file's name within the state folder.
pub const FILE: &str = "vault.sealed";

/// The most a file may hold: thousands of sign-ins. A larger one is not ours.
pub(super) const MAX_FILE: u64 = 16 * 1024 * 1024;

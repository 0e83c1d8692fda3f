//! Where the sealed bytes lie: in the state folder, or, for the memory home, in this process.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::lock::Erased;
use crate::files::{FileError, Folder};

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

    /// Drops what is in this process alone.
    pub(super) fn forget_memory(&mut self) {
        if let Self::Memory(bytes) = self {
            *bytes = None;
        }
    }

    /// Erases the file, and all that was set aside or left half written beside it.
    pub(super) fn erase(&mut self) -> Erased {
        self.forget_memory();
        let Self::Folder { path, .. } = self else { return Erased::default() };
        let mut erased = Erased::default();
        if let Err(error) = erase_in(path, &mut erased) {
            erased.left.push(error.to_string());
        }
        erased
    }

    /// The file, for messages.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::Memory(_) => Path::new("(memory)").to_owned(),
            Self::Folder { path, .. } => path.join(FILE),
        }
    }
}

fn erase_in(path: &Path, erased: &mut Erased) -> Result<(), FileError> {
    let Some(folder) = Folder::open(path)? else { return Ok(()) };
    let is_ours = |name: &String| {
        name.strip_prefix(FILE).is_some_and(|rest| matches!(rest.as_bytes(), [] | [b'.', ..]))
    };
    // The file itself comes before what was set aside.
    for name in folder.names()?.into_iter().filter(is_ours) {
        match folder.erase(&name, MAX_FILE) {
            Ok(None) => erased.files.push(name),
            Ok(Some(fault)) => {
                let at = path.join(&name);
                erased.left.push(format!(
                    "{} was deleted, but {fault}: what it held is still under them, sealed.",
                    at.display()
                ));
            }
            Err(error) => erased.left.push(error.to_string()),
        }
    }
    Ok(())
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

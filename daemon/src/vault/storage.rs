//! Where the sealed bytes lie: in the state folder, or, for the memory home, in this process.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::lock::Erased;
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
        let is_ours = |name: &str| {
            name.strip_prefix(FILE).is_some_and(|rest| matches!(rest.as_bytes(), [] | [b'.', ..]))
        };
        for name in names_in(path, &mut erased.left).into_iter().filter(|name| is_ours(name)) {
            match erase_file(&path.join(&name)) {
                Ok(()) => erased.files.push(name),
                Err(error) => {
                    erased.left.push(format!("{} could not be erased: {error}.", path.join(&name).display()));
                }
            }
        }
        // The names must be gone too, should the power fail now. Not every system flushes folders.
        let _flushed = File::open(&*path).and_then(|folder| folder.sync_all());
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

fn names_in(folder: &Path, faults: &mut Vec<String>) -> Vec<String> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            faults.push(format!("The folder {} could not be read: {error}.", folder.display()));
            return Vec::new();
        }
    };
    let mut names: Vec<String> =
        listed.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    // The file itself before what was set aside.
    names.sort();
    names
}

/// Overwrites what the file holds and deletes it. A link is deleted, and what it leads to left alone.
fn erase_file(path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if found.is_file() {
        // Worth a try: many a disk writes elsewhere. What counts is that the file is gone.
        let _overwritten = overwrite(path, found.len());
    }
    fs::remove_file(path)
}

fn overwrite(path: &Path, length: u64) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    io::copy(&mut io::repeat(0).take(length.min(MAX_FILE)), &mut file)?;
    file.sync_all()
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

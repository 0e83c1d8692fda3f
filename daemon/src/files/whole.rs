//! What is done to a folder and to whole files in it, on every system.

use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use super::fault::{failed, refused};
use super::{Fault, FileError, Folder, create_folder, is_temporary, read_bounded};

impl Folder {
    /// Opens the folder, making it and those above it where they are missing.
    pub(crate) fn create(path: &Path) -> Result<Self, FileError> {
        if let Some(folder) = Self::open(path)? {
            return Ok(folder);
        }
        create_folder(path).map_err(failed("create", path))?;
        let gone = || failed("open", path)(io::ErrorKind::NotFound.into());
        Self::open(path)?.ok_or_else(gone)
    }

    /// Reads a whole file of at most `limit` bytes; `None` when there is none.
    pub(crate) fn read(&self, name: &str, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
        let Some(file) = self.look_into(name)? else { return Ok(None) };
        let path = self.path().join(name);
        let length = file.metadata().map_err(failed("examine", &path))?.len();
        match read_bounded(&file, length, limit).map_err(failed("read", &path))? {
            Some(bytes) => Ok(Some(bytes)),
            None => refused(&path, Fault::TooLarge { limit }),
        }
    }

    /// Overwrites what a plain file of ours holds, and deletes it. What has other names or is no file is only deleted; other names
    /// are told.
    pub(crate) fn erase(&self, name: &str, most: u64) -> Result<Option<Fault>, FileError> {
        let opened = self.overwritable(name);
        let fault = match &opened {
            Err(FileError::Unsafe { fault: Fault::HardLinked, .. }) => Some(Fault::HardLinked),
            _ => None,
        };
        // Worth a try: many a disk writes elsewhere. What counts is that the file is gone.
        if let Ok(mut file) = opened {
            let length = file.metadata().map_or(0, |metadata| metadata.len());
            let mut zeros = io::Read::take(io::repeat(0), length.min(most));
            let _overwritten = io::copy(&mut zeros, &mut file).and_then(|_| file.sync_all());
        }
        self.remove(name)?;
        Ok(fault)
    }

    /// Removes what a crashed write left of the file of that name.
    pub(crate) fn clean(&self, name: &str) -> Result<(), FileError> {
        for found in self.names()?.iter().filter(|found| is_temporary(found, name)) {
            self.remove(found)?;
            tracing::info!(file = found, "Removed what an interrupted write left behind.");
        }
        Ok(())
    }
}

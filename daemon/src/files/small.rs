//! Small files in the state folder, which hold no secret and are read and written whole.

use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use super::{FileError, Folder};

/// Its bytes, at most `limit` of them; nothing where there is none.
///
/// # Errors
/// [`FileError`], also where something else is in its place.
pub(crate) fn read_small(
    folder: &Path,
    name: &str,
    limit: u64,
) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    let Some(folder) = Folder::open(folder)? else { return Ok(None) };
    folder.read(name, limit)
}

/// Writes it so that a crash leaves the old one or the new one.
///
/// # Errors
/// The system's, where it is as it was.
pub(crate) fn put_small(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = Folder::create(folder)?;
    // What a crash may have left of it.
    folder.clean(name)?;
    folder.replace(name, bytes, None).map_err(FileError::into_reason)
}

/// Deletes it. There may be none.
///
/// # Errors
/// The system's, where it is there still.
pub(crate) fn remove_small(folder: &Path, name: &str) -> io::Result<()> {
    let Some(folder) = Folder::open(folder)? else { return Ok(()) };
    folder.remove(name).map_err(FileError::into_reason)
}

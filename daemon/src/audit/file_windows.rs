//! The folder's access list, which names the user alone, is handed on to what is made within.
//!
//! The standard library shares a file that it opens for all that others may do, so that it can be renamed while it is read.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens for adding at the end, and makes the file where it is missing.
pub(in crate::audit) fn open(path: &Path) -> io::Result<File> {
    // `append` alone would take away the right to cut off what a failed write left.
    OpenOptions::new().read(true).write(true).append(false).create(true).truncate(false).open(path)
}

/// The file system writes names down in its own journal.
pub(in crate::audit) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens for reading.
pub(in crate::audit) fn open_to_read(path: &Path) -> io::Result<File> {
    File::open(path)
}

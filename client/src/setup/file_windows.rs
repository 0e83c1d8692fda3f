//! Files in the user's own folders, which give what they hold to the user alone.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// There are no permission bits; a file takes after its folder.
pub(in super::super) const PRIVATE: Option<u32> = None;

/// None.
pub(super) fn mode(_about: &Metadata) -> Option<u32> {
    None
}

/// As every file of the folder.
pub(super) fn private() -> OpenOptions {
    OpenOptions::new()
}

/// What a run of ours locks, so that it is the only one: an empty file among the user's temporary ones, since folders cannot
/// be locked.
pub(super) fn to_lock(_home: &Path) -> io::Result<File> {
    let path = std::env::temp_dir().join("entra-setup.lock");
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}

/// Makes one folder, which takes after the one around it.
pub(in super::super) fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// The attribute of a folder says nothing about what is in it (Microsoft: "File Attribute Constants").
pub(super) fn is_closed(_folder: &Path) -> bool {
    false
}

/// The folder decides.
pub(super) fn dress(_file: &File, _old: Option<&Metadata>, _mode: Option<u32>) -> io::Result<()> {
    Ok(())
}

/// NTFS keeps a journal of renames.
pub(super) fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

//! Files in the user's own folders, which give what they hold to the user alone.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;

use windows_sys::Win32::Foundation::{ERROR_DELETE_PENDING, ERROR_SHARING_VIOLATION};
use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_DELETE_ON_CLOSE;

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

/// What a run of ours holds, so that it is the only one: a file that nobody else may open, and that goes with its handle.
pub(super) fn alone(home: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).share_mode(0).custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
    options.open(home.join(".entra-setup.lock")).map_err(|error| {
        // Also while the system still deletes the one before (Microsoft: "CreateFileW", `FILE_FLAG_DELETE_ON_CLOSE`).
        let codes = [ERROR_SHARING_VIOLATION, ERROR_DELETE_PENDING].map(|code| i32::try_from(code).ok());
        if codes.contains(&error.raw_os_error()) { ErrorKind::WouldBlock.into() } else { error }
    })
}

/// Never: whoever runs this has a home of their own.
pub(super) fn is_anothers(_home: &Path) -> bool {
    false
}

/// Makes one folder, which takes after the one around it.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
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

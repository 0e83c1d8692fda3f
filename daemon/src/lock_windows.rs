//! A file that its holder has open for writing and lets others read: `LockFileEx` would keep the note from them.
//! A scanner may hold the file for a moment as well, so it is tried for a moment.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::thread::sleep;
use std::time::Duration;

use windows_sys::Win32::Foundation::ERROR_SHARING_VIOLATION;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_SHARE_READ, FILE_SHARE_WRITE,
};

use super::Attempt;
use crate::files::Folder;

pub(super) fn try_lock(folder: &Folder, name: &OsStr) -> io::Result<Attempt> {
    let path = folder.path().join(name);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.share_mode(FILE_SHARE_READ).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    for _ in 0..TRIES {
        match options.open(&path) {
            Ok(file) => return Ok(Attempt::Ours(file)),
            Err(error) if error.raw_os_error() != Some(ERROR_SHARING_VIOLATION.cast_signed()) => {
                return Err(error);
            }
            Err(_) => sleep(PAUSE),
        }
    }
    let note = OpenOptions::new().read(true).share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE).open(path);
    Ok(Attempt::Held(note.ok()))
}

/// A quarter of a second in all.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(50);

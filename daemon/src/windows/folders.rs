//! Folders of the system, as the system names them.
#![expect(unsafe_code, reason = "known folders have no safe interface")]

use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::path::PathBuf;
use std::ptr::null_mut;

use windows_sys::Win32::System::Com::CoTaskMemFree;
use windows_sys::Win32::UI::Shell::{FOLDERID_ProgramData, KF_FLAG_DEFAULT, SHGetKnownFolderPath};

/// The folder for settings of the whole machine, usually `C:\ProgramData`.
///
/// # Errors
/// As the system says.
pub fn program_data() -> io::Result<PathBuf> {
    let mut path = null_mut();
    // SAFETY: the folder's id is a constant, no token is named, and `path` is ours to write.
    let status = unsafe {
        SHGetKnownFolderPath(
            &FOLDERID_ProgramData,
            KF_FLAG_DEFAULT.cast_unsigned(),
            null_mut(),
            &raw mut path,
        )
    };
    let found = (status == 0 && !path.is_null()).then(|| {
        // SAFETY: the call succeeded, so every unit up to a zero can be read.
        unsafe {
            let length = (0..).take_while(|&at| *path.add(at) != 0).count();
            PathBuf::from(OsString::from_wide(std::slice::from_raw_parts(path, length)))
        }
    });
    // SAFETY: the path is ours to free whether or not the call succeeded, and may be null.
    unsafe { CoTaskMemFree(path.cast()) };
    found.ok_or_else(|| io::Error::from_raw_os_error(status))
}

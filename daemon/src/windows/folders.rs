//! Folders and places of files, as the system names them.
#![expect(unsafe_code, reason = "known folders and places of open files have no safe interface")]

use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsRawHandle, BorrowedHandle};
use std::path::PathBuf;
use std::ptr::null_mut;

use windows_sys::Win32::Storage::FileSystem::{
    FILE_NAME_NORMALIZED, GetFinalPathNameByHandleW, VOLUME_NAME_NT,
};
use windows_sys::Win32::System::Com::CoTaskMemFree;
use windows_sys::Win32::UI::Shell::{FOLDERID_ProgramData, KF_FLAG_DEFAULT, SHGetKnownFolderPath};

use super::user::LONGEST_PATH;

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

/// Where an open file or folder lies, whichever links led to it. It is for comparing, and not for people: it begins
/// with the volume's device.
///
/// # Errors
/// As the system says.
pub fn place_of(file: BorrowedHandle<'_>) -> io::Result<PathBuf> {
    let mut path = vec![0_u16; LONGEST_PATH];
    let room = u32::try_from(path.len()).unwrap_or(0);
    // SAFETY: the handle is open; `path` is ours to write and as long as `room` says.
    let length = unsafe {
        GetFinalPathNameByHandleW(
            file.as_raw_handle(),
            path.as_mut_ptr(),
            room,
            FILE_NAME_NORMALIZED | VOLUME_NAME_NT,
        )
    };
    match usize::try_from(length) {
        Ok(0) | Err(_) => Err(io::Error::last_os_error()),
        Ok(length) if length >= path.len() => Err(io::ErrorKind::InvalidFilename.into()),
        Ok(length) => Ok(OsString::from_wide(&path[..length]).into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::windows::fs::OpenOptionsExt;
    use std::os::windows::io::AsHandle;

    use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_BACKUP_SEMANTICS;

    use super::*;

    #[test]
    fn a_file_lies_in_its_folder_by_whichever_name_it_was_opened() {
        let home = tempfile::tempdir().unwrap();
        let (folder, other) = (home.path().join("Folder"), home.path().join("other"));
        for made in [&folder, &other] {
            std::fs::create_dir(made).unwrap();
        }
        std::fs::write(folder.join("file"), "").unwrap();
        let mut options = File::options();
        options.read(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
        let place = |path: PathBuf| place_of(options.open(path).unwrap().as_handle()).unwrap();
        let file = place(other.join("..").join("FOLDER").join("file"));
        assert_eq!(file.parent(), Some(&*place(folder)));
        assert_ne!(file.parent(), Some(&*place(other)));
    }
}

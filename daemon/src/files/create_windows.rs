//! A protected access list that names the user alone and is handed on to what is made within.
#![expect(unsafe_code, reason = "making a folder with an access list has no safe interface")]

use std::fs::create_dir_all;
use std::io;
use std::path::Path;

use windows_sys::Win32::Foundation::ERROR_ALREADY_EXISTS;
use windows_sys::Win32::Storage::FileSystem::CreateDirectoryW;

use crate::windows::{Descriptor, Sid, wide_path};

/// Makes a folder that is the user's alone, and those above it where they are missing; those above get the access list that they
/// inherit. One that is there is left as it is.
///
/// # Errors
/// As the system says.
pub fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_dir_all(parent)?;
    }
    let descriptor = Descriptor::of_folder(&Sid::ours()?)?;
    let name = wide_path(path)?;
    // SAFETY: the name ends in zero, and the attributes point to a descriptor that outlives the call.
    if unsafe { CreateDirectoryW(name.as_ptr(), &descriptor.attributes()) } != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    let is_there = error.raw_os_error() == Some(ERROR_ALREADY_EXISTS.cast_signed()) && path.is_dir();
    if is_there { Ok(()) } else { Err(error) }
}

//! `flock` on a file of our own.

use std::ffi::OsStr;
use std::fs::TryLockError;
use std::io;

use super::Attempt;
use crate::files::{FileError, Folder};

pub(super) fn try_lock(folder: &Folder, name: &OsStr) -> io::Result<Attempt> {
    let file = folder.append(name).map_err(FileError::into_reason)?;
    match file.try_lock() {
        Ok(()) => Ok(Attempt::Ours(file)),
        Err(TryLockError::Error(reason)) => Err(reason),
        Err(TryLockError::WouldBlock) => Ok(Attempt::Held(Some(file))),
    }
}

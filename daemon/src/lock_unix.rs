//! `flock` on a file of our own.

use std::fs::{OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::Attempt;

pub(super) fn try_lock(path: &Path) -> io::Result<Attempt> {
    let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(nofollow);
    let file = options.open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Attempt::Ours(file)),
        Err(TryLockError::Error(reason)) => Err(reason),
        Err(TryLockError::WouldBlock) => Ok(Attempt::Held(Some(file))),
    }
}

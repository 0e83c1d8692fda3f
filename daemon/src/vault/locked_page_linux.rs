//! A page of Linux: `mmap`, `mlock` and `MADV_DONTDUMP`.
#![expect(unsafe_code, reason = "mapping, locking and unmapping memory have no safe interface")]

use std::io;
use std::ptr::{NonNull, null_mut};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mlock, mmap_anonymous, munmap};

use super::KEY_BYTES;

/// A new page that nothing else knows of, readable and writable.
pub(super) fn map() -> io::Result<NonNull<[u8; KEY_BYTES]>> {
    // SAFETY: a new private mapping at an address of the kernel's choice touches no memory of ours.
    let address = unsafe {
        mmap_anonymous(null_mut(), KEY_BYTES, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)?
    };
    Ok(NonNull::new(address.cast()).ok_or(io::ErrorKind::OutOfMemory)?)
}

/// Keeps it out of swap and out of core dumps.
pub(super) fn lock(page: NonNull<[u8; KEY_BYTES]>) -> io::Result<()> {
    // SAFETY: the range is a page of ours; locking it changes none of its bytes.
    let lock = unsafe { mlock(page.as_ptr().cast(), KEY_BYTES) };
    // SAFETY: as above; the advice concerns core dumps only.
    let hide = unsafe { madvise(page.as_ptr().cast(), KEY_BYTES, Advice::LinuxDontDump) };
    Ok(lock.and(hide)?)
}

/// Gives it back.
///
/// # Safety
/// The page came from [`map`] and is not used again.
pub(super) unsafe fn unmap(page: NonNull<[u8; KEY_BYTES]>) -> io::Result<()> {
    // SAFETY: as above.
    Ok(unsafe { munmap(page.as_ptr().cast(), KEY_BYTES) }?)
}

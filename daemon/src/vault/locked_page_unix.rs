//! A page of Unix: `mmap` and `mlock`, and what each system has against dumps.
#![expect(unsafe_code, reason = "mapping, locking and unmapping memory have no safe interface")]

use std::io;
use std::ptr::{NonNull, null_mut};

use rustix::mm::{MapFlags, ProtFlags, mlock, mmap_anonymous, munmap};

use super::KEY_BYTES;

#[cfg_attr(target_os = "linux", path = "page_in_dumps_linux.rs")]
#[cfg_attr(target_os = "macos", path = "page_in_dumps_macos.rs")]
mod dumps;

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
    let hide = dumps::hide(page);
    lock.map_err(io::Error::from).and(hide)
}

/// Gives it back.
///
/// # Safety
/// The page came from [`map`] and is not used again.
pub(super) unsafe fn unmap(page: NonNull<[u8; KEY_BYTES]>) -> io::Result<()> {
    // SAFETY: as above.
    Ok(unsafe { munmap(page.as_ptr().cast(), KEY_BYTES) }?)
}

//! A page of Windows: `VirtualAlloc` and `VirtualLock`. Crash reports leave the heap out, and so this page.
#![expect(unsafe_code, reason = "mapping, locking and unmapping memory have no safe interface")]

use std::io;
use std::ptr::{NonNull, null};

use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_READWRITE, VirtualAlloc, VirtualFree, VirtualLock,
};

use super::KEY_BYTES;

/// A new page that nothing else knows of, readable and writable.
pub(super) fn map() -> io::Result<NonNull<[u8; KEY_BYTES]>> {
    // SAFETY: a new allocation at an address of the system's choice touches no memory of ours.
    let address = unsafe { VirtualAlloc(null(), KEY_BYTES, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE) };
    NonNull::new(address.cast()).ok_or_else(io::Error::last_os_error)
}

/// Keeps it out of the page file.
pub(super) fn lock(page: NonNull<[u8; KEY_BYTES]>) -> io::Result<()> {
    // SAFETY: the range is a page of ours; locking it changes none of its bytes.
    if unsafe { VirtualLock(page.as_ptr().cast(), KEY_BYTES) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Gives it back.
///
/// # Safety
/// The page came from [`map`] and is not used again.
pub(super) unsafe fn unmap(page: NonNull<[u8; KEY_BYTES]>) -> io::Result<()> {
    // SAFETY: as above; a release takes the whole allocation, whose size is then not named.
    if unsafe { VirtualFree(page.as_ptr().cast(), 0, MEM_RELEASE) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

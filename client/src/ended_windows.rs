//! The end of a program that we started, on Windows.
#![expect(unsafe_code, reason = "the wait for a process is a function of Windows")]

use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle};
use std::process::Child;

use windows_sys::Win32::System::Threading::{INFINITE, WaitForSingleObject};

/// What waits for its end, for a thread of its own.
///
/// # Errors
/// When the system gives no second handle of it.
pub(crate) fn until_ended(child: &Child) -> io::Result<impl FnOnce() + Send + use<>> {
    let process = child.as_handle().try_clone_to_owned()?;
    Ok(move || {
        // SAFETY: the handle is our own and stays open until the wait is over.
        unsafe { WaitForSingleObject(process.as_raw_handle(), INFINITE) };
    })
}

/// Ends it. What it started goes on.
pub(crate) fn end(child: &mut Child) {
    // It may have ended just now.
    let _ended = child.kill();
}

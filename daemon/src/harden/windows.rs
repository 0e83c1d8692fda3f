//! Windows: no error dialogs, no heap in crash reports, and a process that others of the same user may not read.
//!
//! Source: learn.microsoft.com, "WerSetFlags function", "Process Security and Access Rights" and
//! "PROCESS_MITIGATION_EXTENSION_POINT_DISABLE_POLICY".
#![expect(unsafe_code, reason = "what concerns the whole process has no safe interface")]

use std::ffi::c_void;
use std::io;
use std::os::windows::io::BorrowedHandle;
use std::ptr::from_ref;

use windows_sys::Win32::System::Diagnostics::Debug::{
    SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SEM_NOOPENFILEERRORBOX, SetErrorMode,
};
use windows_sys::Win32::System::ErrorReporting::{WER_FAULT_REPORTING_FLAG_NOHEAP, WerSetFlags};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, ProcessExtensionPointDisablePolicy, ProcessImageLoadPolicy, SetProcessMitigationPolicy,
};

use crate::windows::{Descriptor, Sid};

/// Hardens the process. A measure that the system refuses is logged and the daemon goes on: it is one of
/// several, and a workstation where it fails is no safer without entrad. (A memory dump that an administrator has
/// set up for every program holds the heap all the same.)
pub fn harden() {
    // SAFETY: it takes a number and cannot fail.
    unsafe { SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX) };
    // SAFETY: it takes a number.
    let status = unsafe { WerSetFlags(WER_FAULT_REPORTING_FLAG_NOHEAP) };
    if status < 0 {
        let error = io::Error::from_raw_os_error(status);
        tracing::warn!(%error, "crash reports may hold memory");
    }
    if let Err(error) = close_process() {
        tracing::warn!(%error, "other programs of this user may read the process");
    }
    for (policy, flags) in [
        (ProcessExtensionPointDisablePolicy, 1),
        (ProcessImageLoadPolicy, NO_REMOTE | NO_LOW | PREFER_SYSTEM32),
    ] {
        if let Err(error) = set_policy(policy, flags) {
            tracing::debug!(%error, policy, "a policy against foreign libraries could not be set");
        }
    }
}

/// Leaves other processes of the user only what `entra` needs to see who serves, and what ends a process. The
/// entry of `OW` takes from the owner the right to change that again.
fn close_process() -> io::Result<()> {
    let user = Sid::ours()?;
    let list = format!("D:P(A;;{PROCESS_RIGHTS:#x};;;{user})(A;;RC;;;OW)(A;;GA;;;SY)(A;;GA;;;BA)");
    // SAFETY: this pseudo handle is always valid and need not be closed.
    let process = unsafe { BorrowedHandle::borrow_raw(GetCurrentProcess()) };
    Descriptor::parse(&list)?.apply(process)
}

fn set_policy(policy: i32, flags: u32) -> io::Result<()> {
    let buffer = from_ref(&flags).cast::<c_void>();
    // SAFETY: both policies are structures of one 32-bit word, which outlives the call.
    if unsafe { SetProcessMitigationPolicy(policy, buffer, size_of::<u32>()) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// `PROCESS_TERMINATE | PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE` (winnt.h).
const PROCESS_RIGHTS: u32 = 0x0001 | 0x1000 | 0x10_0000;

/// `NoRemoteImages`, `NoLowMandatoryLabelImages` and `PreferSystem32Images` of
/// `PROCESS_MITIGATION_IMAGE_LOAD_POLICY` (winnt.h).
const NO_REMOTE: u32 = 1;
const NO_LOW: u32 = 2;
const PREFER_SYSTEM32: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::{AccessList, ObjectKind};

    #[test]
    fn the_process_is_closed_and_can_still_be_recognised() {
        close_process().unwrap();
        // SAFETY: as above.
        let process = unsafe { BorrowedHandle::borrow_raw(GetCurrentProcess()) };
        let list = AccessList::of(process, ObjectKind::Kernel).unwrap();
        assert!(!list.is_open_to_others_than(&Sid::ours().unwrap()), "{list:?}");
        assert_eq!(Sid::of_process(std::process::id()).unwrap(), Sid::ours().unwrap());
    }
}

//! When a process was started, by `proc_pidinfo` (libproc.h).
#![expect(unsafe_code, reason = "the call has no safe interface")]

use std::mem::{MaybeUninit, size_of};

/// A mark that tells the process from a later one of its id: its start, in microseconds since 1970. Nothing where there
/// is no such process, or it is not ours to look at.
pub(in crate::access) fn mark(pid: u32) -> Option<u64> {
    let pid = i32::try_from(pid).ok()?;
    let mut info = MaybeUninit::<libc::proc_bsdinfo>::uninit();
    let size = i32::try_from(size_of::<libc::proc_bsdinfo>()).ok()?;
    // SAFETY: the buffer is ours to write and of the size given.
    let written =
        unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, info.as_mut_ptr().cast(), size) };
    if written != size {
        return None;
    }
    // SAFETY: the call has written the whole structure, which is plain numbers.
    let info = unsafe { info.assume_init() };
    Some(info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec)
}

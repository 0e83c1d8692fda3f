//! The program of a process, by `proc_pidpath` (libproc.h).
#![expect(unsafe_code, reason = "the call has no safe interface")]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::ancestry::Origin;

pub(super) fn path_of(pid: u32) -> Option<PathBuf> {
    let pid = i32::try_from(pid).ok()?;
    let mut path = vec![0_u8; LONGEST];
    let room = u32::try_from(path.len()).ok()?;
    // SAFETY: `path` is ours to write, `room` bytes long, and not kept by the call.
    let length = unsafe { libc::proc_pidpath(pid, path.as_mut_ptr().cast(), room) };
    path.truncate(usize::try_from(length).ok().filter(|&length| length > 0)?);
    Some(OsString::from_vec(path).into())
}

/// The system's word alone, which is the only one here.
pub(super) fn link_of(pid: u32) -> Option<PathBuf> {
    path_of(pid)
}

/// It is not asked of this system.
pub(super) fn origin_of(_pid: u32) -> Option<Origin> {
    None
}

/// Nothing is compared with it here.
pub(super) fn now() -> u64 {
    0
}

/// It is not asked of this system either.
pub(super) fn is_one_command_shell(_pid: u32) -> bool {
    false
}

/// `PROC_PIDPATHINFO_MAXSIZE` of sys/proc_info.h: the call refuses more.
const LONGEST: usize = 4 * 1024;

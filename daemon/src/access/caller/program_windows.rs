//! The program of a process, as its image is named.

use std::path::PathBuf;

use super::ancestry::Origin;

pub(super) fn path_of(pid: u32) -> Option<PathBuf> {
    crate::windows::program_of(pid).ok()
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

//! The program of a process, as its image is named.

use std::path::PathBuf;

pub(super) fn path_of(pid: u32) -> Option<PathBuf> {
    crate::windows::program_of(pid).ok()
}

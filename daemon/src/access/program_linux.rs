//! The program of a process, by proc(5).

use std::path::PathBuf;

pub(super) fn path_of(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/exe")).ok()
}

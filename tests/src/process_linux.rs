//! What Linux alone tells of processes, and lets them give up.

use std::path::PathBuf;

use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};

/// Memory in use by a process, in KiB: `VmRSS` of its status (proc(5)).
///
/// # Panics
/// When there is no such process.
#[must_use]
pub fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// What the system tells the user of a process: its command line and environment, with where they stand.
///
/// # Panics
/// When they are hidden for another reason than that the process is closed to its own user.
#[must_use]
pub fn told_of_process(pid: u32) -> Vec<(String, Vec<u8>)> {
    let mut told = Vec::new();
    for name in ["environ", "cmdline"] {
        let path = PathBuf::from(format!("/proc/{pid}/{name}"));
        // A process that hardened itself is closed to its own user; root may look.
        match std::fs::read(&path) {
            Ok(bytes) => told.push((path.display().to_string(), bytes)),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied),
        }
    }
    told
}

/// From now on what this thread starts is bound by modes, also where the tests run as root: it cannot have root's
/// right to pass over them (capabilities(7), the bounding set).
///
/// # Panics
/// When the system refuses.
pub fn give_up_privileges() {
    if rustix::process::geteuid().is_root() {
        for right in [CapabilitySet::DAC_OVERRIDE, CapabilitySet::DAC_READ_SEARCH] {
            remove_capability_from_bounding_set(right).expect("a capability less");
        }
    }
}

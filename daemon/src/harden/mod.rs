//! Hardening of the process before it holds a secret: no core dump, not to be traced by others of the same
//! user, freed memory wiped, nobody served but who started it; confined, no file written or read but its own.

use std::path::PathBuf;

#[cfg_attr(target_os = "linux", path = "confine_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "confine_other.rs")]
mod confine;
#[cfg_attr(unix, path = "limits_unix.rs")]
#[cfg_attr(windows, path = "limits_windows.rs")]
mod limits;
#[cfg_attr(all(target_os = "linux", target_env = "gnu"), path = "memory_glibc.rs")]
#[cfg_attr(not(all(target_os = "linux", target_env = "gnu")), path = "memory_other.rs")]
mod memory;
#[cfg_attr(unix, path = "starter_unix.rs")]
#[cfg_attr(windows, path = "starter_windows.rs")]
mod starter;
#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_os = "macos", path = "macos.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod system;
mod wiped_stack;
mod wiping_allocator;

pub use confine::confine;
pub use limits::room_for_connections;
pub use memory::give_back_memory;
pub use starter::refuse_to_serve_another;
pub use system::harden;
pub use wiped_stack::with_wiped_stack;
pub use wiping_allocator::WipingAllocator;

/// The files of a confined process.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// Folders that it writes below, and reads.
    pub written: Vec<PathBuf>,
    /// Files and folders in the person's home that it reads.
    pub read: Vec<PathBuf>,
    /// The person's home.
    pub home: Option<PathBuf>,
}

/// The daemon was started with somebody else's rights, or for somebody else.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ForAnother(String);

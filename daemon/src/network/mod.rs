//! Noticing that the machine's network changed.
//!
//! The HTTP client freezes proxy and resolver settings, and a back-off that was earned without a network means
//! nothing once there is one. The system tells of changes; nothing polls.

#[cfg(any(test, not(target_os = "macos")))]
mod settled;
#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_os = "macos", path = "macos.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod system;

pub use system::Watch;

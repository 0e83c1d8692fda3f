//! Who asks, and may they.

pub mod caller;
#[cfg_attr(target_os = "linux", path = "elsewhere_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "elsewhere_other.rs")]
mod elsewhere;
pub mod lease;
#[cfg_attr(target_os = "linux", path = "neighbour_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "neighbour_other.rs")]
pub mod neighbour;
#[cfg_attr(unix, path = "peer_unix.rs")]
#[cfg_attr(windows, path = "peer_windows.rs")]
mod peer;
#[cfg_attr(target_os = "linux", path = "program_linux.rs")]
#[cfg_attr(target_os = "macos", path = "program_macos.rs")]
#[cfg_attr(windows, path = "program_windows.rs")]
mod program;

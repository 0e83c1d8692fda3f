//! Making folders that are the user's alone.

#[cfg_attr(unix, path = "private_unix.rs")]
#[cfg_attr(windows, path = "private_windows.rs")]
mod system;

pub use system::create_folder;

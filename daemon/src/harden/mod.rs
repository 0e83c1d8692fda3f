//! Hardening of the process before it holds a secret: no core dump, not to be traced by others of the same
//! user, freed memory wiped; as a service, no file written but its own.

#[cfg_attr(target_os = "linux", path = "confine_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "confine_other.rs")]
mod confine;
#[cfg(unix)]
mod limits_unix;
#[cfg_attr(all(target_os = "linux", target_env = "gnu"), path = "memory_glibc.rs")]
#[cfg_attr(not(all(target_os = "linux", target_env = "gnu")), path = "memory_other.rs")]
mod memory;
#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_os = "macos", path = "macos.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod system;
mod wiped_stack;
mod wiping_allocator;

pub use confine::confine;
pub use memory::give_back_memory;
pub use system::harden;
pub use wiped_stack::with_wiped_stack;
pub use wiping_allocator::WipingAllocator;

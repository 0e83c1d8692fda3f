//! Who asks, and may they.

pub mod caller;
pub mod facts;
pub mod interpreter;
pub mod lease;
#[cfg_attr(target_os = "linux", path = "neighbour_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "neighbour_other.rs")]
pub mod neighbour;

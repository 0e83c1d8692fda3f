//! Who asks, may they, and for how long.

pub mod agent;
pub mod caller;
pub mod consent;
pub mod facts;
pub mod interpreter;
pub mod known_agents;
pub mod lease;
#[cfg_attr(target_os = "linux", path = "neighbour_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "neighbour_other.rs")]
pub mod neighbour;
pub mod person;
pub mod policy;

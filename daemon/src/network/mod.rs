//! Noticing that the machine's network changed.
//!
//! The HTTP client freezes proxy and resolver settings, and a back-off that was earned without a network means
//! nothing once there is one. The system tells of changes; nothing polls.

mod linux;

pub use linux::Watch;

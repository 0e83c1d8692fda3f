//! Hardening of the process before it holds a secret: no core dump, not to be traced by others of the same
//! user, freed memory wiped.

mod linux;
mod wiping_allocator;

pub use linux::harden;
pub use wiping_allocator::{WipingAllocator, give_back_memory};

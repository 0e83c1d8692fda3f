//! Leases: named, narrow, expiring, revocable rights to ask.

mod allowed;
mod ticket;

pub use allowed::Allowed;
pub use ticket::{LeaseId, SecretDigest, issue};

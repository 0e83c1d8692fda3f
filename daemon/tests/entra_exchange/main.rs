//! What goes out to Entra and what comes back, against a scripted server on loopback.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod fake;
mod proxy;
mod registry;
mod vectors;

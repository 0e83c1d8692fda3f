//! The pure heart: what an account is, what happens to it, and what is to be done then.
//!
//! [`machine::Machine`] holds every account with its tokens, flights, back-offs and refusals. Events go in
//! (somebody asks, a request to Entra ended, time passed, a person signed in or out), what is to be done
//! comes out. Nothing here waits, reads a clock, rolls dice, or opens a file or a socket: time and jitter
//! are arguments, so each situation can be written down as a test.

mod budget;
pub mod demand;
pub mod key;
pub mod machine;
pub mod outcome;
pub mod refresh_token;
pub mod schedule;
pub mod slot;
pub mod time;

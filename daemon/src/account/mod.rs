//! The pure heart: what an account is, what happens to it, and what is to be done then.
//!
//! Events go in, actions come out. Nothing here waits, reads a clock, opens a file or a socket.

pub mod outcome;
pub mod refresh_token;

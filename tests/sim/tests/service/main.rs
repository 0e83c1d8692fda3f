//! The simulator judged from outside, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod browser;
mod checks;
mod client;
mod control;
mod device_code;
mod faults;
mod program;
mod refresh;

//! The simulator judged from outside, over real sockets.

mod browser;
mod checks;
mod client;
mod control;
mod device_code;
mod faults;
mod program;
mod refresh;

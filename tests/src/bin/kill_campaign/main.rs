//! The campaign of kills; `linux.rs` says what it is.

use std::process::ExitCode;

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "other.rs")]
mod system;

fn main() -> ExitCode {
    system::main()
}

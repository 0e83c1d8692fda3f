//! The campaign of kills; `linux/` says what it is.

use std::process::ExitCode;

#[cfg_attr(target_os = "linux", path = "linux/mod.rs")]
#[cfg_attr(not(target_os = "linux"), path = "other.rs")]
mod system;

fn main() -> ExitCode {
    system::main()
}

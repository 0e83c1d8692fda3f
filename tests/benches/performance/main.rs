//! The figures of docs/performance.md; `linux.rs` says what is measured and how.

use std::process::ExitCode;

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "other.rs")]
mod system;

fn main() -> ExitCode {
    system::main()
}

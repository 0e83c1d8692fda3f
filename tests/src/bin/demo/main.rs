//! `cargo demo`: the whole main job on one machine, without a tenant and without leaving a trace.
//!
//! One program plays all parts: the demo starts copies of itself under the names `entrad` and `entra`, which
//! run those programs' own code, so that nothing but Rust is needed and each is a real process with a real
//! socket. Microsoft Entra ID is played by `entra-sim`.

use std::path::Path;
use std::process::ExitCode;

use entrad::harden::WipingAllocator;

mod stage;
mod story;
#[cfg_attr(unix, path = "system_unix.rs")]
#[cfg_attr(windows, path = "system_windows.rs")]
mod system;

#[global_allocator]
static ALLOCATOR: WipingAllocator = WipingAllocator;

fn main() -> ExitCode {
    let name = std::env::args_os().next();
    match name.as_deref().and_then(|name| Path::new(name).file_stem()).and_then(|name| name.to_str()) {
        Some("entrad") => entrad::run::main(),
        Some("entra") => ExitCode::from(entra::main()),
        _ => story::tell(),
    }
}

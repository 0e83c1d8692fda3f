//! The daemon as it ships, under a name that the tests can find. A test may have it look for administrators' settings in a
//! folder of its own, which the program as it ships lets nobody choose.

use std::path::Path;
use std::process::ExitCode;

use entrad::config::Administrators;
use entrad::harden::WipingAllocator;

#[global_allocator]
static ALLOCATOR: WipingAllocator = WipingAllocator;

fn main() -> ExitCode {
    match std::env::var_os("ENTRA_TEST_ADMINISTRATORS") {
        Some(folder) => entrad::run::main_with(Administrators::below(Path::new(&folder))),
        None => entrad::run::main(),
    }
}

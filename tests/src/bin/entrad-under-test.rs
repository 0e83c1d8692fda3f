//! The daemon as it ships, under a name that the tests can find.

use std::process::ExitCode;

use entrad::harden::WipingAllocator;

#[global_allocator]
static ALLOCATOR: WipingAllocator = WipingAllocator;

fn main() -> ExitCode {
    entrad::run::main()
}

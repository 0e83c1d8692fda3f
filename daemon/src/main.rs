//! The daemon; everything is in the library.

use std::process::ExitCode;

use entrad::harden::WipingAllocator;

#[global_allocator]
static ALLOCATOR: WipingAllocator = WipingAllocator;

fn main() -> ExitCode {
    entrad::run::main()
}

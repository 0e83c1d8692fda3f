//! The program; everything is in the library, so that tests can build it with other surroundings.

use std::process::ExitCode;

fn main() -> ExitCode {
    entra::main()
}

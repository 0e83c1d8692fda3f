//! The client as it ships, under a name that the tests can find.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(entra::main())
}

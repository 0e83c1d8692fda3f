//! Elsewhere than on Linux nothing is measured.

use std::process::ExitCode;

/// Says so, with the status of a wrong use.
#[expect(clippy::print_stderr, reason = "a program tells its user why it did not start")]
pub(crate) fn main() -> ExitCode {
    eprintln!("This bench runs on Linux only: it uses strace, /proc and the control of processors.");
    ExitCode::from(2)
}

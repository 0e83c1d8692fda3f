//! Elsewhere than on Linux there is no campaign.

use std::process::ExitCode;

/// Says so, with the status of a wrong use.
#[expect(clippy::print_stderr, reason = "a program tells its user why it did not start")]
pub(crate) fn main() -> ExitCode {
    eprintln!("kill_campaign runs on Linux only: it stops the daemon at its system calls with strace.");
    ExitCode::from(2)
}

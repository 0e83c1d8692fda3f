//! `entra`, the thin client of `entrad`.
//!
//! A command is one request over the daemon's socket and one answer printed. Tools run `entra token` before
//! each of their own requests, so the start is the product: nothing is read, opened or built before it is
//! needed, and there is no async runtime and no TLS in this program.
//!
//! Module map: `args` reads the command line, `commands` has one file a command, `connect_unix` opens
//! the socket and checks who is behind it, `failure` is the one way to end badly, `print` the one way to
//! write, `device_prompt` what a person sees while signing in, and `start` what comes before it all.
#![forbid(unsafe_code)]

mod args;
mod browser;
mod commands;
mod connect_unix;
mod device_prompt;
mod failure;
mod print;
mod sign_in_watch;
mod start;
mod text;
mod when;

use entra_proto::error::exit;

use crate::args::Cli;

/// Runs the command line of this process and returns its exit status, as `entra --help` lists them.
#[must_use]
pub fn main() -> u8 {
    start::prepare();
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(words) => {
            let status = if words.use_stderr() { exit::USAGE } else { exit::GOOD };
            // A closed pipe after `--help` is its reader's choice.
            let _ = words.print();
            return status;
        }
    };
    match commands::run(cli) {
        Ok(()) => exit::GOOD,
        Err(failure) => failure.report(),
    }
}

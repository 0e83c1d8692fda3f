//! `entra`, the thin client of `entrad`.
//!
//! A command is one request over the daemon's socket and one answer printed. Tools run `entra token` before
//! each of their own requests, so the start is the product: nothing is read, opened or built before it is
//! needed, and there is no async runtime and no TLS in this program.
//!
//! Module map: `args` reads the command line, `commands` has one file a command, `dialects` one a tool that calls this
//! program by a name of its own, `setup` what it takes to make a tool call it, `service` what it takes to have
//! the system start the daemon, `report` what the daemon's program says where no daemon runs, `surroundings` the variables by which
//! tools get tokens and `shell` how each shell writes them, `connect` finds the daemon, `agent` whether an AI agent started us,
//! `failure` is the one way to end
//! badly, `print` the one way to write, `prompt_words` what it says of the accounts that need a person, `consent_words` of
//! what needs a person's word, `device_prompt` what a
//! person sees while signing in, and `dialog` a window to see
//! it in. What differs between systems is in `platform`, one file a matter and system: opening the socket and checking
//! who is behind it, the terminal, signals, clocks.

mod agent;
mod args;
mod browser;
mod commands;
mod connect;
mod consent_words;
mod device_prompt;
mod dialects;
mod dialog;
mod failure;
#[cfg_attr(target_os = "linux", path = "platform_linux.rs")]
#[cfg_attr(target_os = "macos", path = "platform_macos.rs")]
#[cfg_attr(windows, path = "platform_windows.rs")]
mod platform;
mod print;
mod prompt_words;
mod report;
mod service;
mod setup;
mod shell;
mod sign_in_watch;
mod surroundings;
mod text;
mod when;

#[cfg(test)]
#[path = "../../fuzz/replay.rs"]
mod replay;

#[cfg(any(test, fuzzing))]
pub use dialects::fuzzing;

use entra_proto::error::exit;

use crate::args::Cli;

/// Runs the command line of this process and returns its exit status, as `entra --help` lists them.
#[must_use]
pub fn main() -> u8 {
    platform::prepare();
    let mut words = std::env::args_os();
    if let Some(dialect) = words.next().as_deref().and_then(dialects::called_by) {
        return dialect(&words.collect::<Vec<_>>());
    }
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(words) => {
            let status = if words.use_stderr() { exit::USAGE } else { exit::GOOD };
            // A closed pipe after `--help` is its reader's choice.
            let _ = words.print();
            return status;
        }
    };
    commands::run(cli).unwrap_or_else(|failure| failure.report())
}

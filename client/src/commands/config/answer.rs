//! The settings as the daemon that runs has them, else as its program would.

use std::ffi::OsString;
use std::time::Duration;

use entra_proto::client::Said;
use entra_proto::config::ConfigAnswer;
use entra_proto::error::exit;

use crate::commands::heard;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print;
use crate::report::report;

/// The settings, and who told of them.
#[derive(Debug)]
pub(super) struct Told {
    /// The settings.
    pub(super) answer: ConfigAnswer,
    /// Whether a daemon runs with them.
    pub(super) is_running: bool,
    /// The daemon's version, where it said one.
    pub(super) version: Option<String>,
}

impl Told {
    /// Says on standard error that no daemon runs, where that is so and the output is for programs.
    pub(super) fn note(&self) {
        if !self.is_running {
            print::note(NOT_RUNNING);
        }
    }
}

/// Asks the daemon; where none answers, has its program read the settings.
///
/// # Errors
/// What the daemon refuses; and from its program, which layer is bad and why.
pub(super) fn ask(socket: impl FnOnce() -> Result<Socket, Failure>) -> Result<Told, Failure> {
    match asked(socket) {
        Ok(said) => {
            let version = said.version.clone();
            Ok(Told { answer: heard(said)?, is_running: true, version })
        }
        // Also where the user has no place for a socket: no daemon can run then.
        Err(failure) if matches!(failure.exit(), exit::NO_DAEMON | exit::MISCONFIGURED) => {
            Ok(Told { answer: read(&[])?, is_running: false, version: None })
        }
        Err(failure) => Err(failure),
    }
}

/// The settings as the daemon's program reads them now, with further words on its command line.
///
/// # Errors
/// As [`report`].
pub(super) fn read(words: &[OsString]) -> Result<ConfigAnswer, Failure> {
    report("config", words, PATIENCE)
}

fn asked(socket: impl FnOnce() -> Result<Socket, Failure>) -> Result<Said<ConfigAnswer>, Failure> {
    socket()?.ask_within(PATIENCE, PATIENCE, |client| client.config())
}

/// What is said where no daemon runs.
pub(super) const NOT_RUNNING: &str = "No entrad runs; this is what it would use.";

/// Settings are read from a few small files and asked of the system, in milliseconds; a home on a network drive may take
/// seconds.
const PATIENCE: Duration = Duration::from_secs(10);

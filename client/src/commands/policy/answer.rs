//! The rules as the daemon that runs has them, else as its program reads them.

use std::ffi::OsString;
use std::time::Duration;

use entra_proto::config::Origin;
use entra_proto::error::exit;
use entra_proto::policy::{PolicyAnswer, RuleInfo};

use crate::commands::heard;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print;
use crate::report::report;
use crate::text::plain;

/// Asks the daemon; where none answers, says so and has its program read the rules.
///
/// # Errors
/// What the daemon refuses; and from its program, which layer is bad and why.
pub(super) fn ask(socket: impl FnOnce() -> Result<Socket, Failure>) -> Result<PolicyAnswer, Failure> {
    match socket().and_then(|socket| socket.ask_within(PATIENCE, PATIENCE, |client| client.policy())) {
        Ok(said) => heard(said),
        Err(failure) if matches!(failure.exit(), exit::NO_DAEMON | exit::MISCONFIGURED) => {
            let answer = read(&[])?;
            print::note("No entrad runs; these are the rules that it would have.");
            Ok(answer)
        }
        Err(failure) => Err(failure),
    }
}

/// The rules as the daemon's program reads them now, with further words on its command line.
///
/// # Errors
/// As [`report`].
pub(super) fn read(words: &[OsString]) -> Result<PolicyAnswer, Failure> {
    report("policy", words, PATIENCE)
}

/// Where a rule stands.
pub(super) fn place(rule: &RuleInfo) -> String {
    let Origin { place, .. } = &rule.origin;
    match rule.line {
        Some(line) => format!("{}, line {line}", plain(place)),
        None => plain(place).into_owned(),
    }
}

/// As long as for settings.
const PATIENCE: Duration = Duration::from_secs(10);

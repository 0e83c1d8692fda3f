//! What `entrad --report` says: the daemon's own reading of its settings and surroundings, where no daemon answers.
//!
//! The program serves nothing, listens nowhere and writes nothing then; it prints one JSON object and ends. How long it may
//! take and how much it may say is bounded.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use entra_proto::error::exit;
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::service::{Said, daemon_program, said_within};

/// Runs `entrad --report WHAT` with further words, for at most `limit`.
///
/// # Errors
/// When there is no such program or it does not answer in time, and what it refuses: a bad layer with its sentence.
pub(crate) fn report<T: DeserializeOwned>(
    what: &str,
    words: &[OsString],
    limit: Duration,
) -> Result<T, Failure> {
    let program = daemon_program()?;
    let mut command = Command::new(&program);
    command.args(["--report", what]).args(words);
    let said = said_within(command, limit).map_err(|error| {
        Failure::new(
            exit::INTERNAL,
            "no_report",
            format!("{} did not report within {} seconds.", program.display(), limit.as_secs()),
        )
        .because(&error)
    })?;
    read(&program, &said)
}

fn read<T: DeserializeOwned>(program: &Path, said: &Said) -> Result<T, Failure> {
    if said.is_good {
        return serde_json::from_str(&said.output).map_err(|error| {
            Failure::new(
                exit::INTERNAL,
                "foreign_answer",
                format!("{} does not report as entrad does.", program.display()),
            )
            .because(&error)
            .hint("Check that entra and entrad are of the same version.")
        });
    }
    // Its last line is why it ended; what stands before is its log.
    let line = said.errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let sentence = line.trim().strip_prefix("entrad: ").unwrap_or(line.trim());
    match said.status {
        Some(status) if status == i32::from(exit::MISCONFIGURED) && !sentence.is_empty() => {
            Err(Failure::new(exit::MISCONFIGURED, "misconfigured", sentence))
        }
        Some(status) if status == i32::from(exit::USAGE) => Err(Failure::new(
            exit::INTERNAL,
            "no_report",
            format!("{} does not know what is asked of it.", program.display()),
        )
        .hint("Bring entra and entrad to the same version.")),
        _ => {
            let failure = Failure::new(
                exit::INTERNAL,
                "no_report",
                format!("{} ended without a report.", program.display()),
            );
            Err(if sentence.is_empty() { failure } else { failure.hint(format!("It said: {sentence}")) })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn said(status: Option<i32>, output: &str, errors: &str) -> Result<Value, Failure> {
        let said =
            Said { is_good: status == Some(0), status, output: output.to_owned(), errors: errors.to_owned() };
        read(Path::new("/opt/entrad"), &said)
    }

    #[test]
    fn an_answer_is_read_whatever_was_logged_beside_it() {
        assert_eq!(said(Some(0), "{\"a\":1}\n", "WARN hm\n").unwrap()["a"], 1);
    }

    #[test]
    fn a_bad_layer_is_told_in_the_daemons_own_words() {
        let failure =
            said(Some(5), "", "INFO start\nentrad: /f:3: there is no setting `x`.\n\n").unwrap_err();
        assert_eq!(
            (failure.exit(), failure.message()),
            (exit::MISCONFIGURED, "/f:3: there is no setting `x`.")
        );
    }

    #[test]
    fn any_other_end_says_which_program_it_was_and_what_to_do() {
        for (status, output, errors, words) in [
            (Some(2), "", "error: unexpected argument '--report'", "same version"),
            (Some(0), "ready /run/s", "", "same version"),
            (Some(5), "", "", ""),
            (None, "", "entrad: gone", "It said: gone"),
        ] {
            let failure = said(status, output, errors).unwrap_err();
            assert_eq!(failure.exit(), exit::INTERNAL);
            assert!(failure.message().starts_with("/opt/entrad "), "{}", failure.message());
            assert!(failure.to_body().hint.unwrap_or_default().contains(words), "{status:?}");
        }
    }
}

//! The one way a command ends badly: an error as the daemon writes them, causes, hints, an exit status.
//!
//! The daemon's own refusals and what goes wrong on this side have one shape, [`ErrorBody`], so that
//! `--json` can hand both to a program. The daemon writes the hints it alone can know; those about this
//! program are added here and by the commands.

use std::io::ErrorKind;
use std::time::Duration;

use entra_proto::error::{ErrorBody, ErrorCode, exit};
use entra_proto::http1::ExchangeError;
use entra_proto::limits::CLIENT_TIMEOUT;

use crate::platform::HOW_TO_RESTART;
use crate::print::Stream;
use crate::text::plain;
use crate::when::rough;

/// Why a command ended, and with which exit status.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: u8,
    error: Box<ErrorBody>,
    causes: Vec<String>,
    hints: Vec<String>,
    is_silent: bool,
}

impl Failure {
    /// A failure on this side of the socket. `code` is its name for programs; the daemon's table has none
    /// for it.
    pub(crate) fn new(exit: u8, code: &str, message: impl Into<String>) -> Self {
        let error = Box::new(ErrorBody::new(ErrorCode::Unknown(code.to_owned()), message));
        Self { exit, error, causes: Vec::new(), hints: Vec::new(), is_silent: false }
    }

    /// The end of a program whose reader closed the pipe: that is the reader's choice and nothing to report.
    pub(crate) fn reader_gone() -> Self {
        Self { is_silent: true, ..Self::new(exit::GOOD, "reader_gone", "The output was closed.") }
    }

    /// Adds an error, and below it its sources, as numbered causes.
    pub(crate) fn because(mut self, error: &dyn std::error::Error) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.causes.push(error.to_string());
            cause = error.source();
        }
        self
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The code, for a command that goes on after some of them.
    pub(crate) fn code(&self) -> &ErrorCode {
        &self.error.code
    }

    /// The sentence alone.
    pub(crate) fn message(&self) -> &str {
        &self.error.message
    }

    /// The exit status.
    pub(crate) fn exit(&self) -> u8 {
        self.exit
    }

    /// Whether it ends the program without a word.
    pub(crate) fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// The same without a word, because it has been told already.
    pub(crate) fn silenced(self) -> Self {
        Self { is_silent: true, ..self }
    }

    /// The same as the wire writes it, with this side's hints joined to the daemon's.
    pub(crate) fn to_body(&self) -> ErrorBody {
        let mut body = (*self.error).clone();
        let hints: Vec<&str> =
            body.hint.as_deref().into_iter().chain(self.hints.iter().map(String::as_str)).collect();
        body.hint = (!hints.is_empty()).then(|| hints.join(" "));
        body
    }

    /// The same in words for a person, lines with their ends.
    pub(crate) fn to_words(&self, stream: &Stream) -> String {
        let mut words = stream.flow(0, &format!("{} {}", stream.alarm("Error:"), plain(&self.error.message)));
        for (number, cause) in self.causes.iter().enumerate() {
            words.push_str(&stream.flow(2, &format!("{}: {}", number + 1, plain(cause))));
        }
        let wait = self.error.retry_after.map(|seconds| format!("Try again in {}.", rough(seconds)));
        for hint in self.error.hint.iter().chain(&self.hints).chain(&wait) {
            words.push_str(&stream.flow(0, &format!("{} {}", stream.bold("Hint:"), plain(hint))));
        }
        if let Some(line) = support_line(&self.error) {
            words.push_str(&stream.flow(0, &stream.dim(&line)));
        }
        words
    }

    /// Prints it on standard error, unless it is silent, and returns the exit status.
    pub(crate) fn report(&self) -> u8 {
        if !self.is_silent {
            let stream = Stream::errors();
            // Standard error is the last resort; when it is closed, the exit status still speaks.
            let _ = stream.write(self.to_words(&stream).as_bytes());
        }
        self.exit()
    }
}

/// `AADSTS50076 · correlation … · trace …`, as far as known: what a help desk asks for.
pub(crate) fn support_line(error: &ErrorBody) -> Option<String> {
    let number = error.aadsts.map(|number| format!("AADSTS{number}"));
    let suberror = error.suberror.as_ref().map(|suberror| plain(suberror).into_owned());
    let correlation = error.correlation_id.as_ref().map(|id| format!("correlation {}", plain(id)));
    let trace = error.trace_id.as_ref().map(|id| format!("trace {}", plain(id)));
    let parts: Vec<String> = [number, suberror, correlation, trace].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" \u{b7} "))
}

impl From<ErrorBody> for Failure {
    fn from(error: ErrorBody) -> Self {
        Self {
            exit: error.code.exit(),
            error: Box::new(error),
            causes: Vec::new(),
            hints: Vec::new(),
            is_silent: false,
        }
    }
}

impl Failure {
    /// The end of an exchange in which each read was given `patience`.
    pub(crate) fn of_exchange(error: &ExchangeError, patience: Duration) -> Self {
        match error {
            // SO_RCVTIMEO and SO_SNDTIMEO end a wait with EAGAIN (socket(7)), our wait for a pipe says it plainly.
            ExchangeError::Io(io) if matches!(io.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
                Self::new(
                    exit::LATER,
                    "no_answer",
                    format!("entrad did not answer within {} seconds.", patience.as_secs()),
                )
                .hint(HOW_TO_RESTART)
            }
            ExchangeError::Io(_) | ExchangeError::Truncated => {
                Self::new(exit::NO_DAEMON, "connection_lost", "The connection to entrad was lost.")
                    .because(error)
                    .hint("entrad may have just stopped; try again, and `entra status` shows how it is.")
            }
            ExchangeError::TooLong(_) | ExchangeError::Malformed(_) => Self::new(
                exit::INTERNAL,
                "foreign_answer",
                "What listens on the socket does not answer as entrad does.",
            )
            .because(error)
            .hint("Check that the socket is entrad's, and that entra and entrad are of the same version."),
        }
    }
}

impl From<ExchangeError> for Failure {
    fn from(error: ExchangeError) -> Self {
        Self::of_exchange(&error, CLIENT_TIMEOUT)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_failure_prints_sentence_causes_hints_and_the_support_line() {
        let mut error =
            ErrorBody::new(ErrorCode::SignInNeeded, "A person must sign in.").with_hint("Run `entra login`.");
        error.aadsts = Some(50076);
        error.correlation_id = Some("c-1".to_owned());
        error.trace_id = Some("t\u{1b}[2J-1".to_owned());
        let failure = Failure::from(error.with_retry_after(30)).hint("And look up.");
        assert_eq!(failure.exit(), exit::SIGN_IN_NEEDED);
        assert_eq!(
            failure.to_words(&Stream::plain()),
            "Error: A person must sign in.\nHint: Run `entra login`.\nHint: And look up.\nHint: Try again in 30 s.\n\
             AADSTS50076 \u{b7} correlation c-1 \u{b7} trace t-1\n"
        );
        assert_eq!(failure.to_body().hint.as_deref(), Some("Run `entra login`. And look up."));
    }

    #[test]
    fn causes_are_numbered_down_to_the_root() {
        let error = ExchangeError::Io(io::Error::other("the cable is cut"));
        let words = Failure::from(error).to_words(&Stream::plain());
        assert!(words.contains("  1: The connection to entrad failed.\n  2: the cable is cut\n"), "{words}");
    }

    #[test]
    fn a_wait_that_ran_out_is_for_later() {
        for kind in [ErrorKind::TimedOut, ErrorKind::WouldBlock] {
            let failure = Failure::from(ExchangeError::Io(kind.into()));
            assert_eq!(failure.exit(), exit::LATER);
            assert!(failure.to_words(&Stream::plain()).contains("90 seconds"));
            let failure = Failure::of_exchange(&ExchangeError::Io(kind.into()), Duration::from_secs(8));
            assert!(failure.to_words(&Stream::plain()).contains("within 8 seconds"));
        }
    }

    #[test]
    fn a_foreign_answer_is_named_with_its_fault() {
        let failure = Failure::from(ExchangeError::Malformed("it is chunked"));
        let words = failure.to_words(&Stream::plain());
        assert!(words.contains("does not answer as entrad") && words.contains("chunked"), "{words}");
    }
}

//! A sign-in in a window, for a helper that has no terminal and little time.
//!
//! Claude Desktop logs what the helper says, and a code must not stand in a log; so the code is shown in a dialog of the
//! desktop, or on a terminal where there is one, and nowhere else. The helper must end before the application ends it. The
//! code stays before the person then, and stays good: the next run gets the token.

use entra_proto::error::{ErrorCode, exit};
use entra_proto::sign_in::{CodeShown, SignInEvent, SignInRequest};

use crate::browser::is_openable;
use crate::connect::Socket;
use crate::device_prompt as prompt;
use crate::dialog::Dialog;
use crate::failure::Failure;
use crate::print::Stream;
use crate::sign_in_watch::{Happening, Watch};
use crate::when::Deadline;

/// Signs in what `refused` says is signed out.
pub(super) fn sign_in(refused: &Failure) -> Result<(), Failure> {
    let watch = Watch::new(Socket::find(None)?)?;
    watch.start(SignInRequest { claims_handle: refused.to_body().claims_handle, ..SignInRequest::default() });
    let mut view = View { errors: Stream::errors(), dialog: None, is_shown: false };
    let mut id = None;
    let ended = wait(&watch, &mut view, &mut id);
    if let (Some(dialog), false) = (view.dialog, matches!(ended, Ended::Late)) {
        dialog.close();
    }
    match ended {
        Ended::Here(failure) => {
            watch.cancel(id);
            Err(failure)
        }
        Ended::Late => {
            let sentence = "The sign-in is still open in your browser, with the code in a window of its own.";
            Err(Failure::new(exit::SIGN_IN_NEEDED, "sign_in_open", sentence)
                .hint("Finish it, then try again."))
        }
        Ended::There(result) => result,
    }
}

/// How a wait ended.
enum Ended {
    /// On this side; the sign-in may still be open.
    Here(Failure),
    /// It goes on without us, before the person.
    Late,
    /// By the daemon's word, or before it began: nothing is left open.
    There(Result<(), Failure>),
}

fn wait(watch: &Watch, view: &mut View, id: &mut Option<String>) -> Ended {
    let end = Deadline::after(patience(std::env::var(PATIENCE_VARIABLE).ok().as_deref()));
    loop {
        // On a terminal a person waits with us, for as long as the code is good.
        let left = (!view.errors.is_terminal()).then(|| end.left());
        match watch.next(left) {
            None if view.is_shown => return Ended::Late,
            None => return Ended::Here(not_shown("Entra gave no code in time.")),
            Some(Happening::Started(new)) => *id = Some(new),
            Some(Happening::Event(event)) => match event {
                SignInEvent::Code(code) => {
                    if let Err(failure) = view.show(&code, watch) {
                        return Ended::Here(failure);
                    }
                }
                SignInEvent::Failed { error } => return Ended::There(Err(Failure::from(*error))),
                SignInEvent::SignedIn { .. } => return Ended::There(Ok(())),
                // It asks for a code alone.
                SignInEvent::Authorization(_)
                | SignInEvent::Switched { .. }
                | SignInEvent::Waiting { .. } => {}
            },
            // Once there is an id, the connection broke and the sign-in may live on without us.
            Some(Happening::Failed(failure)) if id.is_some() => return Ended::Here(failure),
            Some(Happening::Failed(failure)) => return Ended::There(Err(failure)),
            Some(Happening::DialogClosed) => {
                // Who puts the window away has the code; who cancels, or never saw a window, has not.
                if !view.dialog.take().is_some_and(Dialog::was_agreed_to) {
                    return Ended::Here(not_shown(
                        "The window with the code was cancelled or could not be shown.",
                    ));
                }
            }
            Some(Happening::Interrupted) => return Ended::Here(cancelled()),
            // The page's address stands beside the code.
            Some(Happening::BrowserMissing | Happening::Line(_)) => {}
        }
    }
}

/// Where the person sees the code.
struct View {
    errors: Stream,
    dialog: Option<Dialog>,
    is_shown: bool,
}

impl View {
    fn show(&mut self, code: &CodeShown, watch: &Watch) -> Result<(), Failure> {
        if !code.is_trusted_uri || !is_openable(&code.verification_uri) {
            return Err(not_shown("The page that was named for the code is not one of Microsoft's."));
        }
        let words = prompt::lines(code);
        if self.errors.is_terminal() {
            self.errors.write(words.as_bytes())?;
        } else {
            let mut dialog = Dialog::show(&words)
                .map_err(|error| not_shown("No window can be shown for the code.").because(&error))?;
            dialog.tell_when_closed(watch);
            self.dialog = Some(dialog);
        }
        self.is_shown = true;
        watch.open(code.verification_uri.clone());
        Ok(())
    }
}

/// Seconds to wait for the person.
fn patience(set: Option<&str>) -> u64 {
    set.and_then(|set| set.parse().ok()).filter(|seconds| (1..=LONGEST).contains(seconds)).unwrap_or(USUAL)
}

fn not_shown(sentence: &str) -> Failure {
    Failure::new(exit::SIGN_IN_NEEDED, "not_shown", sentence).hint("Run `entra login` in a terminal.")
}

fn cancelled() -> Failure {
    Failure::new(exit::CANCELLED, ErrorCode::SignInCancelled.name(), "The sign-in was cancelled.")
        .hint("Run `entra login` in a terminal.")
}

/// Names another number of seconds to wait, for where `inferenceCredentialHelperTimeoutSec` is set.
const PATIENCE_VARIABLE: &str = "ENTRA_CLAUDE_WAIT";

/// Claude Desktop ends a helper after a minute unless told otherwise; before and after the wait a token is asked for, each
/// time for at most nine seconds.
const USUAL: u64 = 38;

/// No helper is given longer than ten minutes.
const LONGEST: u64 = 600;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(None, 38)]
    #[case(Some("570"), 570)]
    #[case(Some("601"), 38)]
    #[case(Some("0"), 38)]
    #[case(Some("soon"), 38)]
    fn the_wait_is_within_what_a_helper_is_given(#[case] set: Option<&str>, #[case] seconds: u64) {
        assert_eq!(patience(set), seconds);
    }
}

//! `entra-claude-helper`: the credential helper of Claude Desktop, which is run without arguments and prints a token.
//!
//! The application caches what it is given and knows no expiry, so the token must outlive the cache
//! (`inferenceCredentialHelperTtlSec`, to be set to 900). A person is asked in one context only, in which the application
//! says that somebody waits.

mod sign_in;

use std::env;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use entra_proto::error::exit;
use entra_proto::token::{TokenAnswer, TokenRequest};
use zeroize::Zeroizing;

use super::ask::{self, sentence};
use crate::browser::open_page;
use crate::failure::Failure;
use crate::print::{Stream, write_output};

pub(crate) fn run(words: &[OsString]) -> u8 {
    let ended = match words {
        [] => give(),
        // A browser is opened by a second process of this program, which may have no other name.
        [word, page] if word == "open-page" => open_page(&page.to_string_lossy()),
        _ => Err(Failure::new(exit::USAGE, "no_words", "entra-claude-helper takes no arguments.")
            .hint("Claude Desktop runs it by itself; name it as its inferenceCredentialHelper.")),
    };
    match ended {
        Ok(()) => exit::GOOD,
        Err(failure) => {
            if !failure.is_silent() {
                // Claude Desktop logs it; when it is closed, the exit status still speaks.
                let _ = Stream::errors().write(format!("{}\n", sentence(&failure)).as_bytes());
            }
            failure.exit()
        }
    }
}

fn give() -> Result<(), Failure> {
    let answer = match token() {
        Err(failure) if is_for_a_person(&failure) && may_ask(context().as_deref()) => {
            sign_in::sign_in(&failure)?;
            token()
        }
        said => said,
    }?;
    let mut line = Zeroizing::new(Vec::with_capacity(answer.access_token.expose().len() + 1));
    line.extend_from_slice(answer.access_token.expose().as_bytes());
    line.push(b'\n');
    write_output(&line)
}

fn token() -> Result<TokenAnswer, Failure> {
    let resource = env::var(RESOURCE_VARIABLE).ok().filter(|named| !named.is_empty());
    ask::token(TokenRequest {
        resource: Some(resource.unwrap_or_else(|| RESOURCE.to_owned())),
        min_validity: Some(WANTED.as_secs()),
        ..TokenRequest::default()
    })
}

fn is_for_a_person(failure: &Failure) -> bool {
    failure.exit() == exit::SIGN_IN_NEEDED
}

/// Why Claude Desktop runs the helper. An older one says so of a test alone, in which nobody is asked either.
fn context() -> Option<OsString> {
    env::var_os("CLAUDE_HELPER_CONTEXT")
}

fn may_ask(context: Option<&OsStr>) -> bool {
    context == Some(OsStr::new("interactive"))
}

/// Names another resource than [`RESOURCE`], by a short name or an address.
const RESOURCE_VARIABLE: &str = "ENTRA_CLAUDE_RESOURCE";

/// What Claude Code asks tokens for on the same service, `https://cognitiveservices.azure.com`. The SDKs' other name of it,
/// `foundry`, is taken by the service as well.
const RESOURCE: &str = "cognitive";

/// The cache's quarter of an hour, and a minute for the request that comes at its end.
const WANTED: Duration = Duration::from_secs(16 * 60);

#[cfg(test)]
mod tests {
    use entra_proto::resource::named;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Some("interactive"), true)]
    #[case(Some("Interactive"), false)]
    #[case(Some("mid-session-refresh"), false)]
    #[case(Some("scheduled-task"), false)]
    #[case(Some("setup-test"), false)]
    #[case(Some("background"), false)]
    #[case(Some(""), false)]
    #[case(None, false)]
    fn one_context_may_ask_a_person(#[case] context: Option<&str>, #[case] may: bool) {
        assert_eq!(may_ask(context.map(OsStr::new)), may);
    }

    #[test]
    fn the_resource_is_a_short_name() {
        assert!(named(RESOURCE).is_some());
    }
}

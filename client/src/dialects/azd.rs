//! `azd`: `auth token` and `version` of the Azure Developer CLI, answered by entrad; all else is the next `azd`'s.
//!
//! It is the one door of the Azure SDKs that carries a claims challenge. What only a person can mend is said so that the
//! SDK shows it, and what a plain sign-in mends so that the SDK goes on to its next source.

use std::ffi::OsString;

use entra_proto::error::exit;
use entra_proto::token::{TokenAnswer, TokenRequest};
use serde_json::json;
use zeroize::Zeroizing;

use super::ask::{self, is_signed_out};
use super::next::pass_on;
use super::words::{self, Given, Known, Takes};
use crate::failure::Failure;
use crate::print::{Stream, write_output};
use crate::text::plain;
use crate::when::rfc3339;

pub(crate) fn run(words: &[OsString]) -> u8 {
    let line = match words::texts(words).as_deref().and_then(Command::read) {
        Some(command) => match command.answer() {
            Ok(()) => return exit::GOOD,
            Err(failure) if failure.is_silent() => return exit::GOOD,
            Err(failure) => command.told(&failure),
        },
        None => format!(
            "ERROR: entra answers for azd here, knows `azd auth token` and `azd version` alone, and {}. Install the Azure \
             Developer CLI for the rest; `entra login` signs in.",
            pass_on("azd", words)
        ),
    };
    // Standard error is the last resort; when it is closed, the exit status still speaks.
    let _ = Stream::errors().write(format!("{line}\n").as_bytes());
    exit::INTERNAL
}

/// A command that is ours to answer.
#[derive(Debug, PartialEq)]
pub(super) struct Command {
    pub(super) does: Does,
    is_json: bool,
}

#[derive(Debug, PartialEq)]
pub(super) enum Does {
    Token(TokenRequest),
    Version,
}

impl Command {
    /// The command in the words; `None` where they are not ours, or not wholly.
    pub(super) fn read(words: &[&str]) -> Option<Self> {
        match words {
            ["auth", "token", rest @ ..] => {
                let given = words::read(rest, &[COMMON_OPTIONS, TOKEN_OPTIONS].concat())?;
                Some(Self { does: Does::Token(request(&given)), is_json: is_json(&given)? })
            }
            ["version", rest @ ..] => {
                Some(Self { does: Does::Version, is_json: is_json(&words::read(rest, COMMON_OPTIONS)?)? })
            }
            _ => None,
        }
    }

    fn answer(&self) -> Result<(), Failure> {
        match &self.does {
            Does::Token(request) => {
                let answer = ask::token(request.clone())?;
                write_output(&self.token(&answer)?)
            }
            Does::Version if self.is_json => {
                let version = json!({ "azd": { "version": SPOKEN, "commit": "" } });
                write_output(format!("{version}\n").as_bytes())
            }
            Does::Version => {
                let entra = env!("CARGO_PKG_VERSION");
                write_output(format!("azd version {SPOKEN} (entra {entra})\n").as_bytes())
            }
        }
    }

    /// `{"token":"…","expiresOn":"…Z"}`, or the bare token. Go, Java and Python want a literal `Z` and no fraction.
    fn token(&self, answer: &TokenAnswer) -> Result<Zeroizing<Vec<u8>>, Failure> {
        // Checked by `ask`: nothing in it needs an escape but quotes and backslashes.
        let token = answer.access_token.expose();
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * token.len() + ROOM));
        if self.is_json {
            bytes.extend_from_slice(b"{\"token\":");
            serde_json::to_writer(&mut *bytes, token).map_err(|error| {
                Failure::new(exit::INTERNAL, "output_failed", "The answer cannot be written as JSON.")
                    .because(&error)
            })?;
            let rest = format!(",\"expiresOn\":\"{}\"}}\n", rfc3339(answer.expires_on));
            bytes.extend_from_slice(rest.as_bytes());
        } else {
            bytes.extend_from_slice(token.as_bytes());
            bytes.push(b'\n');
        }
        Ok(bytes)
    }

    /// The failure in one line: as azd 1.24 writes it where JSON was asked for, since the SDKs show its `error`.
    fn told(&self, failure: &Failure) -> String {
        let body = failure.to_body();
        let mut message = plain(&body.message).into_owned();
        let mut hint = body.hint.as_deref().map(|hint| plain(hint).into_owned()).unwrap_or_default();
        if is_signed_out(failure) {
            // An SDK that sees an error of Entra's takes the failure for a hard one.
            message = message.replace("AADSTS", "Entra error ");
            hint = hint.replace("AADSTS", "Entra error ");
            message = format!("{NOT_SIGNED_IN}. {message}");
        }
        let error = format!("{message} {hint}").trim_end().to_owned();
        if self.is_json {
            json!({ "error": error, "message": message, "suggestion": hint }).to_string()
        } else {
            format!("ERROR: {error}")
        }
    }
}

fn request(given: &[Given<'_>]) -> TokenRequest {
    let all = |name| given.iter().filter(move |given| given.name == name).flat_map(|given| &given.values);
    let last = |name| all(name).last().filter(|value| !value.is_empty()).map(|&value| value.to_owned());
    let scopes: Vec<String> = all("scope").map(|&scope| scope.to_owned()).collect();
    let (resource, scopes) =
        if scopes.is_empty() { (Some("arm".to_owned()), None) } else { (None, Some(scopes)) };
    TokenRequest {
        scopes,
        resource,
        tenant: last("tenant-id"),
        claims: last("claims"),
        ..TokenRequest::default()
    }
}

/// Whether JSON is wanted; `None` where the form is not ours.
fn is_json(given: &[Given<'_>]) -> Option<bool> {
    match given.iter().rfind(|given| given.name == "output").map(|given| &given.values[..]) {
        None | Some(["none"]) => Some(false),
        Some(["json"]) => Some(true),
        Some(_) => None,
    }
}

const COMMON_OPTIONS: &[Known] = &[
    Known { name: "output", spellings: &["--output", "-o"], takes: Takes::One },
    Known { name: "quiet", spellings: &["--no-prompt", "--debug"], takes: Takes::Nothing },
    Known { name: "folder", spellings: &["--cwd", "-C"], takes: Takes::One },
];

const TOKEN_OPTIONS: &[Known] = &[
    Known { name: "claims", spellings: &["--claims"], takes: Takes::One },
    Known { name: "scope", spellings: &["--scope"], takes: Takes::One },
    Known { name: "tenant-id", spellings: &["--tenant-id"], takes: Takes::One },
];

/// What the SDKs take for "nobody is signed in here": they go on to the next source and drop the rest.
const NOT_SIGNED_IN: &str =
    "not logged in, run `azd auth login` to login (entra answers for azd here: run `entra login` instead)";

/// The version whose contract this is; `--claims` came with 1.18.1.
const SPOKEN: &str = "1.24.0";

/// Bytes beside the token.
const ROOM: usize = 64;

#[cfg(test)]
mod tests {
    use entra_proto::error::{ErrorBody, ErrorCode};
    use rstest::rstest;

    use super::*;

    fn command(line: &str) -> Option<Command> {
        Command::read(&line.split(' ').collect::<Vec<_>>())
    }

    fn body(line: &str) -> (String, bool) {
        match command(line) {
            Some(Command { does: Does::Token(request), is_json }) => {
                (serde_json::to_string(&request).unwrap(), is_json)
            }
            other => panic!("{other:?}"),
        }
    }

    #[rstest]
    #[case("--output json --no-prompt --scope a", r#"{"scopes":["a"]}"#, true)]
    #[case(
        "-o json --no-prompt --scope a --scope b --tenant-id t",
        r#"{"scopes":["a","b"],"tenant":"t"}"#,
        true
    )]
    #[case("--scope a --claims eyJ9 -o=json", r#"{"scopes":["a"],"claims":"eyJ9"}"#, true)]
    #[case("--claims=eyJ9== --scope a", r#"{"scopes":["a"],"claims":"eyJ9=="}"#, false)]
    #[case("--no-prompt", r#"{"resource":"arm"}"#, false)]
    fn what_sdks_write_becomes_a_request(#[case] rest: &str, #[case] json: &str, #[case] is_json: bool) {
        assert_eq!(body(&format!("auth token {rest}")), (json.to_owned(), is_json));
    }

    #[rstest]
    #[case("")]
    #[case("auth")]
    #[case("auth login")]
    #[case("auth token --help")]
    #[case("auth token -o table")]
    #[case("auth token a")]
    #[case("up")]
    #[case("version --short")]
    fn the_rest_is_the_next_ones(#[case] line: &str) {
        assert_eq!(command(line), None);
    }

    #[test]
    fn the_signed_out_are_told_so_that_sdks_go_on() {
        let error = ErrorBody::new(ErrorCode::SignInNeeded, "It is over (AADSTS700082).").with_hint("Do.");
        let failure = Failure::from(error);
        for line in ["auth token -o json", "auth token"] {
            let told = command(line).unwrap().told(&failure);
            assert!(told.contains("not logged in, run `azd auth login` to login"), "{told}");
            assert!(told.contains("`entra login`") && !told.contains("AADSTS"), "{told}");
        }
    }

    #[test]
    fn a_challenge_for_a_person_is_shown_in_its_own_words() {
        let mut error = ErrorBody::new(ErrorCode::SignInNeeded, "A second factor (AADSTS50076).")
            .with_hint("Run `entra login --claims-handle h`.");
        error.claims_handle = Some("h".to_owned());
        let told = command("auth token -o json").unwrap().told(&Failure::from(error));
        let json: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!(json["error"], "A second factor (AADSTS50076). Run `entra login --claims-handle h`.");
        assert!(!told.contains("not logged in") && !told.contains('\n'), "{told}");
    }
}

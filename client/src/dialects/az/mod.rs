//! `az`: what SDKs and Terraform ask the Azure CLI for, answered by entrad; all else is the next `az`'s.
//!
//! The contract is what azure-cli 2.91.0 printed and what the SDKs' AzureCliCredential reads. A word that is not known for
//! sure sends the whole line on, so that nobody gets an answer to another question than the one asked.

mod accounts;
mod form;
mod local_time;
mod token;

use std::ffi::OsString;

use entra_proto::error::exit;

use self::form::{FORM_OPTIONS, Node, Wanted};
use super::ask::is_signed_out;
use super::next::{NextError, pass_on};
use super::words::{self, Known, Takes};
use crate::failure::Failure;
use crate::print::Stream;
use crate::text::plain;

pub(crate) fn run(words: &[OsString]) -> u8 {
    let sentence = match words::texts(words).as_deref().and_then(Command::read) {
        Some(command) => match command.answer() {
            Ok(()) => return exit::GOOD,
            Err(failure) if failure.is_silent() => return exit::GOOD,
            Err(failure) => told(&failure),
        },
        None => not_passed_on(&pass_on("az", words), words),
    };
    // Standard error is the last resort; when it is closed, the exit status still speaks.
    let _ = Stream::errors().write(format!("ERROR: {sentence}\n").as_bytes());
    exit::INTERNAL
}

/// Whether the words are a command that is ours to answer.
#[cfg(any(test, fuzzing))]
pub(super) fn is_ours(words: &[&str]) -> bool {
    Command::read(words).is_some()
}

/// A command that is ours to answer.
#[derive(Debug, PartialEq)]
enum Command<'a> {
    List(Wanted<'a>),
    Show { named: Option<&'a str>, wanted: Wanted<'a> },
    Token { asked: token::Asked<'a>, wanted: Wanted<'a> },
    Version(Wanted<'a>),
    VersionText,
}

impl<'a> Command<'a> {
    /// The command in the words; `None` where they are not ours, or not wholly.
    fn read(words: &[&'a str]) -> Option<Self> {
        let options = |words, own: &[Known]| words::read(words, &[own, &FORM_OPTIONS].concat());
        match words {
            ["account", "get-access-token", rest @ ..] => {
                let given = options(rest, token::OPTIONS)?;
                Some(Self::Token { asked: token::Asked::of(&given)?, wanted: Wanted::of(&given)? })
            }
            ["account", "list", rest @ ..] => {
                options(rest, &LIST_OPTIONS).and_then(|given| Some(Self::List(Wanted::of(&given)?)))
            }
            ["account", "show", rest @ ..] => {
                let given = options(rest, &[token::SUBSCRIPTION])?;
                let named = given.iter().rfind(|given| given.name == token::SUBSCRIPTION.name);
                let named = named.and_then(|named| named.values.first().copied());
                Some(Self::Show { named, wanted: Wanted::of(&given)? })
            }
            ["version", rest @ ..] => Some(Self::Version(Wanted::of(&options(rest, &[])?)?)),
            ["--version" | "-v"] => Some(Self::VersionText),
            _ => None,
        }
    }

    fn answer(self) -> Result<(), Failure> {
        match self {
            Self::List(wanted) => wanted.print(&accounts::list()?),
            Self::Show { named, wanted } => wanted.print(&accounts::show(named)?),
            Self::Token { asked, wanted } => token::print(&asked, &wanted),
            Self::Version(wanted) => wanted.print(&version()),
            Self::VersionText => Stream::output().write(VERSION_TEXT.as_bytes()),
        }
    }
}

fn version() -> Node<'static> {
    Node::Object(vec![
        ("azure-cli", Node::text(SPOKEN)),
        ("azure-cli-core", Node::text(SPOKEN)),
        ("entra", Node::text(env!("CARGO_PKG_VERSION"))),
        ("extensions", Node::Object(Vec::new())),
    ])
}

/// The failure in one line. SDKs take a line with `az login` and without `AADSTS` for "nobody is signed in here" and go on
/// to their next source; only the signed-out get that, since the SDKs then drop the rest of the line.
fn told(failure: &Failure) -> String {
    let body = failure.to_body();
    let message = plain(&body.message).into_owned();
    let hint = body.hint.as_deref().map(|hint| format!(" {}", plain(hint))).unwrap_or_default();
    if is_signed_out(failure) {
        let said = format!("{message}{hint}").replace("AADSTS", "Entra error ");
        return format!("{said} entra answers for az here: use 'entra login' in place of 'az login'.");
    }
    format!("{message}{hint}")
}

fn not_passed_on(error: &NextError, words: &[OsString]) -> String {
    let mut named = words.iter().map(|word| word.to_string_lossy());
    let cause = match error {
        NextError::Start { source, .. } => format!("{error}: {source}"),
        error => error.to_string(),
    };
    match named.next().as_deref() {
        Some("login") => format!("entra answers for az here, and {cause}. Sign in with 'entra login'."),
        Some("logout") => format!("entra answers for az here, and {cause}. Sign out with 'entra logout'."),
        _ => format!(
            "entra answers for az here and does not know this command or one of its options, and {cause}. It knows \
             'az account get-access-token', 'az account list', 'az account show' and 'az version'; for the rest install \
             the Azure CLI."
        ),
    }
}

/// What `account list` takes besides: entrad has no cache of subscriptions and none that is disabled.
const LIST_OPTIONS: [Known; 1] =
    [Known { name: "all", spellings: &["--all", "--refresh"], takes: Takes::Nothing }];

/// The version whose contract this is. Terraform wants at least 2.0.81 and less than 3.
const SPOKEN: &str = "2.91.0";

const VERSION_TEXT: &str = concat!(
    "azure-cli                         2.91.0\n\n",
    "entra                             ",
    env!("CARGO_PKG_VERSION"),
    "\n\nentra answers for az here: account get-access-token, account list, account show and version.\n"
);

#[cfg(test)]
mod tests {
    use entra_proto::error::{ErrorBody, ErrorCode};
    use rstest::rstest;

    use super::*;

    fn command(line: &'static str) -> Option<Command<'static>> {
        Command::read(&line.split(' ').collect::<Vec<_>>())
    }

    #[rstest]
    #[case("account get-access-token")]
    #[case("account get-access-token --output json --resource https://cognitiveservices.azure.com")]
    #[case("account get-access-token -o json --scope https://a/.default --tenant t --subscription s")]
    #[case("account get-access-token --tenant t -o=json --scope https://a/.default")]
    #[case("account get-access-token --query accessToken -o tsv --only-show-errors")]
    #[case("account show -o=json")]
    #[case("account show -n x --query user.name -otsv")]
    #[case("account list -o=json --all --refresh")]
    #[case("version -o=json")]
    #[case("version --query \"azure-cli\"")]
    #[case("--version")]
    fn what_tools_ask_is_ours(#[case] line: &'static str) {
        assert!(command(line).is_some());
    }

    #[rstest]
    #[case("")]
    #[case("account")]
    #[case("account get-access-token --help")]
    #[case("account get-access-token --res x")]
    #[case("account get-access-token --resource a --scope b")]
    #[case("account get-access-token -o table")]
    #[case("account get-access-token --query length(accessToken)")]
    #[case("account get-access-token extra")]
    #[case("account set -s x")]
    #[case("account list-locations")]
    #[case("account list -s x")]
    #[case("login")]
    #[case("logout")]
    #[case("--version --output json")]
    #[case("vm list")]
    fn the_rest_is_the_next_ones(#[case] line: &'static str) {
        assert_eq!(command(line), None);
    }

    #[test]
    fn the_signed_out_are_told_so_that_sdks_go_on() {
        let body = ErrorBody::new(ErrorCode::SignInNeeded, "The sign-in is over (AADSTS700082).")
            .with_hint("Run `entra login`.");
        let line = told(&Failure::from(body));
        assert!(line.contains("az login") && line.contains("`entra login`"), "{line}");
        assert!(!line.contains("AADSTS") && line.contains("(Entra error 700082)"), "{line}");
    }

    #[test]
    fn a_challenge_for_a_person_keeps_its_words() {
        let mut body = ErrorBody::new(ErrorCode::SignInNeeded, "A second factor is required (AADSTS50076).")
            .with_hint("Run `entra login --claims-handle h`.");
        body.claims_handle = Some("h".to_owned());
        let line = told(&Failure::from(body));
        assert_eq!(line, "A second factor is required (AADSTS50076). Run `entra login --claims-handle h`.");
    }

    #[test]
    fn a_relayed_text_stays_on_its_line() {
        let body = ErrorBody::new(ErrorCode::Refused, "One\nERROR: two\u{1b}[2J.");
        assert_eq!(told(&Failure::from(body)), "One ERROR: two.");
    }

    #[test]
    fn a_line_that_goes_nowhere_names_the_way() {
        let told = |word: &str| not_passed_on(&NextError::Absent("az"), &[word.into()]);
        assert!(told("login").contains("no other `az` on PATH. Sign in with 'entra login'."));
        assert!(told("logout").contains("'entra logout'"));
        assert!(told("vm").contains("install the Azure CLI") && !told("vm").contains("az login"));
    }
}

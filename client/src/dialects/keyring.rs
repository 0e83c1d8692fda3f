//! `keyring`, which pip and uv call for the password of an index (the `keyring` package's command line).
//!
//! Indexes of Azure Artifacts are answered here. Everything else goes to the next `keyring` on PATH, word for word, so that
//! a person's real keyring goes on working; where there is none, it is as if that keyring were empty.

use std::ffi::OsString;

use entra_proto::error::exit;
use entra_proto::version::VERSION;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{ask, hosts, pipes};
use crate::failure::Failure;
use crate::print;

pub(crate) fn run(words: &[OsString]) -> u8 {
    let done = match Get::read(words).filter(|get| hosts::is_of_packages(get.service)) {
        Some(get) => answer(&get).map(|()| exit::GOOD),
        None => pipes::leave("keyring", words, || alone(words)),
    };
    done.unwrap_or_else(|failure| pipes::complain(&failure))
}

/// `keyring get`, with its options.
#[derive(Debug, PartialEq)]
pub(super) struct Get<'a> {
    pub(super) service: &'a str,
    username: Option<&'a str>,
    with_username: bool,
    is_json: bool,
}

impl<'a> Get<'a> {
    /// Reads the words as `keyring` does, whose options may stand anywhere. `None` for any other command, and for one that
    /// names a keyring to look in.
    pub(super) fn read(words: &'a [OsString]) -> Option<Self> {
        let mut words = words.iter().map(|word| word.to_str());
        let (mut places, mut mode, mut output) = (Vec::new(), "password", "plain");
        while let Some(word) = words.next() {
            let word = word?;
            let (option, value) =
                word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            match option {
                "--mode" => mode = value.or_else(|| words.next().flatten())?,
                "--output" => output = value.or_else(|| words.next().flatten())?,
                _ if word.starts_with('-') => return None,
                _ => places.push(word),
            }
        }
        let (service, username) = match places[..] {
            ["get", service] => (service, None),
            ["get", service, username] => (service, Some(username)),
            _ => return None,
        };
        let with_username = mode == "creds";
        let is_whole = matches!((mode, output), ("creds" | "password", "json" | "plain"))
            && (with_username || username.is_some());
        is_whole.then_some(Self { service, username, with_username, is_json: output == "json" })
    }
}

/// A token is the password, under any name (Azure DevOps: "Use Microsoft Entra tokens").
fn answer(get: &Get<'_>) -> Result<(), Failure> {
    let answer = ask::token(hosts::devops(None))?;
    let password = answer.access_token.expose();
    let username = get.with_username.then(|| get.username.unwrap_or("entra"));
    let room = password.len() + username.map_or(0, str::len) + ROOM;
    if get.is_json {
        return print::write_json(&Credential { username, password }, room);
    }
    let mut lines = Zeroizing::new(Vec::with_capacity(room));
    for line in username.into_iter().chain([password]) {
        lines.extend_from_slice(line.as_bytes());
        lines.push(b'\n');
    }
    print::write_output(&lines)
}

#[derive(Serialize)]
struct Credential<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    password: &'a str,
}

/// What an empty keyring would answer: a password that is not there is told by the status alone.
fn alone(words: &[OsString]) -> Result<u8, Failure> {
    let is_named = |name: &str| words.iter().any(|word| word == name);
    if is_named("--version") {
        return print::write_output(format!("entra {VERSION}\n").as_bytes()).map(|()| exit::GOOD);
    }
    if is_named("--list-backends") {
        return print::write_output(b"entra (Azure Artifacts alone)\n").map(|()| exit::GOOD);
    }
    if words
        .iter()
        .find(|word| COMMANDS.iter().any(|command| *word == command))
        .is_some_and(|word| word == "get")
    {
        return Ok(ABSENT);
    }
    Err(Failure::new(exit::USAGE, "not_ours", "entrad's keyring only has the passwords of Azure Artifacts.")
        .hint("Install the `keyring` package for others; it is then called from here."))
}

/// The commands of `keyring`.
const COMMANDS: [&str; 4] = ["del", "diagnose", "get", "set"];

/// What `keyring` ends with when it has no such password.
const ABSENT: u8 = 1;

/// Room beside name and password.
const ROOM: usize = 64;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const URL: &str = "https://pkgs.dev.azure.com/o/_packaging/f/pypi/simple/";

    fn words(line: &str) -> Vec<OsString> {
        line.replace('U', URL).split(' ').map(OsString::from).collect()
    }

    #[rstest]
    #[case::pip("--mode=creds --output=json get U", None, true, true)]
    #[case::pip_with_a_name(
        "--mode=creds --output=json get U VssSessionToken",
        Some("VssSessionToken"),
        true,
        true
    )]
    #[case::uv("get U VssSessionToken", Some("VssSessionToken"), false, false)]
    #[case::uv_without_a_name("get U --mode creds", None, true, false)]
    #[case::a_person("get U me --output json", Some("me"), false, true)]
    fn the_command_line_is_read_as_keyring_reads_it(
        #[case] line: &str,
        #[case] username: Option<&str>,
        #[case] with_username: bool,
        #[case] is_json: bool,
    ) {
        assert_eq!(Get::read(&words(line)), Some(Get { service: URL, username, with_username, is_json }));
    }

    #[rstest]
    #[case("set U me")]
    #[case("del U me")]
    #[case("get U")]
    #[case("get U me more")]
    #[case("-b keyring.backends.null.Keyring get U me")]
    #[case("--keyring-backend=x get U me")]
    #[case("get U me --mode")]
    #[case("get U me --output xml")]
    #[case("--list-backends")]
    #[case("")]
    fn anything_else_is_another_keyring_s(#[case] line: &str) {
        assert_eq!(Get::read(&words(line)), None);
    }

    #[test]
    fn credentials_are_what_keyring_prints() {
        let json = |username| serde_json::to_string(&Credential { username, password: "ey.J" }).unwrap();
        assert_eq!(json(Some("entra")), r#"{"username":"entra","password":"ey.J"}"#);
        assert_eq!(json(None), r#"{"password":"ey.J"}"#);
    }
}

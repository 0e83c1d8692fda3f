//! `cargo-credential-entra`, cargo's credential provider for Azure Artifacts (The Cargo Book: credential provider
//! protocol).
//!
//! One line of JSON each way: the versions spoken, then a request and its answer as often as cargo wishes, until it closes
//! the stream.

use std::ffi::OsString;
use std::io::{BufRead, Read};

use entra_proto::error::exit;
use entra_proto::token::TokenRequest;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{ask, hosts, pipes};
use crate::failure::Failure;
use crate::print;

pub(crate) fn run(words: &[OsString]) -> u8 {
    match speak(words) {
        Ok(()) => exit::GOOD,
        Err(failure) => pipes::complain(&failure),
    }
}

fn speak(words: &[OsString]) -> Result<(), Failure> {
    if !words.iter().any(|word| word == "--cargo-plugin") {
        let failure = Failure::new(exit::USAGE, "bad_input", "cargo-credential-entra is called by cargo.");
        return Err(failure.hint("Name it in `credential-provider` of a registry in cargo's config.toml."));
    }
    print::write_output(b"{\"v\":[1]}\n")?;
    let mut stream = std::io::stdin().lock();
    loop {
        let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE));
        let read = stream.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut line);
        read.map_err(|error| {
            Failure::new(exit::INTERNAL, "bad_input", "Standard input could not be read.").because(&error)
        })?;
        if line.is_empty() {
            return Ok(());
        }
        match wanted(&line).and_then(answer) {
            Ok((header, expires_on)) => {
                let credential = Credential::new(&header, expires_on);
                print::write_json(&Reply::Ok(credential), header.len() + JSON_ROOM)?;
            }
            Err(refusal) => print::write_json(&Reply::Err(refusal), JSON_ROOM)?,
        }
    }
}

/// What cargo's line asks for. It tries its next provider after every refusal but one of words.
pub(super) fn wanted(line: &[u8]) -> Result<TokenRequest, Refusal> {
    let request: Request = serde_json::from_slice(line)
        .map_err(|_| Refusal::other("entrad: cargo's request does not parse."))?;
    if request.v != 1 || request.kind != "get" {
        return Err(Refusal::OperationNotSupported);
    }
    let url = &request.registry.index_url;
    if !hosts::is_of_packages(url.strip_prefix("sparse+").unwrap_or(url)) {
        return Err(Refusal::UrlNotSupported);
    }
    let challenges = request.registry.headers.iter().filter_map(|header| header.split_once(':'));
    let mut challenges = challenges.filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"));
    let tenant = challenges.find_map(|(_, challenge)| hosts::tenant_of(challenge));
    Ok(hosts::devops(tenant))
}

/// What to send, and until when.
fn answer(request: TokenRequest) -> Result<(Zeroizing<String>, u64), Refusal> {
    let refused = |failure: Failure| Refusal::other(&ask::sentence(&failure));
    let answer = ask::token(request).map_err(refused)?;
    let token = answer.access_token.expose();
    let mut header = Zeroizing::new(String::with_capacity(token.len() + 8));
    for part in ["Bearer ", token] {
        header.push_str(part);
    }
    Ok((header, answer.expires_on))
}

/// What matters of a request.
#[derive(Deserialize)]
struct Request {
    v: u32,
    kind: String,
    registry: Registry,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Registry {
    index_url: String,
    #[serde(default)]
    headers: Vec<String>,
}

#[derive(Serialize)]
enum Reply<'a> {
    Ok(Credential<'a>),
    Err(Refusal),
}

/// A token that cargo may keep in memory until it expires, for whatever it does with this registry.
#[derive(Serialize)]
struct Credential<'a> {
    kind: &'static str,
    token: &'a str,
    cache: &'static str,
    expiration: u64,
    operation_independent: bool,
}

impl<'a> Credential<'a> {
    fn new(token: &'a str, expiration: u64) -> Self {
        Self { kind: "get", token, cache: "expires", expiration, operation_independent: true }
    }
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Refusal {
    OperationNotSupported,
    #[serde(rename_all = "kebab-case")]
    Other {
        message: String,
        caused_by: [String; 0],
    },
    UrlNotSupported,
}

impl Refusal {
    fn other(message: &str) -> Self {
        Self::Other { message: message.to_owned(), caused_by: [] }
    }
}

/// Longest line: a request holds an address and the registry's headers.
const MAX_LINE: usize = 64 * 1024;

/// Room beside the token.
const JSON_ROOM: usize = 512;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"v":1,"registry":{"index-url":"https://index.example/git/index"},"kind":"get","operation":"read"}"#, Refusal::UrlNotSupported)]
    #[case(r#"{"v":1,"registry":{"index-url":"sparse+http://pkgs.dev.azure.com/o/"},"kind":"get","operation":"read"}"#, Refusal::UrlNotSupported)]
    #[case(
        r#"{"v":1,"registry":{"index-url":"sparse+https://pkgs.dev.azure.com/o/"},"kind":"login"}"#,
        Refusal::OperationNotSupported
    )]
    #[case(
        r#"{"v":1,"registry":{"index-url":"sparse+https://pkgs.dev.azure.com/o/"},"kind":"logout"}"#,
        Refusal::OperationNotSupported
    )]
    #[case(
        r#"{"v":2,"registry":{"index-url":"sparse+https://pkgs.dev.azure.com/o/"},"kind":"get"}"#,
        Refusal::OperationNotSupported
    )]
    fn what_is_not_ours_is_refused_so_that_cargo_asks_the_next(#[case] line: &str, #[case] refusal: Refusal) {
        assert_eq!(wanted(line.as_bytes()), Err(refusal));
    }

    #[test]
    fn replies_are_what_cargo_reads() {
        let json = |reply: Reply<'_>| serde_json::to_string(&reply).unwrap();
        assert_eq!(
            json(Reply::Ok(Credential::new("Bearer ey.J", 1_795_229_074))),
            r#"{"Ok":{"kind":"get","token":"Bearer ey.J","cache":"expires","expiration":1795229074,"operation_independent":true}}"#
        );
        assert_eq!(json(Reply::Err(Refusal::UrlNotSupported)), r#"{"Err":{"kind":"url-not-supported"}}"#);
        assert_eq!(
            json(Reply::Err(Refusal::OperationNotSupported)),
            r#"{"Err":{"kind":"operation-not-supported"}}"#
        );
        assert_eq!(
            json(Reply::Err(Refusal::other("It is so."))),
            r#"{"Err":{"kind":"other","message":"It is so.","caused-by":[]}}"#
        );
    }
}

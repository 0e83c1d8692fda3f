//! `docker-credential-entra`, docker's credential helper for Azure Container Registry (docker-credential-helpers,
//! `credentials/credentials.go`).
//!
//! Docker calls it with one word, writes a server on standard input and reads JSON from standard output, where it looks for
//! the reason of a failure too. Most of its commands drop that reason and go on without credentials, but all leave standard
//! error open to the helper: what a person should know is said on both.

use std::borrow::Cow;
use std::ffi::OsString;

use entra_proto::error::exit;
use entra_proto::registry::RegistryRequest;
use entra_proto::version::VERSION;
use serde::{Deserialize, Serialize};

use super::{ask, hosts, pipes};
use crate::failure::Failure;
use crate::print;

pub(crate) fn run(words: &[OsString]) -> u8 {
    let word = match words {
        [word] => word.to_str().unwrap_or_default(),
        _ => "",
    };
    let done = match word {
        "get" => get(),
        "store" => pipes::input().and_then(|input| store(&input)).map(|()| exit::GOOD),
        "erase" => pipes::input().map(|_| exit::GOOD),
        "list" => print::write_output(b"{}\n").map(|()| exit::GOOD),
        "version" => {
            let line = format!("docker-credential-entra (entrad) {VERSION}\n");
            print::write_output(line.as_bytes()).map(|()| exit::GOOD)
        }
        _ => Err(Failure::new(exit::USAGE, "bad_input", "docker-credential-entra is called by docker.")
            .hint("Name `entra` for your registries under `credHelpers` in docker's config.json.")),
    };
    done.unwrap_or_else(|failure| {
        // Docker puts this into its own error, where it prints one.
        let _ = print::write_output(format!("{}\n", ask::sentence(&failure)).as_bytes());
        pipes::complain(&failure);
        FAILED
    })
}

fn get() -> Result<u8, Failure> {
    let input = pipes::input()?;
    let server = input.trim();
    if server.is_empty() {
        return print::write_output(NO_SERVER).map(|()| FAILED);
    }
    let Some(registry) = hosts::registry(server) else {
        return print::write_output(NOT_FOUND).map(|()| FAILED);
    };
    let answer =
        ask::registry_token(RegistryRequest { registry: registry.to_owned(), ..RegistryRequest::default() })?;
    let secret = answer.refresh_token.expose();
    let credentials = Credentials { server_url: server, username: NOBODY, secret };
    print::write_json(&credentials, server.len() + secret.len() + JSON_ROOM).map(|()| exit::GOOD)
}

/// `docker login` stores what it was told. For our registries there is nothing to keep; another's password would be lost, and
/// the person would learn it from the next pull.
pub(super) fn store(input: &str) -> Result<(), Failure> {
    let bad = |sentence: &str| Failure::new(exit::USAGE, "bad_input", sentence);
    let stored: Stored<'_> = serde_json::from_str(input).map_err(|_| {
        bad("What docker wants kept does not parse.").hint("Try again; docker writes it as JSON.")
    })?;
    if hosts::registry(&stored.server_url).is_some() {
        return Ok(());
    }
    Err(bad("entrad keeps no passwords of other registries.")
        .hint("Name `entra` under `credHelpers` in docker's config.json, for registries of Azure alone, and not as `credsStore`."))
}

/// What matters of credentials to keep.
#[derive(Deserialize)]
struct Stored<'a> {
    #[serde(rename = "ServerURL", borrow)]
    server_url: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials<'a> {
    #[serde(rename = "ServerURL")]
    server_url: &'a str,
    username: &'static str,
    secret: &'a str,
}

/// Tells the registry that the password is a refresh token of its own (Azure Container Registry: "Authenticating docker
/// with an ACR refresh token").
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// The words by which docker knows the two harmless failures (docker-credential-helpers, `credentials/error.go`).
const NOT_FOUND: &[u8] = b"credentials not found in native keychain\n";
const NO_SERVER: &[u8] = b"no credentials server URL\n";

/// The protocol knows one bad status.
const FAILED: u8 = 1;

/// Room beside server and secret.
const JSON_ROOM: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_have_the_names_that_docker_reads() {
        let credentials = Credentials { server_url: "contoso.azurecr.io", username: NOBODY, secret: "ey.J" };
        let json = serde_json::to_string(&credentials).unwrap();
        assert_eq!(
            json,
            r#"{"ServerURL":"contoso.azurecr.io","Username":"00000000-0000-0000-0000-000000000000","Secret":"ey.J"}"#
        );
        assert!(json.len() < "contoso.azurecr.io".len() + "ey.J".len() + JSON_ROOM);
    }
}

//! What tools, and whoever made them ask, can say to the dialects: up to the request that would go to the daemon.

use std::ffi::OsString;

use entra_proto::registry::cloud_of;
use entra_proto::token::TokenRequest;

use super::azd::Does;
use super::git::Asked;
use super::keyring::Get;
use super::kubectl::Wanted;
use super::{az, azd, cargo, docker, hosts, kubectl, words};

/// What git writes.
pub fn git(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Some(request) = Asked::read(text).request() {
        is_sendable(&request);
        // Nobody but Azure DevOps, whatever the lines say of it.
        let last = |name: &str| text.lines().rev().find_map(|line| line.strip_prefix(name));
        let host = last("host=").unwrap_or_default().to_ascii_lowercase();
        let name = host.strip_suffix(":443").unwrap_or(&host);
        assert!(name == "dev.azure.com" || name.ends_with(".visualstudio.com"), "{name} was answered");
        assert_eq!(last("protocol="), Some("https"));
    }
}

/// What docker writes: a server, and credentials to keep.
pub fn docker(data: &[u8]) {
    let Some(text) = text(data) else { return };
    drop(docker::store(text));
    if let Some(host) = hosts::registry(text.trim()) {
        assert!(cloud_of(host).is_some(), "{host} was answered");
    }
}

/// What cargo writes, a line.
pub fn cargo(data: &[u8]) {
    if let Ok(request) = cargo::wanted(data) {
        is_sendable(&request);
    }
}

/// The words of kubectl's plugin, a line each; the first line is what kubectl says of itself.
pub fn kubectl(data: &[u8]) {
    let Some((info, words)) = text(data).and_then(|text| text.split_once('\n')) else { return };
    drop(kubectl::api_version(Some(info)));
    let words: Vec<OsString> = words.split('\n').map(OsString::from).collect();
    if let Wanted::Token(request) = Wanted::read(&words, None) {
        is_sendable(&request);
    }
}

/// The words of pip's and uv's `keyring`, a line each.
pub fn keyring(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let words: Vec<OsString> = text.split('\n').map(OsString::from).collect();
    if let Some(Get { service, .. }) = Get::read(&words).filter(|get| hosts::is_of_packages(get.service)) {
        // The parser of every other program must see Azure's own host there.
        let authority = service.split_once("://").map_or("", |(_, rest)| rest);
        let authority = authority.split(['/', '?', '#', '\\']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
        let host = host.strip_suffix(":443").unwrap_or(&host);
        let is_azure = host == "pkgs.dev.azure.com" || host.ends_with(".pkgs.visualstudio.com");
        assert!(is_azure && service.starts_with("https://"), "{service} was answered");
    }
}

/// The words of `az` and `azd`, a line each.
pub fn azure_cli(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let lines: Vec<OsString> = text.split('\n').map(OsString::from).collect();
    let Some(words) = words::texts(&lines) else { return };
    az::is_ours(&words);
    if let Some(azd::Command { does: Does::Token(request), .. }) = azd::Command::read(&words) {
        is_sendable(&request);
    }
}

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// A request of nobody's account, and for one thing.
fn is_sendable(request: &TokenRequest) {
    assert!(request.account.is_none() && request.lease.is_none() && !request.force_refresh);
    assert!(request.scopes.is_some() != request.resource.is_some());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_inputs_are_fine() {
        crate::replay::all(
            "entra::fuzzing",
            &[
                ("azure_cli", azure_cli),
                ("cargo", cargo),
                ("docker", docker),
                ("git", git),
                ("keyring", keyring),
                ("kubectl", kubectl),
            ],
        );
    }
}

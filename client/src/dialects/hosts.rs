//! The servers that may be given a token: those of Azure, known by their names, and nobody else.
//!
//! A tool passes on what a repository, a submodule or a package's file made it ask, so an address is hostile until it is
//! known. It is read strictly: what two programs could read in two ways is nobody's. Plain `http` is nobody's either, but
//! for servers on this machine that [`LOOPBACK_HOSTS`] names, such as a cache of packages.

use std::net::IpAddr;

use entra_proto::registry::cloud_of;
use entra_proto::token::TokenRequest;

use crate::text::is_guid;

/// What asks for a token that Azure DevOps takes: repositories and feeds have one resource.
pub(crate) fn devops(tenant: Option<String>) -> TokenRequest {
    TokenRequest { resource: Some("devops".to_owned()), tenant, ..TokenRequest::default() }
}

/// Whether git repositories of Azure DevOps are there: `dev.azure.com`, or an organization's older name.
pub(crate) fn is_of_repositories(scheme: &str, host: &str) -> bool {
    is_ours(scheme, host, |host| host == "dev.azure.com" || is_organization(host, ".visualstudio.com"))
}

/// Whether packages of Azure Artifacts are there: `pkgs.dev.azure.com`, or an organization's older name.
pub(crate) fn is_of_packages(url: &str) -> bool {
    let Some((scheme, host)) = place(url) else { return false };
    is_ours(scheme, host, |host| {
        host == "pkgs.dev.azure.com" || is_organization(host, ".pkgs.visualstudio.com")
    })
}

/// The registry's host, if it is a container registry of Azure. Docker writes it with or without a scheme.
pub(crate) fn registry(server: &str) -> Option<&str> {
    let (scheme, host) = place(server).unwrap_or(("https", server));
    let is_registry = (scheme == "https" && cloud_of(host).is_some()) || is_named_loopback(host);
    is_registry.then_some(host)
}

/// The tenant in a `WWW-Authenticate` header that Azure DevOps sends: the last part of `authorization_uri`. Organizations
/// of personal accounts name none.
pub(crate) fn tenant_of(challenge: &str) -> Option<String> {
    let (_, rest) = challenge.trim_start().strip_prefix("Bearer ")?.split_once("authorization_uri=")?;
    let uri = rest.trim_start_matches('"').split(['"', ',', ' ']).next()?;
    let tenant = uri.trim_end_matches('/').rsplit('/').next()?;
    (is_guid(tenant) && tenant != NO_TENANT).then(|| tenant.to_owned())
}

/// Scheme and authority of a URL, without the user.
fn place(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    if url.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'\\') {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.split_once('@').map_or(authority, |(_user, host)| host);
    (!host.contains('@')).then_some((scheme, host))
}

fn is_ours(scheme: &str, host: &str, is_known: impl Fn(&str) -> bool) -> bool {
    let name = host.strip_suffix(":443").unwrap_or(host).to_ascii_lowercase();
    (scheme == "https" && is_known(&name)) || (matches!(scheme, "http" | "https") && is_named_loopback(host))
}

/// Whether it is one name below the suffix.
fn is_organization(host: &str, suffix: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    host.strip_suffix(suffix).is_some_and(|name| !name.is_empty() && name.bytes().all(is_plain))
}

fn is_named_loopback(host: &str) -> bool {
    std::env::var(LOOPBACK_HOSTS).is_ok_and(|named| is_loopback_among(&named, host))
}

/// Whether `named` has this host and port, and what is sent there stays on this machine.
fn is_loopback_among(named: &str, host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_loopback = name == "localhost" || address.is_ok_and(|address| address.is_loopback());
    is_loopback && named.split(',').any(|named| named.trim() == host)
}

/// Names servers on this machine that stand for Azure's, as `127.0.0.1:8080,localhost:5000`. Without it loopback is
/// nobody's: what listens there may be another person's, or a container's, and a submodule can name it.
const LOOPBACK_HOSTS: &str = "ENTRA_LOOPBACK_HOSTS";

/// What Azure DevOps names for an organization without a directory.
const NO_TENANT: &str = "00000000-0000-0000-0000-000000000000";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https", "dev.azure.com", true)]
    #[case("https", "Dev.Azure.com:443", true)]
    #[case("https", "contoso.visualstudio.com", true)]
    #[case("http", "dev.azure.com", false)]
    #[case("https", "dev.azure.com:8443", false)]
    #[case("https", "dev.azure.com.", false)]
    #[case("https", "evil.dev.azure.com", false)]
    #[case("https", "evil-dev.azure.com", false)]
    #[case("https", "dev.azure.com.evil.example", false)]
    #[case("https", "visualstudio.com", false)]
    #[case("https", ".visualstudio.com", false)]
    #[case("https", "a.b.visualstudio.com", false)]
    #[case("https", "evil.example/.visualstudio.com", false)]
    #[case("https", "github.com", false)]
    #[case("https", "127.0.0.1:8080", false)]
    #[case("ssh", "dev.azure.com", false)]
    fn repositories_are_known_by_scheme_and_host(
        #[case] scheme: &str,
        #[case] host: &str,
        #[case] is_ours: bool,
    ) {
        assert_eq!(is_of_repositories(scheme, host), is_ours);
    }

    #[rstest]
    #[case("https://pkgs.dev.azure.com/org/_packaging/feed/pypi/simple/", true)]
    #[case("https://user:word@pkgs.dev.azure.com/org/", true)]
    #[case("https://contoso.pkgs.visualstudio.com/_packaging/feed/npm/", true)]
    #[case("https://pkgs.dev.azure.com", true)]
    #[case("http://pkgs.dev.azure.com/org/", false)]
    #[case("pkgs.dev.azure.com", false)]
    #[case("https://pkgs.dev.azure.com@evil.example/", false)]
    #[case("https://evil.example\\@pkgs.dev.azure.com/", false)]
    #[case("https://evil.example/@pkgs.dev.azure.com/", false)]
    #[case("https://evil.example#@pkgs.dev.azure.com/", false)]
    #[case("https://evil.example?@pkgs.dev.azure.com/", false)]
    #[case("https://pkgs.dev.azure.com\t.evil.example/", false)]
    #[case("https://a@b@pkgs.dev.azure.com/", false)]
    #[case("https://index.example/simple/", false)]
    #[case("https:///pkgs.dev.azure.com/", false)]
    #[case("", false)]
    fn packages_are_known_by_their_url(#[case] url: &str, #[case] is_ours: bool) {
        assert_eq!(is_of_packages(url), is_ours);
    }

    #[rstest]
    #[case("contoso.azurecr.io", Some("contoso.azurecr.io"))]
    #[case("https://contoso.azurecr.us/v2/", Some("contoso.azurecr.us"))]
    #[case("http://contoso.azurecr.io", None)]
    #[case("https://registry.example/v1/", None)]
    #[case("https://x@evil.example", None)]
    #[case("localhost:5000", None)]
    fn registries_are_known_with_and_without_a_scheme(#[case] server: &str, #[case] host: Option<&str>) {
        assert_eq!(registry(server), host);
    }

    #[rstest]
    #[case("127.0.0.1:8080", true)]
    #[case("localhost:5000", true)]
    #[case("[::1]:7", true)]
    #[case("127.0.0.1:8081", false)]
    #[case("127.0.0.1", false)]
    #[case("localhost:50000", false)]
    #[case("evil.example:80", false)]
    #[case("localhost.evil.example:80", false)]
    fn a_host_on_this_machine_must_be_named_and_be_on_this_machine(#[case] host: &str, #[case] is: bool) {
        let named = "127.0.0.1:8080, localhost:5000,[::1]:7,evil.example:80,localhost.evil.example:80";
        assert_eq!(is_loopback_among(named, host), is);
        assert!(!is_loopback_among("", host));
    }

    #[rstest]
    #[case(
        "Bearer authorization_uri=https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47",
        true
    )]
    #[case(
        "Bearer authorization_uri=\"https://login.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/\", x=y",
        true
    )]
    #[case(
        "Bearer authorization_uri=https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000",
        false
    )]
    #[case("Bearer authorization_uri=https://login.microsoftonline.com/common", false)]
    #[case("Basic realm=\"https://tfsprodcus.visualstudio.com/\"", false)]
    #[case("TFS-Federated", false)]
    fn the_tenant_is_told_by_the_challenge(#[case] challenge: &str, #[case] is_told: bool) {
        let tenant = is_told.then(|| "72f988bf-86f1-41af-91ab-2d7cd011db47".to_owned());
        assert_eq!(tenant_of(challenge), tenant);
    }
}

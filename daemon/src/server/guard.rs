//! Refusal of browsers.
//!
//! A page can make a browser send requests to places that the page itself cannot reach, and DNS rebinding
//! can make a foreign name point at this machine. A browser cannot help naming itself: it sends `Origin`,
//! `Referer` or `Sec-Fetch-Site`, or a `Host` that is not ours. Our own clients never send the first three.

use axum::http::header::{HOST, ORIGIN, REFERER};
use axum::http::{HeaderMap, HeaderName, Uri, Version};
use entra_proto::error::{ErrorBody, ErrorCode};

/// Why the request is refused, if it is.
pub(super) fn refusal(version: Version, uri: &Uri, headers: &HeaderMap) -> Option<ErrorBody> {
    if [ORIGIN, REFERER, FETCH_SITE].iter().any(|name| headers.contains_key(name)) {
        return Some(refused("Requests from a browser are refused."));
    }
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().map(|host| host.to_str().unwrap_or_default());
    if hosts.next().is_some() {
        return Some(bad("The request names two hosts."));
    }
    if host.is_none() && version == Version::HTTP_11 {
        return Some(bad("HTTP/1.1 needs a Host header (RFC 9112 §3.2)."));
    }
    let is_ours = |host: &str| HOSTS.iter().any(|ours| ours.eq_ignore_ascii_case(host));
    if host.is_some_and(|host| !is_ours(host)) || uri.host().is_some_and(|host| !is_ours(host)) {
        return Some(
            refused("The request's Host is not entrad's.")
                .with_hint("Send `Host: entrad` or `Host: localhost`."),
        );
    }
    None
}

const HOSTS: [&str; 2] = ["entrad", "localhost"];

/// Whose page a request is of (Fetch Metadata Request Headers). No program opens a local socket with a browser's means.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

fn refused(sentence: &str) -> ErrorBody {
    ErrorBody::new(ErrorCode::Refused, sentence)
}

fn bad(sentence: &str) -> ErrorBody {
    ErrorBody::new(ErrorCode::BadRequest, sentence)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn code(version: Version, uri: &str, headers: &[(&str, &str)]) -> Option<ErrorCode> {
        let pair =
            |(name, value): &(&str, &str)| (HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in headers.iter().map(pair) {
            map.append(name, value);
        }
        refusal(version, &uri.parse().unwrap(), &map).map(|error| error.code)
    }

    #[rstest]
    #[case(&[("host", "entrad")])]
    #[case(&[("host", "LocalHost")])]
    fn our_names_pass(#[case] headers: &[(&str, &str)]) {
        assert_eq!(code(Version::HTTP_11, "/v1/status", headers), None);
        assert_eq!(code(Version::HTTP_10, "/v1/status", &[]), None);
    }

    #[rstest]
    #[case(&[("host", "entrad"), ("origin", "null")], ErrorCode::Refused)]
    #[case(&[("host", "entrad"), ("referer", "https://a.example/")], ErrorCode::Refused)]
    #[case(&[("host", "entrad"), ("sec-fetch-site", "none")], ErrorCode::Refused)]
    #[case(&[("host", "evil.example")], ErrorCode::Refused)]
    #[case(&[("host", "localhost.evil.example")], ErrorCode::Refused)]
    #[case(&[("host", "127.0.0.1")], ErrorCode::Refused)]
    #[case(&[("host", "entrad"), ("host", "evil.example")], ErrorCode::BadRequest)]
    #[case(&[("host", "\u{e4}")], ErrorCode::Refused)]
    #[case(&[], ErrorCode::BadRequest)]
    fn browsers_and_foreign_names_do_not(#[case] headers: &[(&str, &str)], #[case] expected: ErrorCode) {
        assert_eq!(code(Version::HTTP_11, "/v1/status", headers), Some(expected));
    }

    #[test]
    fn an_absolute_target_counts_as_a_host() {
        let headers = [("host", "entrad")];
        assert_eq!(
            code(Version::HTTP_11, "http://evil.example/v1/status", &headers),
            Some(ErrorCode::Refused)
        );
        assert_eq!(code(Version::HTTP_11, "http://entrad/v1/status", &headers), None);
    }
}

//! Refusal of browsers, as on the socket, with the names that a loopback port has.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN, REFERER};
use axum::http::{HeaderMap, Method, Response};
use axum::middleware::Next;
use entra_proto::error::{ErrorBody, ErrorCode};

use super::reply;

/// Lets a request in, or answers it.
pub(super) async fn pass(State(port): State<u16>, request: Request, next: Next) -> Response<Body> {
    if let Some(sentence) = fault(request.method(), request.headers(), port) {
        tracing::warn!("a loopback request was refused: {sentence}");
        return reply::refused(&ErrorBody::new(ErrorCode::Refused, sentence));
    }
    next.run(request).await
}

fn fault(method: &Method, headers: &HeaderMap, port: u16) -> Option<&'static str> {
    // A page's script can name any header but these, and the question before it is asked by OPTIONS.
    if headers.contains_key(ORIGIN) || headers.contains_key(REFERER) || *method == Method::OPTIONS {
        return Some("Requests from a browser are refused.");
    }
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.strip_suffix(&format!(":{port}"));
    let is_ours = name.is_some_and(|name| name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost"));
    // Another name that leads here is how a page reaches what it may not (DNS rebinding).
    (!is_ours || hosts.next().is_some()).then_some("The request's Host is not entrad's.")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;
    use rstest::rstest;

    use super::*;

    fn is_refused(method: &Method, headers: &[(&str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        fault(method, &map, 8080).is_some()
    }

    #[rstest]
    #[case("127.0.0.1:8080")]
    #[case("localhost:8080")]
    #[case("LocalHost:8080")]
    fn our_names_pass(#[case] host: &str) {
        assert!(!is_refused(&Method::GET, &[("host", host)]));
    }

    #[rstest]
    #[case(&[])]
    #[case(&[("host", "127.0.0.1")])]
    #[case(&[("host", "127.0.0.1:80")])]
    #[case(&[("host", "evil.example:8080")])]
    #[case(&[("host", "localhost.evil.example:8080")])]
    #[case(&[("host", "127.0.0.1:8080"), ("host", "evil.example")])]
    #[case(&[("host", "127.0.0.1:8080"), ("origin", "null")])]
    #[case(&[("host", "127.0.0.1:8080"), ("referer", "http://a.example/")])]
    fn browsers_and_foreign_names_do_not(#[case] headers: &[(&str, &str)]) {
        assert!(is_refused(&Method::GET, headers));
    }

    #[test]
    fn a_browsers_question_is_refused() {
        assert!(is_refused(&Method::OPTIONS, &[("host", "127.0.0.1:8080")]));
    }
}

//! Refusal of browsers, as on the socket, with the names that a loopback port has.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN, REFERER};
use axum::http::{HeaderMap, HeaderName, Method, Response};
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
    // A page's script can neither set nor leave out these headers, and the question before it is asked by OPTIONS. An image and
    // a frame may come without the first two.
    let is_a_page_s = headers.get_all(FETCH_SITE).iter().any(|site| site != NO_SITE);
    if headers.contains_key(ORIGIN)
        || headers.contains_key(REFERER)
        || is_a_page_s
        || *method == Method::OPTIONS
    {
        return Some("Requests from a browser are refused.");
    }
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.strip_suffix(&format!(":{port}"));
    let is_ours = name.is_some_and(|name| name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost"));
    // Another name that leads here is how a page reaches what it may not (DNS rebinding).
    (!is_ours || hosts.next().is_some()).then_some("The request's Host is not entrad's.")
}

/// Whose page a request is of (Fetch Metadata Request Headers), and what programs say there that are made of a browser and have no page,
/// as Electron's are.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const NO_SITE: &str = "none";

#[cfg(test)]
mod tests {
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

    #[test]
    fn programs_pass_that_send_what_browsers_send_and_have_no_page() {
        for (name, value) in [("sec-fetch-mode", "cors"), ("sec-fetch-site", "none")] {
            assert!(!is_refused(&Method::GET, &[("host", "127.0.0.1:8080"), (name, value)]));
        }
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
    #[case(&[("host", "127.0.0.1:8080"), ("sec-fetch-site", "cross-site")])]
    fn browsers_and_foreign_names_do_not(#[case] headers: &[(&str, &str)]) {
        assert!(is_refused(&Method::GET, headers));
    }

    #[test]
    fn a_browsers_question_is_refused() {
        assert!(is_refused(&Method::OPTIONS, &[("host", "127.0.0.1:8080")]));
    }
}

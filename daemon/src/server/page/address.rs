//! The page's address, and who may ask there.
//!
//! Whoever has the address may begin the sign-in and read its code, or read a question, so it holds 256 random bits, which are compared in
//! constant time. Browsers say besides which page sends them: another one than ours gets nothing, even with the address.

use axum::http::header::{HOST, ORIGIN, REFERER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entra_proto::secret::PageAddress;
use subtle::ConstantTimeEq;

/// Where a page is.
pub(super) struct Address {
    /// `127.0.0.1:PORT`.
    host: String,
    /// `http://127.0.0.1:PORT`.
    origin: String,
    /// The origin, the folder and the token.
    url: PageAddress,
}

/// What a request that is let in is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A form of the page was sent.
    Act,
    /// To be told of changes.
    News,
    /// To go on to Microsoft's page.
    Onward,
    /// The page.
    Page,
}

impl Address {
    /// A new one on this port, in a folder that says what it is for.
    pub(super) fn new(port: u16, folder: &'static str) -> Result<Self, getrandom::Error> {
        let host = format!("127.0.0.1:{port}");
        let origin = format!("http://{host}");
        let url = PageAddress::new(format!("{origin}{folder}{}", token()?));
        Ok(Self { host, origin, url })
    }

    pub(super) fn url(&self) -> &PageAddress {
        &self.url
    }

    /// The folder and the token.
    pub(super) fn path(&self) -> &str {
        &self.url.expose()[self.origin.len()..]
    }

    /// What a request is for; nothing, unless all of it is right.
    pub(super) fn wanted(&self, request: &Parts) -> Option<Wanted> {
        let uri = &request.uri;
        if uri.authority().is_some() || !self.is_from_here(&request.method, &request.headers) {
            return None;
        }
        match (&request.method, self.leaf(uri.path())?, uri.query()) {
            (&Method::GET, "", None) => Some(Wanted::Page),
            (&Method::GET, "", Some(ONWARD)) => Some(Wanted::Onward),
            (&Method::GET, NEWS, None) => Some(Wanted::News),
            (&Method::POST, "", None) => Some(Wanted::Act),
            _ => None,
        }
    }

    /// Whether a person or the page itself sent it, to us by our own name.
    fn is_from_here(&self, method: &Method, headers: &HeaderMap) -> bool {
        let all =
            |name: HeaderName| headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
        // Another name that leads here is how a page reaches what it may not (DNS rebinding).
        let is_to_us = all(HOST).eq([self.host.as_str()]);
        // Under our own `no-referrer`, a browser names the origin of a form `null`, and says here whose it was (Fetch
        // section "append a request Origin header"; Fetch Metadata Request Headers). No page can set this header.
        let is_our_page = all(FETCH_SITE).eq(["same-origin"]);
        let is_our_origin = |origin: &str| origin == self.origin || (origin == "null" && is_our_page);
        let is_by_us = all(ORIGIN).all(is_our_origin)
            && all(REFERER)
                .all(|page| page.strip_prefix(&self.origin).is_some_and(|path| path.starts_with('/')))
            && all(FETCH_SITE).all(|site| matches!(site, "none" | "same-origin"));
        let is_vouched_for = is_our_page || all(ORIGIN).eq([self.origin.as_str()]);
        is_to_us && is_by_us && (*method == Method::GET || is_vouched_for)
    }

    /// What stands behind the token.
    fn leaf<'a>(&self, path: &'a str) -> Option<&'a str> {
        let own = self.path().as_bytes();
        let (head, _) = path.as_bytes().split_at_checked(own.len())?;
        bool::from(head.ct_eq(own)).then(|| &path[own.len()..])
    }
}

/// 256 random bits, in 43 letters that an address may have.
pub(super) fn token() -> Result<String, getrandom::Error> {
    let mut token = [0; 32];
    getrandom::fill(&mut token)?;
    Ok(URL_SAFE_NO_PAD.encode(token))
}

/// Of pages for signing in.
pub(super) const SIGN_IN: &str = "/sign-in/";
/// Of questions' pages.
pub(super) const QUESTION: &str = "/consent/";

const NEWS: &str = "/events";
const ONWARD: &str = "onward";
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use rstest::rstest;

    use super::*;

    const PORT: u16 = 43_117;
    const OURS: &str = "http://127.0.0.1:43117";

    /// What a request is for whose headers are these besides `Host`.
    fn wanted(method: &str, target: &str, headers: &[(&str, &str)]) -> Option<Wanted> {
        let address = Address::new(PORT, SIGN_IN).unwrap();
        let target = target.replace("TOKEN", address.path().strip_prefix(SIGN_IN).unwrap());
        let mut request = Request::builder().method(method).uri(target);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "127.0.0.1:43117");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        address.wanted(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn no_two_addresses_are_alike_and_each_is_long() {
        let (one, two) = (Address::new(PORT, SIGN_IN).unwrap(), Address::new(PORT, SIGN_IN).unwrap());
        assert_ne!(one.url().expose(), two.url().expose());
        assert_eq!(one.path().len(), SIGN_IN.len() + 43, "256 bits of six each");
        assert!(one.url().expose().starts_with(OURS));
        assert!(!format!("{:?}", one.url()).contains("sign-in"));
    }

    #[rstest]
    #[case("GET", "/sign-in/TOKEN", &[], Wanted::Page)]
    #[case("GET", "/sign-in/TOKEN", &[("sec-fetch-site", "none")], Wanted::Page)]
    #[case("GET", "/sign-in/TOKEN", &[("sec-fetch-site", "same-origin")], Wanted::Page)]
    #[case("GET", "/sign-in/TOKEN", &[("referer", "http://127.0.0.1:43117/sign-in/x")], Wanted::Page)]
    #[case("GET", "/sign-in/TOKEN/events", &[("sec-fetch-site", "same-origin")], Wanted::News)]
    #[case("GET", "/sign-in/TOKEN?onward", &[("sec-fetch-site", "same-origin")], Wanted::Onward)]
    #[case("POST", "/sign-in/TOKEN", &[("origin", OURS)], Wanted::Act)]
    #[case("POST", "/sign-in/TOKEN", &[("origin", OURS), ("sec-fetch-site", "same-origin")], Wanted::Act)]
    #[case("POST", "/sign-in/TOKEN", &[("origin", "null"), ("sec-fetch-site", "same-origin")], Wanted::Act)]
    fn a_person_and_the_page_itself_are_let_in(
        #[case] method: &str,
        #[case] target: &str,
        #[case] headers: &[(&str, &str)],
        #[case] expected: Wanted,
    ) {
        assert_eq!(wanted(method, target, headers), Some(expected));
    }

    #[rstest]
    #[case::no_token("GET", "/sign-in/", &[])]
    #[case::the_root("GET", "/", &[])]
    #[case::an_icon("GET", "/favicon.ico", &[])]
    #[case::a_short_token("GET", "/sign-in/AAAA", &[])]
    #[case::a_wrong_token("GET", "/sign-in/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &[])]
    #[case::a_slash_more("GET", "/sign-in/TOKEN/", &[])]
    #[case::more_behind_it("GET", "/sign-in/TOKENx", &[])]
    #[case::another_leaf("GET", "/sign-in/TOKEN/state", &[])]
    #[case::a_query("GET", "/sign-in/TOKEN?x", &[])]
    #[case::another_target("GET", "http://127.0.0.1:43117/sign-in/TOKEN", &[])]
    #[case::no_host("GET", "/sign-in/TOKEN", &[("host", "")])]
    #[case::another_name("GET", "/sign-in/TOKEN", &[("host", "localhost:43117")])]
    #[case::a_rebound_name("GET", "/sign-in/TOKEN", &[("host", "evil.example:43117")])]
    #[case::another_port("GET", "/sign-in/TOKEN", &[("host", "127.0.0.1:80")])]
    #[case::two_hosts("GET", "/sign-in/TOKEN", &[("host", "127.0.0.1:43117"), ("host", "evil.example")])]
    #[case::a_foreign_origin("GET", "/sign-in/TOKEN", &[("origin", "https://evil.example")])]
    #[case::an_opaque_origin("GET", "/sign-in/TOKEN", &[("origin", "null")])]
    #[case::a_foreign_page("GET", "/sign-in/TOKEN", &[("referer", "https://evil.example/")])]
    #[case::a_like_name("GET", "/sign-in/TOKEN", &[("referer", "http://127.0.0.1:43117.evil.example/")])]
    #[case::a_foreign_link("GET", "/sign-in/TOKEN", &[("sec-fetch-site", "cross-site")])]
    #[case::another_port_s_link("GET", "/sign-in/TOKEN", &[("sec-fetch-site", "same-site")])]
    #[case::two_sites("GET", "/sign-in/TOKEN", &[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")])]
    #[case::head("HEAD", "/sign-in/TOKEN", &[])]
    #[case::options("OPTIONS", "/sign-in/TOKEN", &[])]
    #[case::delete("DELETE", "/sign-in/TOKEN", &[("origin", OURS)])]
    #[case::nobody_s_form("POST", "/sign-in/TOKEN", &[])]
    #[case::a_typed_form("POST", "/sign-in/TOKEN", &[("sec-fetch-site", "none")])]
    #[case::a_foreign_form("POST", "/sign-in/TOKEN", &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")])]
    #[case::a_sandboxed_form("POST", "/sign-in/TOKEN", &[("origin", "null"), ("sec-fetch-site", "cross-site")])]
    #[case::an_old_sandboxed_form("POST", "/sign-in/TOKEN", &[("origin", "null")])]
    #[case::a_form_elsewhere("POST", "/sign-in/TOKEN/events", &[("origin", OURS)])]
    fn all_else_is_not(#[case] method: &str, #[case] target: &str, #[case] headers: &[(&str, &str)]) {
        assert_eq!(wanted(method, target, headers), None);
    }
}

//! The address of a proxy, which may hold a password.

use std::fmt;

use url::{Host, Position, Url};
use zeroize::Zeroizing;

use crate::config::Proxy;

/// How one speaks to a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    /// `CONNECT` (RFC 9110 §9.3.6).
    Http,
    /// The same over TLS.
    Https,
    /// SOCKS5 (RFC 1928), whichever end looks the name up.
    Socks,
}

/// An address that parsed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ProxyUrl {
    /// With user name and password.
    text: Zeroizing<String>,
    /// Without.
    pub(super) shown: String,
    /// How it is spoken to.
    pub(super) speech: Speech,
    /// Its name or address, without brackets.
    pub(super) host: String,
    /// Its port.
    pub(super) port: u16,
}

impl ProxyUrl {
    /// Reads `http://`, `https://`, `socks5://` and `socks5h://`; what has no scheme is meant as `http://`, as curl does it.
    pub(super) fn parse(proxy: &Proxy) -> Result<Self, ProxyFault> {
        let text = proxy.expose().trim();
        let text =
            Zeroizing::new(if text.contains("://") { text.to_owned() } else { format!("http://{text}") });
        let url = Url::parse(&text).map_err(|_| ProxyFault::Unparsable)?;
        // A password with `/`, `?` or `#` in it ends what is taken for the host and the port, which are shown.
        if url[Position::AfterPort..].contains('@') {
            return Err(ProxyFault::Unparsable);
        }
        let (speech, port) = match url.scheme() {
            "http" => (Speech::Http, 80),
            "https" => (Speech::Https, 443),
            "socks5" | "socks5h" => (Speech::Socks, 1080),
            "socks4" | "socks4a" => return Err(ProxyFault::Socks4),
            _ => return Err(ProxyFault::Scheme),
        };
        let host = match url.host() {
            Some(Host::Domain("")) | None => return Err(ProxyFault::NoHost),
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
        };
        let port = url.port().unwrap_or(port);
        let at = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let shown = format!("{}://{at}:{port}", url.scheme());
        Ok(Self { text: Zeroizing::new(url.into()), shown, speech, host, port })
    }

    /// For the HTTP client, with user name and password.
    pub(super) fn url(&self) -> Url {
        // It was one when it was parsed.
        Url::parse(&self.text).unwrap_or_else(|_| unreachable!("a URL that was written as one"))
    }

    /// The user name and the password, decoded; nothing where there is no user name.
    pub(super) fn credentials(&self) -> Option<(Zeroizing<String>, Zeroizing<String>)> {
        let url = self.url();
        let decoded = |text: &str| {
            Zeroizing::new(percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned())
        };
        let name = decoded(url.username());
        let password = decoded(url.password().unwrap_or_default());
        (!name.is_empty() || !password.is_empty()).then_some((name, password))
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({})", self.shown)
    }
}

/// Why a text is no address of a proxy. Never holds any of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyFault {
    /// There is no host.
    #[error("it names no host")]
    NoHost,
    /// It is not text.
    #[error("it is not UTF-8")]
    NotText,
    /// Neither http nor SOCKS5.
    #[error("its scheme is none of http, https, socks5 and socks5h")]
    Scheme,
    /// SOCKS4 takes no password and no IPv6.
    #[error("SOCKS4 is not supported")]
    Socks4,
    /// It cannot be taken apart.
    #[error("it is not of the form http://user:password@host:port")]
    Unparsable,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn parse(text: &str) -> Result<ProxyUrl, ProxyFault> {
        ProxyUrl::parse(&Proxy::new(text.to_owned()))
    }

    #[rstest]
    #[case("http://proxy.example:3128", "http://proxy.example:3128", Speech::Http)]
    #[case("http://proxy.example", "http://proxy.example:80", Speech::Http)]
    #[case("http://proxy.example:3128/", "http://proxy.example:3128", Speech::Http)]
    #[case("https://proxy.example", "https://proxy.example:443", Speech::Https)]
    #[case("socks5://proxy.example", "socks5://proxy.example:1080", Speech::Socks)]
    #[case("socks5h://ada:s3cret@10.0.0.1:9", "socks5h://10.0.0.1:9", Speech::Socks)]
    #[case("proxy:3128", "http://proxy:3128", Speech::Http)]
    #[case("proxy", "http://proxy:80", Speech::Http)]
    #[case(" 10.0.0.1:3128 ", "http://10.0.0.1:3128", Speech::Http)]
    #[case("ada:s3cret@proxy:3128", "http://proxy:3128", Speech::Http)]
    #[case("[2001:db8::1]:3128", "http://[2001:db8::1]:3128", Speech::Http)]
    #[case("HTTP://Proxy.Example:3128", "http://proxy.example:3128", Speech::Http)]
    fn forms(#[case] text: &str, #[case] shown: &str, #[case] speech: Speech) {
        let url = parse(text).unwrap();
        assert_eq!((url.shown.as_str(), url.speech), (shown, speech));
    }

    #[rstest]
    #[case("socks4://proxy", ProxyFault::Socks4)]
    #[case("socks4a://proxy", ProxyFault::Socks4)]
    #[case("ftp://proxy", ProxyFault::Scheme)]
    #[case("file:///proxy", ProxyFault::Scheme)]
    #[case("http://", ProxyFault::Unparsable)]
    #[case("", ProxyFault::Unparsable)]
    #[case("http://ada:s3/cret@proxy:3128", ProxyFault::Unparsable)]
    #[case("http://ada:s3cret@proxy:port", ProxyFault::Unparsable)]
    #[case("http://ada:1234/cret@proxy:3128", ProxyFault::Unparsable)]
    #[case("http://ada:1234?cret@proxy:3128", ProxyFault::Unparsable)]
    #[case("http://ada:1234#cret@proxy:3128", ProxyFault::Unparsable)]
    #[case("socks5://", ProxyFault::NoHost)]
    fn what_is_no_address_is_refused(#[case] text: &str, #[case] fault: ProxyFault) {
        assert_eq!(parse(text).unwrap_err(), fault);
    }

    #[rstest]
    #[case("http://ada:s3cret@proxy", Some(("ada", "s3cret")))]
    #[case("http://ada@proxy", Some(("ada", "")))]
    #[case("http://proxy", None)]
    #[case("http://CORP%5Cada:p%40ss%3Aw%2Frd%20@proxy", Some(("CORP\\ada", "p@ss:w/rd ")))]
    #[case("http://ada:p@ss@proxy", Some(("ada", "p@ss")))]
    fn credentials_are_decoded(#[case] text: &str, #[case] expected: Option<(&str, &str)>) {
        let url = parse(text).unwrap();
        let found = url.credentials();
        let found = found.as_ref().map(|(name, password)| (name.as_str(), password.as_str()));
        assert_eq!(found, expected);
        assert_eq!(url.host, "proxy");
    }

    #[test]
    fn nothing_prints_the_password() {
        let url = parse("http://ada:s3cret@proxy:3128").unwrap();
        let printed = format!("{url:?} {}", url.shown);
        assert!(!printed.contains("s3cret") && !printed.contains("ada"), "{printed}");
        assert!(printed.contains("http://proxy:3128"));
    }
}

//! The way to the collector: https, or http on loopback; no redirect is followed, and a proxy never sees loopback.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::blocking::Client;
use reqwest::{redirect, tls};
use url::{Host, Url};

/// The collector's address, if it may be one.
pub(super) fn base(endpoint: &str) -> Option<Url> {
    let url = Url::parse(endpoint).ok()?;
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    (is_safe && is_plain).then_some(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Where one signal goes.
pub(super) fn signal(base: &Url, name: &str) -> String {
    format!("{}/v1/{name}", base.as_str().trim_end_matches('/'))
}

/// The library's threads have no runtime, so the client is one that blocks.
pub(super) fn build(base: &Url) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .connect_timeout(LIMIT)
        .timeout(LIMIT)
        .redirect(redirect::Policy::none())
        .referer(false)
        .tls_version_min(tls::Version::TLS_1_2)
        .user_agent(concat!("entrad/", env!("CARGO_PKG_VERSION")));
    if is_loopback(base) {
        let here: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        let here = here.map(|address| SocketAddr::new(address, 0));
        builder.no_proxy().resolve_to_addrs("localhost", &here).build()
    } else {
        builder.https_only(true).build()
    }
}

/// Everything up to the end of an answer, further tries included; collectors answer within milliseconds.
pub(super) const LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://collector.example.com", Some("https://collector.example.com/v1/logs"))]
    #[case(
        "https://collector.example.com:4318/otlp/",
        Some("https://collector.example.com:4318/otlp/v1/logs")
    )]
    #[case("http://localhost:4318", Some("http://localhost:4318/v1/logs"))]
    #[case("http://127.0.0.1:4318/", Some("http://127.0.0.1:4318/v1/logs"))]
    #[case("http://[::1]:4318", Some("http://[::1]:4318/v1/logs"))]
    #[case("http://collector.example.com:4318", None)]
    #[case("http://localhost.example.com", None)]
    #[case("https://user@collector.example.com", None)]
    #[case("https://user:word@collector.example.com", None)]
    #[case("https://collector.example.com/?key=x", None)]
    #[case("ftp://localhost", None)]
    #[case("collector.example.com:4318", None)]
    #[case("", None)]
    fn only_https_or_loopback(#[case] endpoint: &str, #[case] logs: Option<&str>) {
        assert_eq!(base(endpoint).map(|base| signal(&base, "logs")).as_deref(), logs);
    }
}

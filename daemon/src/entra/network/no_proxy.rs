//! `NO_PROXY`: which hosts are reached without a proxy.
//!
//! There is no standard. This takes what curl, Go, Python and Node's libraries take between them, with curl's meaning where
//! they differ: a domain stands for itself and all below it, with and without a leading dot. Names are not looked up,
//! so an address stands for requests by address only.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use super::super::authority::is_loopback;
use crate::config::redacted;

/// The list, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NoProxy {
    entries: Vec<Entry>,
    /// The first entry that is none of the forms, without a password: it may be a proxy's address in the wrong place.
    unknown: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    /// That port only.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    /// `*`.
    All,
    /// A domain and all below it, in lower case.
    Domain(String),
    /// An address, or all of a network.
    Net(IpNet),
}

impl NoProxy {
    /// Reads a list with commas or white space between its entries.
    pub(super) fn parse(list: &str) -> Self {
        let mut read = Self::default();
        let texts = list.split(|char: char| char == ',' || char.is_whitespace());
        for text in texts.filter(|text| !text.is_empty()) {
            match Entry::parse(text) {
                Some(entry) => read.entries.push(entry),
                None => read.unknown = read.unknown.or_else(|| Some(redacted(text))),
            }
        }
        read
    }

    /// The first entry that is none of the forms, and says nothing therefore.
    pub(super) fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    /// The same, for keeping.
    pub(super) fn into_unknown(self) -> Option<String> {
        self.unknown
    }

    /// Whether a URL is reached without a proxy. This machine always is.
    pub(super) fn has(&self, url: &Url) -> bool {
        is_loopback(url) || is_below_localhost(url) || self.entries.iter().any(|entry| entry.has(url))
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self { hosts: Hosts::All, port: None });
        }
        if let Some(net) = net(text) {
            return Some(Self { hosts: Hosts::Net(net), port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text, None),
        };
        if let Some(net) = net(host) {
            return Some(Self { hosts: Hosts::Net(net), port });
        }
        let domain = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let domain = domain.trim_matches('.').to_ascii_lowercase();
        let is_domain = domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
            && !domain.is_empty();
        is_domain.then_some(Self { hosts: Hosts::Domain(domain), port })
    }

    fn has(&self, url: &Url) -> bool {
        if self.port.is_some() && self.port != url.port_or_known_default() {
            return false;
        }
        match (&self.hosts, url.host()) {
            (Hosts::All, _) => true,
            (Hosts::Domain(domain), Some(Host::Domain(host))) => {
                // The parser of URLs has put it in lower case.
                let host = host.trim_end_matches('.');
                let above = host.strip_suffix(domain.as_str());
                above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
            (Hosts::Net(net), Some(Host::Ipv4(address))) => net.contains(&IpAddr::V4(address)),
            (Hosts::Net(net), Some(Host::Ipv6(address))) => net.contains(&address.to_canonical()),
            _ => false,
        }
    }
}

/// An address, bare or in brackets, or a network such as `10.0.0.0/8`. An IPv4 address that is written as IPv6 is taken for
/// what it is.
fn net(text: &str) -> Option<IpNet> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some(IpNet::from(address.to_canonical()));
    }
    bare.parse().ok()
}

/// Names below `localhost` are this machine's (RFC 6761 §6.3).
fn is_below_localhost(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host.trim_end_matches('.').ends_with(".localhost"))
}

#[cfg(test)]
#[path = "no_proxy_tests.rs"]
mod tests;

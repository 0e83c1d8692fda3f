//! By which way a host is reached: directly, or by a proxy.

use std::fmt;

use super::Unanswered;
use crate::entra::network::{Place, Way};
use crate::entra::no_reply::{NoReply, ProxyReason, ProxyTrouble};

/// The way to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Without a proxy.
    Direct,
    /// By this proxy.
    Proxy {
        /// Its scheme and host, without a user name and password.
        origin: String,
        /// Its host.
        host: String,
        /// Its port.
        port: u16,
        /// Whether a user name and password are set for it.
        has_credentials: bool,
        /// Who names it.
        place: Place,
    },
}

impl Route {
    pub(super) fn by(way: Option<&Way>) -> Self {
        let Some(way) = way else { return Self::Direct };
        let url = way.url();
        let host = url.host_str().unwrap_or_default();
        Self::Proxy {
            origin: way.shown().to_owned(),
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port_or_known_default().unwrap_or(SOCKS),
            has_credentials: way.has_credentials(),
            place: way.place(),
        }
    }

    /// What it means that the first name on this way, to `host`, is not known.
    #[must_use]
    pub fn unnamed(&self, host: &str) -> Option<Unanswered> {
        self.blamed(ProxyTrouble::Unresolved, host)
    }

    /// What it means that nothing is heard on this way to `host`, where a proxy may be to blame.
    #[must_use]
    pub fn silent(&self, host: &str) -> Option<Unanswered> {
        self.blamed(ProxyTrouble::Unreachable, host)
    }

    fn blamed(&self, trouble: ProxyTrouble, host: &str) -> Option<Unanswered> {
        let Self::Proxy { origin, has_credentials, place, .. } = self else { return None };
        let reason =
            ProxyReason { trouble, shown: origin.clone(), place: *place, has_credentials: *has_credentials };
        Some(Unanswered::of(&NoReply::Proxy(Box::new(reason)), host))
    }
}

/// The usual port of SOCKS (RFC 1928 §3).
const SOCKS: u16 = 1080;

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("directly"),
            Self::Proxy { origin, has_credentials: true, .. } => {
                write!(f, "by the proxy {origin}, with a user name and password")
            }
            Self::Proxy { origin, .. } => write!(f, "by the proxy {origin}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::entra::network::{NetworkSettings, Proxies};

    fn route(proxy: &str, url: &str) -> Route {
        let settings = NetworkSettings {
            all_proxy: Some(proxy.to_owned().into()),
            no_proxy: Some("10.0.0.0/8".to_owned()),
            ..NetworkSettings::default()
        };
        let url: Url = url.parse().unwrap();
        Route::by(Proxies::choose(&settings, &|_: &str| None).unwrap().way_to(&url).as_ref())
    }

    #[test]
    fn a_proxy_is_named_without_its_password() {
        let by = route("http://ada:hunter2@proxy.example:3128", "https://login.microsoftonline.com/");
        assert_eq!(by.to_string(), "by the proxy http://proxy.example:3128, with a user name and password");
        assert!(!format!("{by:?}").contains("hunter2"));
        let Route::Proxy { host, port, .. } =
            route("socks5://proxy.example", "https://login.microsoftonline.com/")
        else {
            panic!("it is a proxy")
        };
        assert_eq!((host.as_str(), port), ("proxy.example", SOCKS));
        assert_eq!(route("http://proxy.example", "https://10.1.2.3/"), Route::Direct);
    }

    #[test]
    fn loopback_has_no_proxy_whatever_is_set() {
        for url in ["http://127.0.0.1:8080/", "http://localhost/", "http://[::1]:1/"] {
            assert_eq!(route("http://proxy.example", url), Route::Direct);
        }
    }
}

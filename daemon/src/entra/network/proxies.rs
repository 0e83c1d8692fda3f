//! Which proxy a request goes to: by the settings, else by the environment, else by the system.
//!
//! All of it comes from one of the three, except that `no_proxy` of the settings holds for whichever it is. The system's is
//! read by the HTTP library: the Windows registry, and the dynamic store of macOS. No system hands out a script (PAC).

use std::ffi::OsString;
use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::Variable;
use super::error::{NetworkError, Place};
use super::no_proxy::NoProxy;
use super::proxy_url::{ProxyFault, ProxyUrl};
use super::settings::NetworkSettings;
use crate::config::Proxy;

/// The proxies, chosen once for a client.
pub struct Proxies {
    https: Option<Way>,
    http: Option<Way>,
    no_proxy: NoProxy,
    system: Option<Matcher>,
}

/// The proxy of a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Way {
    pub(super) proxy: ProxyUrl,
    place: Place,
}

impl Way {
    /// Its address, without user name and password.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.proxy.shown
    }

    /// Who names it.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Whether a user name or a password stands in it.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.proxy.credentials().is_some()
    }

    /// Its address for the HTTP client, with user name and password.
    pub(in crate::entra) fn url(&self) -> Url {
        self.proxy.url()
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Way({} by {})", self.shown(), self.place)
    }
}

impl Proxies {
    /// Chooses.
    ///
    /// # Errors
    /// [`NetworkError::Proxy`] where an address that would be used is none.
    pub fn choose(settings: &NetworkSettings, variable: &Variable<'_>) -> Result<Self, NetworkError> {
        let of_setting = |key, proxy: &Option<Proxy>| match proxy {
            Some(proxy) if !is_blank(proxy) => way(proxy, Place::Setting(key)).map(Some),
            _ => Ok(None),
        };
        let all = of_setting("all_proxy", &settings.all_proxy)?;
        let https = of_setting("https_proxy", &settings.https_proxy)?.or_else(|| all.clone());
        let http = of_setting("http_proxy", &settings.http_proxy)?.or(all);
        let listed = settings.no_proxy.as_deref();
        if https.is_some() || http.is_some() {
            let no_proxy = NoProxy::parse(listed.unwrap_or_default());
            return Ok(Self { https, http, no_proxy, system: None });
        }
        let all = of_variables(variable, &ALL_PROXY)?;
        let https = of_variables(variable, &HTTPS_PROXY)?.or_else(|| all.clone());
        // A program that a web server starts finds the header `Proxy:` of a request in HTTP_PROXY (httpoxy.org).
        let names = if variable("REQUEST_METHOD").is_some() { &HTTP_PROXY[1..] } else { &HTTP_PROXY };
        // Nothing goes there, so a bad one stops nothing.
        let http = of_variables(variable, names).unwrap_or_default().or(all);
        let inherited = || NO_PROXY.iter().find_map(|name| text_of(variable(name))).unwrap_or_default();
        let no_proxy = NoProxy::parse(&listed.map_or_else(inherited, str::to_owned));
        let system = (https.is_none() && http.is_none()).then(Matcher::from_system);
        Ok(Self { https, http, no_proxy, system })
    }

    /// The proxy that a request to `url` goes to; nothing where it goes straight there.
    #[must_use]
    pub fn way_to(&self, url: &Url) -> Option<Way> {
        if self.no_proxy.has(url) {
            return None;
        }
        let named = if url.scheme() == "https" { &self.https } else { &self.http };
        named.clone().or_else(|| self.way_by_system(url))
    }

    /// What was not understood and is passed over: whole sentences.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let unknown = self.no_proxy.unknown().map(|entry| {
            format!("NO_PROXY has the entry {entry:?}, which is no domain, address, network or `*`, and is passed over.")
        });
        unknown.into_iter().collect()
    }

    fn way_by_system(&self, url: &Url) -> Option<Way> {
        let chosen = self.system.as_ref()?.intercept(&url.as_str().parse().ok()?)?;
        way(&Proxy::new(chosen.uri().to_string()), Place::System).ok()
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("https", &self.https)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

fn is_blank(proxy: &Proxy) -> bool {
    proxy.expose().trim().is_empty()
}

fn way(proxy: &Proxy, place: Place) -> Result<Way, NetworkError> {
    let proxy = ProxyUrl::parse(proxy).map_err(|fault| NetworkError::Proxy { place, fault })?;
    Ok(Way { proxy, place })
}

/// The first of the variables that is set to something.
fn of_variables(variable: &Variable<'_>, names: &[&'static str]) -> Result<Option<Way>, NetworkError> {
    for name in names {
        let Some(value) = variable(name).filter(|value| !value.is_empty()) else { continue };
        let place = Place::Variable(name);
        let text =
            value.into_string().map_err(|_| NetworkError::Proxy { place, fault: ProxyFault::NotText })?;
        let proxy = Proxy::new(text);
        if !is_blank(&proxy) {
            return way(&proxy, place).map(Some);
        }
    }
    Ok(None)
}

fn text_of(value: Option<OsString>) -> Option<String> {
    value.filter(|value| !value.is_empty()).map(|value| value.to_string_lossy().into_owned())
}

const HTTPS_PROXY: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];
const ALL_PROXY: [&str; 2] = ["ALL_PROXY", "all_proxy"];
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// The upper-case one first, which a web server may have filled.
const HTTP_PROXY: [&str; 2] = ["HTTP_PROXY", "http_proxy"];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> NetworkSettings {
        let of = |key| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
        NetworkSettings {
            https_proxy: of("https_proxy").map(Proxy::new),
            http_proxy: of("http_proxy").map(Proxy::new),
            all_proxy: of("all_proxy").map(Proxy::new),
            no_proxy: of("no_proxy"),
            ..NetworkSettings::default()
        }
    }

    fn choose(set: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Proxies, NetworkError> {
        let variable =
            |name: &str| environment.iter().find(|(it, _)| *it == name).map(|(_, value)| value.into());
        Proxies::choose(&settings(set), &variable)
    }

    /// Who names the proxy for https, and its host.
    fn chosen(set: &[(&str, &str)], environment: &[(&str, &str)]) -> Option<String> {
        let way = choose(set, environment).unwrap().way_to(&Url::parse("https://login.example").unwrap());
        way.map(|way| format!("{} {}", way.place(), way.proxy.host))
    }

    #[rstest]
    #[case(&[], &[], None)]
    #[case(&[("https_proxy", "s")], &[("HTTPS_PROXY", "e")], Some("`https_proxy` s"))]
    #[case(&[("all_proxy", "s")], &[("HTTPS_PROXY", "e")], Some("`all_proxy` s"))]
    #[case(&[("all_proxy", "a"), ("https_proxy", "s")], &[], Some("`https_proxy` s"))]
    #[case(&[("http_proxy", "s")], &[("HTTPS_PROXY", "e")], None)]
    #[case(&[("https_proxy", "")], &[("HTTPS_PROXY", "e")], Some("HTTPS_PROXY e"))]
    #[case(&[], &[("HTTPS_PROXY", "e"), ("https_proxy", "l")], Some("HTTPS_PROXY e"))]
    #[case(&[], &[("https_proxy", "l"), ("ALL_PROXY", "a")], Some("https_proxy l"))]
    #[case(&[], &[("HTTPS_PROXY", ""), ("https_proxy", "l")], Some("https_proxy l"))]
    #[case(&[], &[("ALL_PROXY", "a")], Some("ALL_PROXY a"))]
    #[case(&[], &[("all_proxy", "a")], Some("all_proxy a"))]
    #[case(&[], &[("HTTP_PROXY", "h")], None)]
    #[case(&[], &[("HTTPS_PROXY", "e"), ("NO_PROXY", "*")], None)]
    #[case(&[], &[("HTTPS_PROXY", "e"), ("no_proxy", "login.example")], None)]
    #[case(&[("no_proxy", "other.example")], &[("HTTPS_PROXY", "e"), ("NO_PROXY", "*")], Some("HTTPS_PROXY e"))]
    #[case(&[("no_proxy", "*")], &[("HTTPS_PROXY", "e")], None)]
    #[case(&[("https_proxy", "s")], &[("NO_PROXY", "*")], Some("`https_proxy` s"))]
    #[case(&[("https_proxy", "s"), ("no_proxy", ".example")], &[], None)]
    fn sources(
        #[case] set: &[(&str, &str)],
        #[case] environment: &[(&str, &str)],
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(chosen(set, environment).as_deref(), expected);
    }

    #[rstest]
    #[case(&[("HTTP_PROXY", "h"), ("http_proxy", "l")], Some("HTTP_PROXY h"))]
    #[case(&[("HTTP_PROXY", "h"), ("http_proxy", "l"), ("REQUEST_METHOD", "GET")], Some("http_proxy l"))]
    #[case(&[("HTTP_PROXY", "h"), ("REQUEST_METHOD", "GET")], None)]
    fn a_web_server_s_variable_is_not_trusted(
        #[case] environment: &[(&str, &str)],
        #[case] expected: Option<&str>,
    ) {
        let way = choose(&[], environment).unwrap().way_to(&Url::parse("http://plain.example").unwrap());
        assert_eq!(way.map(|way| format!("{} {}", way.place(), way.proxy.host)).as_deref(), expected);
    }

    #[rstest]
    #[case(&[("https_proxy", "ftp://ada:s3cret@p")], &[], "`https_proxy` names no proxy that entrad can use: its scheme is none of http, https, socks5 and socks5h.")]
    #[case(&[("all_proxy", "http://ada:s3/cret@p")], &[], "`all_proxy` names no proxy that entrad can use: it is not of the form http://user:password@host:port.")]
    #[case(&[], &[("HTTPS_PROXY", "socks4://ada:s3cret@p")], "HTTPS_PROXY names no proxy that entrad can use: SOCKS4 is not supported.")]
    #[case(&[], &[("all_proxy", "http://ada:s3cret@p:port")], "all_proxy names no proxy that entrad can use: it is not of the form http://user:password@host:port.")]
    fn a_bad_address_names_its_place_and_no_password(
        #[case] set: &[(&str, &str)],
        #[case] environment: &[(&str, &str)],
        #[case] sentence: &str,
    ) {
        let error = choose(set, environment).unwrap_err();
        assert_eq!(error.to_string(), sentence);
        let printed = format!("{error:?} {}", error.hint());
        assert!(!printed.contains("s3") && !printed.contains("ada"), "{printed}");
    }

    #[test]
    fn nothing_prints_a_password() {
        let proxies = choose(&[("https_proxy", "http://ada:s3cret@p")], &[]).unwrap();
        let way = proxies.way_to(&Url::parse("https://login.example").unwrap());
        assert!(!format!("{proxies:?} {way:?}").contains("s3cret"));
    }
}

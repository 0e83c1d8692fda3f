//! What settings and the environment can say of the way out.

use std::ffi::OsString;

use url::Url;

use super::super::authority::is_loopback;
use super::NetworkSettings;
use super::no_proxy::NoProxy;
use super::proxies::Proxies;
use super::proxy_url::ProxyUrl;
use crate::config::{Proxy, redacted};

/// A list of exceptions, the address of a proxy, and that of a server, a line each.
pub fn proxy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.splitn(3, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (list, address, server) = (next(), next(), next());
    address_is_kept(address);
    secret_stays(address, server);
    let exceptions = NoProxy::parse(list);
    let Ok(url) = Url::parse(server) else { return };
    let is_excepted = exceptions.has(&url);
    assert!(is_excepted || !is_loopback(&url), "{url} would go through a proxy");
    assert!(is_excepted || !list.split(',').any(|entry| entry.trim() == "*"));
    let settings = NetworkSettings {
        all_proxy: Some(Proxy::new(address.to_owned())),
        no_proxy: Some(list.to_owned()),
        ..NetworkSettings::default()
    };
    drop(settings.check());
    // With a proxy of its own, so that the system's is not asked.
    let variable = |name: &str| (name == "ALL_PROXY").then(|| OsString::from("proxy.example"));
    if let Ok(proxies) = Proxies::choose(&settings, &variable) {
        assert_eq!(proxies.way_to(&url).is_none(), is_excepted);
        drop(proxies.warnings());
    }
}

/// What is shown of an address is one, and the same one.
fn address_is_kept(address: &str) {
    let Ok(proxy) = ProxyUrl::parse(&Proxy::new(address.to_owned())) else { return };
    proxy.url();
    proxy.credentials();
    let shown = ProxyUrl::parse(&Proxy::new(proxy.shown.clone()));
    let is_same = shown.is_ok_and(|shown| {
        let seen = |url: &ProxyUrl| (url.shown.clone(), url.host.clone(), url.port, url.speech);
        seen(&shown) == seen(&proxy)
    });
    assert!(is_same, "{address} is shown as {}", proxy.shown);
}

/// Nothing that is said of an address has its password.
fn secret_stays(one: &str, other: &str) {
    const SECRET: &str = "s3cret-of-ada";
    for value in [format!("http://ada:{SECRET}{one}@{other}"), format!("ada:{SECRET}@{one}{other}")] {
        let proxy = Proxy::new(value.clone());
        // What has it beside its password gives it away itself: as it is, or in a host, which may be written in other letters.
        let is_in_host = ProxyUrl::parse(&proxy).is_ok_and(|url| url.host.contains(SECRET));
        if is_in_host || value.matches(SECRET).count() > 1 {
            continue;
        }
        let said = match ProxyUrl::parse(&proxy) {
            Ok(url) => format!("{proxy:?} {url:?} {}", url.shown),
            Err(fault) => format!("{proxy:?} {fault}"),
        };
        let settings = NetworkSettings { https_proxy: Some(proxy), ..NetworkSettings::default() };
        let said = format!("{said} {:?} {settings:?}", settings.check());
        assert!(!said.contains(SECRET), "{said}");
        let told = redacted(&value);
        assert!(!told.contains(SECRET), "{told}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_inputs_are_fine() {
        crate::replay::all("entrad::entra::network::fuzzing", &[("proxy", proxy)]);
    }
}

//! The forms of `NO_PROXY`, as a table: asked of the list itself, and of an HTTP client that follows it.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::Arc;

use super::super::{NetworkSettings, Proxies};
use super::*;
use crate::config::Proxy;

/// List, origin, and whether a proxy is asked.
const TABLE: &[(&str, &str, bool)] = &[
    // nothing
    ("", "https://login.microsoftonline.com", true),
    (" , ,, ", "https://login.microsoftonline.com", true),
    // everything
    ("*", "https://login.microsoftonline.com", false),
    ("*", "https://203.0.113.1", false),
    ("contoso.com,*", "https://login.microsoftonline.com", false),
    // a domain stands for itself and what is below it
    ("microsoftonline.com", "https://login.microsoftonline.com", false),
    ("microsoftonline.com", "https://microsoftonline.com", false),
    (".microsoftonline.com", "https://login.microsoftonline.com", false),
    (".microsoftonline.com", "https://microsoftonline.com", false),
    ("*.microsoftonline.com", "https://login.microsoftonline.com", false),
    ("*.microsoftonline.com", "https://microsoftonline.com", false),
    ("login.microsoftonline.com", "https://login.microsoftonline.com", false),
    ("login.microsoftonline.com", "https://microsoftonline.com", true),
    ("online.com", "https://login.microsoftonline.com", true),
    (".online.com", "https://login.microsoftonline.com", true),
    ("microsoftonline.com", "https://microsoftonline.com.example", true),
    ("com", "https://login.microsoftonline.com", false),
    ("LOGIN.MicrosoftOnline.COM", "https://login.microsoftonline.com", false),
    ("microsoftonline.com", "https://LOGIN.MICROSOFTONLINE.COM", false),
    ("microsoftonline.com.", "https://login.microsoftonline.com", false),
    ("microsoftonline.com", "https://login.microsoftonline.com.", false),
    ("intranet", "https://intranet", false),
    ("intranet", "https://login.intranet", false),
    ("under_score.example", "https://under_score.example", false),
    // commas and spaces
    ("contoso.com,microsoftonline.com", "https://login.microsoftonline.com", false),
    ("contoso.com, microsoftonline.com", "https://login.microsoftonline.com", false),
    ("contoso.com microsoftonline.com", "https://login.microsoftonline.com", false),
    ("contoso.com\tmicrosoftonline.com\n", "https://login.microsoftonline.com", false),
    ("contoso.com fabrikam.com", "https://login.microsoftonline.com", true),
    // ports
    ("login.microsoftonline.com:443", "https://login.microsoftonline.com", false),
    ("login.microsoftonline.com:8443", "https://login.microsoftonline.com", true),
    ("login.microsoftonline.com:8443", "https://login.microsoftonline.com:8443", false),
    ("login.microsoftonline.com", "https://login.microsoftonline.com:8443", false),
    (".microsoftonline.com:443", "https://login.microsoftonline.com", false),
    ("*.microsoftonline.com:444", "https://login.microsoftonline.com", true),
    ("203.0.113.1:443", "https://203.0.113.1", false),
    ("203.0.113.1:8443", "https://203.0.113.1", true),
    ("[2001:db8::1]:443", "https://[2001:db8::1]", false),
    ("[2001:db8::1]:8443", "https://[2001:db8::1]", true),
    // addresses
    ("203.0.113.1", "https://203.0.113.1", false),
    ("203.0.113.1", "https://203.0.113.11", true),
    ("203.0.113.1", "https://203.0.113.1.example", true),
    ("2001:db8::1", "https://[2001:db8::1]", false),
    ("[2001:db8::1]", "https://[2001:db8::1]", false),
    ("2001:0DB8:0::1", "https://[2001:db8::1]", false),
    ("2001:db8::1", "https://[2001:db8::2]", true),
    ("203.0.113.1", "https://[::ffff:203.0.113.1]", false),
    ("::ffff:203.0.113.1", "https://203.0.113.1", false),
    // networks
    ("203.0.113.0/24", "https://203.0.113.77", false),
    ("203.0.113.9/24", "https://203.0.113.77", false),
    ("203.0.113.0/24", "https://203.0.114.1", true),
    ("203.0.113.0/24", "https://login.microsoftonline.com", true),
    ("0.0.0.0/0", "https://203.0.113.1", false),
    ("2001:db8::/32", "https://[2001:db8:77::1]", false),
    ("2001:db8::/32", "https://[2001:db9::1]", true),
    ("10.0.0.0/8 .contoso.com,203.0.113.1", "https://203.0.113.1", false),
    // this machine, whatever the list says
    ("", "https://localhost", false),
    ("contoso.com", "https://127.0.0.1:8443", false),
    ("", "https://127.9.9.9", false),
    ("", "https://[::1]", false),
    ("", "https://entra.localhost", false),
    ("", "https://localhost.example", true),
    // what is none of the forms says nothing
    ("10.*", "https://10.0.0.1", true),
    ("*online.com", "https://login.microsoftonline.com", true),
    ("203.0.113.0/33", "https://203.0.113.1", true),
    ("https://login.microsoftonline.com", "https://login.microsoftonline.com", true),
    ("login.microsoftonline.com:port", "https://login.microsoftonline.com", true),
];

#[test]
fn the_table_of_the_list() {
    for (list, origin, is_proxied) in TABLE {
        let url = Url::parse(origin).unwrap();
        assert_eq!(!NoProxy::parse(list).has(&url), *is_proxied, "{list:?} for {origin}");
    }
}

/// Each name leads to a port where nobody listens, so what is not sent to the proxy goes nowhere.
#[tokio::test]
async fn the_table_of_a_client() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (list, origin, is_proxied) in TABLE {
        let url = Url::parse(origin).unwrap();
        // A bare address is not looked up: it would be asked in truth.
        if !is_proxied && matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_))) {
            continue;
        }
        let settings = NetworkSettings {
            https_proxy: Some(Proxy::new(address.clone())),
            no_proxy: Some((*list).to_owned()),
            ..NetworkSettings::default()
        };
        let proxies = Arc::new(Proxies::choose(&settings, &|_: &str| None).unwrap());
        let chosen = reqwest::Proxy::custom(move |url: &Url| proxies.way_to(url).map(|way| way.url()));
        let host = url.host_str().unwrap();
        let client = reqwest::Client::builder().proxy(chosen).resolve(host, closed).build().unwrap();
        let asking = tokio::spawn(client.get(url.clone()).send());
        let is_asked = async {
            loop {
                match proxy.accept() {
                    Ok(_) => return true,
                    Err(error) if error.kind() == ErrorKind::WouldBlock && asking.is_finished() => {
                        // It may have been asked between the two looks.
                        return proxy.accept().is_ok();
                    }
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        let is_asked = tokio::time::timeout(std::time::Duration::from_secs(10), is_asked).await.unwrap();
        asking.abort();
        assert_eq!(is_asked, *is_proxied, "{list:?} for {origin}");
    }
}

#[test]
fn what_is_not_understood_is_named() {
    assert_eq!(NoProxy::parse("contoso.com 10.* b*d").unknown(), Some("10.*"));
    assert_eq!(NoProxy::parse("contoso.com,10.0.0.0/8,*").unknown(), None);
    assert_eq!(NoProxy::parse("http://ada:s3cret@proxy:3128").unknown(), Some("http://ada:***@proxy:3128"));
}

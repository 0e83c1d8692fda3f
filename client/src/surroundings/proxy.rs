//! The exceptions from a proxy: requests to this machine hold the lease's secret, and no proxy may see them.
//!
//! Some programs read `NO_PROXY`, some `no_proxy`, and some the first of the two that they find. What is there stays, and
//! is added to; where there is one of the two, the other becomes the same, lest setting it should hide the first.
//!
//! `*` is every host to some and a host of that name to others, Azure's SDKs for JavaScript and .NET among them
//! (azure-sdk-for-js, `proxyPolicy.ts`). Nothing can be added to it either, so where it stands there must be no proxy.

use std::ffi::{OsStr, OsString};

/// The two variables with this machine's names among their values.
pub(crate) fn exempted(present: impl Fn(&str) -> Option<OsString>) -> [(&'static str, OsString); 2] {
    let [upper, lower] = PROXY_EXCEPTIONS.map(|name| present(name).filter(|value| !value.is_empty()));
    let either = |one: &Option<OsString>, other: &Option<OsString>| {
        with_this_machine(one.as_deref().or(other.as_deref()).unwrap_or_default())
    };
    let [of_upper, of_lower] = PROXY_EXCEPTIONS;
    [(of_upper, either(&upper, &lower)), (of_lower, either(&lower, &upper))]
}

/// The proxies that are to go, because an exception that not everybody understands says that none is used.
pub(crate) fn out_of_use(present: impl Fn(&str) -> Option<OsString>) -> &'static [&'static str] {
    let is_for_all = exempted(present).iter().any(|(_, value)| value.to_string_lossy().trim() == "*");
    if is_for_all { &PROXIES } else { &[] }
}

/// `*` is every host already, but only when it stands alone (curl: `CURLOPT_NOPROXY`). Not everybody divides the list at its
/// spaces, so what is to be understood stands between commas.
fn with_this_machine(value: &OsStr) -> OsString {
    let mut whole = value.to_owned();
    let text = value.to_string_lossy();
    if text.trim() == "*" {
        return whole;
    }
    for host in EXEMPT {
        let is_named = text.split(',').any(|named| named.trim().eq_ignore_ascii_case(host));
        if !is_named {
            if !whole.is_empty() {
                whole.push(",");
            }
            whole.push(host);
        }
    }
    whole
}

/// The variables.
pub(crate) const PROXY_EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// What names a proxy. Azure's SDKs take any of them for each address.
pub(crate) const PROXIES: [&str; 6] =
    ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "http_proxy", "https_proxy"];

/// The names by which a program may reach the endpoints.
pub(crate) const EXEMPT: [&str; 2] = ["127.0.0.1", "localhost"];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(None, None, "127.0.0.1,localhost", "127.0.0.1,localhost")]
    #[case(Some(""), Some(""), "127.0.0.1,localhost", "127.0.0.1,localhost")]
    #[case(Some(".corp"), None, ".corp,127.0.0.1,localhost", ".corp,127.0.0.1,localhost")]
    #[case(None, Some(".corp"), ".corp,127.0.0.1,localhost", ".corp,127.0.0.1,localhost")]
    #[case(Some("a"), Some("b"), "a,127.0.0.1,localhost", "b,127.0.0.1,localhost")]
    #[case(Some("*"), None, "*", "*")]
    #[case(Some("*"), Some("b"), "*", "b,127.0.0.1,localhost")]
    #[case(Some("*,a"), None, "*,a,127.0.0.1,localhost", "*,a,127.0.0.1,localhost")]
    #[case(Some("localhost, 127.0.0.1"), None, "localhost, 127.0.0.1", "localhost, 127.0.0.1")]
    #[case(
        Some("localhost 127.0.0.1"),
        None,
        "localhost 127.0.0.1,127.0.0.1,localhost",
        "localhost 127.0.0.1,127.0.0.1,localhost"
    )]
    #[case(Some("LOCALHOST"), None, "LOCALHOST,127.0.0.1", "LOCALHOST,127.0.0.1")]
    #[case(
        Some("127.0.0.11,xlocalhost"),
        None,
        "127.0.0.11,xlocalhost,127.0.0.1,localhost",
        "127.0.0.11,xlocalhost,127.0.0.1,localhost"
    )]
    fn what_is_there_stays_and_is_added_to(
        #[case] upper: Option<&str>,
        #[case] lower: Option<&str>,
        #[case] upper_after: &str,
        #[case] lower_after: &str,
    ) {
        let present = |name: &str| if name == "NO_PROXY" { upper } else { lower }.map(OsString::from);
        let once = exempted(present);
        assert_eq!(once, [("NO_PROXY", upper_after.into()), ("no_proxy", lower_after.into())]);
        let again =
            exempted(|name| once.iter().find(|(held, _)| *held == name).map(|(_, value)| value.clone()));
        assert_eq!(again, once);
    }

    #[rstest]
    #[case(None, None, false)]
    #[case(Some("*"), None, true)]
    #[case(Some(" * "), Some("b"), true)]
    #[case(Some("b"), Some("*"), true)]
    #[case(Some("*,b"), None, false)]
    fn no_proxy_is_left_where_not_everybody_excepts_this_machine(
        #[case] upper: Option<&str>,
        #[case] lower: Option<&str>,
        #[case] is_out: bool,
    ) {
        let present = |name: &str| if name == "NO_PROXY" { upper } else { lower }.map(OsString::from);
        assert_eq!(out_of_use(present).contains(&"HTTP_PROXY"), is_out);
    }
}

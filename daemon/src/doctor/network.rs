//! The way to each sign-in host in use: proxy, names, connection, certificate, clock; then its tenants and app registrations.
//!
//! The checks of a host wait for each other, so that only the first that fails does; hosts are looked at side by side.

use std::collections::BTreeMap;
use std::net::IpAddr;

use entra_proto::doctor::{Check, CheckResult};
use url::Url;

use super::check::{Finding, Named, waits_for};
use super::registration;
use crate::broker::Registration;
use crate::config::{Bounds, Flows};
use crate::entra::Entra;
use crate::entra::probe::{Answered, Distrust, Probe, Route, Shown, Unanswered};

/// What of the settings and the environment is done without.
pub(super) const WARNINGS: Named = Named::new("network.warnings", 50);
/// Which way requests take.
pub(super) const PROXY: Named = Named::new("network.proxy", 300);
/// Whether the name has addresses.
pub(super) const DNS: Named = Named::new("network.dns", 1500);
/// Whether the host answers.
pub(super) const CONNECTION: Named = Named::new("network.connection", 2800);
/// Whose certificate it shows.
pub(super) const TLS: Named = Named::new("network.tls", 50);
/// Whether this machine's clock agrees with it.
pub(super) const CLOCK: Named = Named::new("network.clock", 50);

/// What is looked at of each host, in the order in which each waits for the one before it.
pub(super) const WAY: [Named; 5] = [PROXY, DNS, CONNECTION, TLS, CLOCK];

/// What a look at a host came to.
pub(super) struct Way {
    pub(super) checks: Vec<Check>,
    /// The connection, where there is one.
    pub(super) probe: Option<Probe>,
}

/// Every host that these registrations sign in at.
pub(super) async fn look(
    entra: &Entra,
    registrations: &[Registration],
    flows: &Flows,
    bounds: &Bounds,
) -> Vec<Check> {
    let mut hosts: BTreeMap<String, Vec<&Registration>> = BTreeMap::new();
    for registration in registrations {
        hosts.entry(registration.authority.origin().to_owned()).or_default().push(registration);
    }
    let hosts = hosts.into_values().map(|here| host(entra, here, flows, bounds));
    let hosts = futures_util::future::join_all(hosts).await.concat();
    // They are read again for each look at a host, so they are known now; they stand first, since they can be a cause.
    let are_known =
        hosts.iter().any(|check| check.name == CONNECTION.name && check.result != CheckResult::Skipped);
    let warnings = WARNINGS.found(None, warnings(&entra.network_warnings(), are_known));
    [vec![warnings], hosts].concat()
}

fn warnings(warnings: &[String], are_known: bool) -> Finding {
    if !warnings.is_empty() {
        return Finding::warning(
            warnings.join(" "),
            "Correct or remove what names it; certificates are read again when a file changes, and a variable at entrad's next \
             start.",
        );
    }
    if are_known {
        Finding::good("All certificates and exceptions from proxies that are named could be read.")
    } else {
        Finding::skipped("They are read when a host is connected to.")
    }
}

async fn host(
    entra: &Entra,
    registrations: Vec<&Registration>,
    flows: &Flows,
    bounds: &Bounds,
) -> Vec<Check> {
    let Some(first) = registrations.first() else { return Vec::new() };
    let address = first.authority.configuration_endpoint();
    let Way { mut checks, probe } = reach(entra, &address, first.authority.is_microsofts()).await;
    let there =
        registrations.into_iter().map(|here| registration::look(entra, probe.as_ref(), here, flows, bounds));
    checks.extend(futures_util::future::join_all(there).await.concat());
    checks
}

/// The way to this address. `is_microsofts` says that only few issue certificates for it.
pub(super) async fn reach(entra: &Entra, address: &Url, is_microsofts: bool) -> Way {
    let name = shown_host(address);
    let about = Some(name.as_str());
    let (mut route, mut is_known) = (Route::Direct, true);
    let proxy = PROXY
        .run(about, async {
            match entra.route(address).await {
                Ok(found) => {
                    route = found;
                    proxy_finding(&name, &route, address)
                }
                Err(error) => {
                    is_known = false;
                    Finding::failed(error.to_string(), error.hint())
                }
            }
        })
        .await;
    if !is_known {
        let skipped = WAY[1..].iter().map(|named| named.found(about, waits_for(PROXY)));
        return Way { checks: std::iter::once(proxy).chain(skipped).collect(), probe: None };
    }
    let (resolved, port) = match &route {
        Route::Direct => {
            (address.host_str().unwrap_or_default(), address.port_or_known_default().unwrap_or(443))
        }
        Route::Proxy { host, port, .. } => (host.as_str(), *port),
    };
    let mut is_named = false;
    let dns = DNS
        .run(about, async {
            let finding = match entra.addresses(resolved, port).await {
                Ok(addresses) if !addresses.is_empty() => dns_finding(resolved, &addresses),
                Ok(_) | Err(_) => unnamed(resolved, &name, &route),
            };
            is_named = !finding.is_failed();
            finding
        })
        .await;
    let mut checks = vec![proxy, dns];
    if !is_named {
        checks.extend(WAY[2..].iter().map(|named| named.found(about, waits_for(DNS))));
        return Way { checks, probe: None };
    }
    let mut probe = None;
    let mut heard = None;
    let connection = CONNECTION
        .run_or(about, || silent(&name, &route), async {
            let made = entra.probe(address).await;
            let answer = match made {
                Ok(made) => {
                    let made = &*probe.insert(made);
                    made.knock(address).await
                }
                Err(error) => Err(error),
            };
            heard = answer.as_ref().ok().copied();
            connection_finding(&name, answer, &route)
        })
        .await;
    checks.push(connection);
    let shown = probe.as_ref().and_then(Probe::shown);
    checks.push(TLS.found(about, tls_finding(&name, address, shown.as_ref(), is_microsofts)));
    let clock = heard.map_or_else(|| waits_for(CONNECTION), |heard| clock_finding(&heard));
    checks.push(CLOCK.found(about, clock));
    Way { checks, probe: probe.filter(|_| heard.is_some()) }
}

/// The host with its port, where that is not the usual one.
pub(super) fn shown_host(address: &Url) -> String {
    let host = address.host_str().unwrap_or_default();
    address.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn proxy_finding(name: &str, route: &Route, address: &Url) -> Finding {
    let is_here = crate::entra::authority::is_loopback(address);
    let finding = Finding::good(format!("{name} is reached {route}."));
    match route {
        Route::Direct if is_here => finding.and("It is this machine, which no proxy ever sees."),
        Route::Direct => finding,
        Route::Proxy { .. } => finding.and("Requests to this machine itself never go through it."),
    }
}

fn dns_finding(host: &str, addresses: &[IpAddr]) -> Finding {
    let shown: Vec<String> = addresses.iter().take(MOST_ADDRESSES).map(ToString::to_string).collect();
    let more = addresses.len().saturating_sub(MOST_ADDRESSES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Finding::good(format!("{host} is {}{more}.", shown.join(", ")))
}

fn unnamed(resolved: &str, host: &str, route: &Route) -> Finding {
    match route.unnamed(host) {
        Some(Unanswered { sentence, remedy }) => Finding::failed(sentence, remedy.unwrap_or(CUT)),
        None => Finding::failed(
            format!("The name {resolved} has no address here."),
            "See whether this machine has a network, and whether its name server knows the name. Where only a proxy \
             knows it, set `https_proxy`.",
        ),
    }
}

/// The proxy may not answer, or what is behind it; which of them cannot be told.
fn silent(host: &str, route: &Route) -> Option<Finding> {
    let Route::Proxy { origin, .. } = route else { return None };
    let remedy = route.silent(host).and_then(|why| why.remedy).unwrap_or(CUT);
    let evidence = format!(
        "Nothing was heard within {} ms. The way there is by the proxy {origin}.",
        CONNECTION.limit_ms
    );
    Some(Finding::failed(evidence, remedy))
}

fn connection_finding(name: &str, answer: Result<Answered, Unanswered>, route: &Route) -> Finding {
    let Err(Unanswered { sentence, remedy }) = answer else {
        return Finding::good(format!("{name} answers."));
    };
    // Where the proxy is at fault the sentence names it already.
    let finding = match route {
        Route::Proxy { origin, .. } if !sentence.contains(origin.as_str()) => {
            format!("{sentence} The way there is by the proxy {origin}.")
        }
        _ => sentence,
    };
    Finding::failed(finding, remedy.unwrap_or(CUT))
}

/// Where the cause alone does not say it.
const CUT: &str =
    "See whether a firewall holds it back or cuts it; `entra config egress` lists what must be open.";

fn tls_finding(name: &str, address: &Url, shown: Option<&Shown>, is_microsofts: bool) -> Finding {
    if address.scheme() != "https" {
        return Finding::skipped(format!("{name} is on this machine and speaks no TLS."));
    }
    let Some(Shown { issuer, distrust }) = shown else {
        return Finding::skipped("No certificate was shown, since there was no connection.");
    };
    let is_foreign = is_microsofts && !issuer.is_microsofts();
    match distrust {
        Some(Distrust::UnknownIssuer) if is_foreign => Finding::failed(
            format!("TLS is intercepted by {issuer}, which this machine does not trust."),
            "If your organisation inspects traffic, have its root certificate installed in the system's trust or name it in \
             `ca_certificates`; else leave this network.",
        ),
        Some(reason @ (Distrust::Expired | Distrust::NotYetValid)) => Finding::failed(
            format!("The certificate of {name}, issued by {issuer}, is not trusted: {reason}."),
            "See whether this machine's clock is right; if it is, tell whoever runs the host.",
        ),
        Some(reason) => Finding::failed(
            format!("The certificate of {name}, issued by {issuer}, is not trusted: {reason}."),
            "If that is your organisation's own authority, have its root certificate installed in the system's trust or \
             name it in `ca_certificates`; else leave this network.",
        ),
        None if is_foreign => Finding::warning(
            format!("TLS is intercepted by {issuer}, which this machine trusts."),
            "It works, and whoever runs that box sees tokens; ask for an exception for sign-in hosts (Microsoft: \
             \"Microsoft 365 network connectivity principles\").",
        ),
        None => Finding::good(format!("The certificate was issued by {issuer} and is trusted.")),
    }
}

fn clock_finding(heard: &Answered) -> Finding {
    let Some(ahead) = heard.ahead else {
        return Finding::skipped("The answer does not say what time it is there.");
    };
    let by = ahead.unsigned_abs();
    let side = if ahead > 0 { "behind" } else { "ahead" };
    if by < CLOCK_WARNS {
        return Finding::good(format!("This machine's clock is right to within {CLOCK_WARNS} seconds."));
    }
    let evidence = format!("This machine's clock is {by} seconds {side}.");
    let remedy =
        "Have it set by NTP; `timedatectl`, or the system's settings for date and time, show whether it is.";
    if by < CLOCK_FAILS { Finding::warning(evidence, remedy) } else { Finding::failed(evidence, remedy) }
}

/// Seconds: tokens are renewed five minutes early, so nothing suffers yet.
const CLOCK_WARNS: u64 = 60;

/// Seconds: resources allow five minutes of difference (Microsoft: access tokens, `nbf`).
const CLOCK_FAILS: u64 = 300;

/// As many as are read.
const MOST_ADDRESSES: usize = 3;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::entra::network::Place;
    use crate::entra::probe::Issuer;

    fn result(finding: Finding) -> CheckResult {
        TLS.found(None, finding).result
    }

    #[rstest]
    #[case(0, CheckResult::Good)]
    #[case(-59, CheckResult::Good)]
    #[case(60, CheckResult::Warning)]
    #[case(-299, CheckResult::Warning)]
    #[case(300, CheckResult::Failed)]
    #[case(-86_400, CheckResult::Failed)]
    fn a_clock_may_be_a_minute_off(#[case] ahead: i64, #[case] expected: CheckResult) {
        assert_eq!(result(clock_finding(&Answered { status: 200, ahead: Some(ahead) })), expected);
    }

    #[test]
    fn a_clock_that_nobody_tells_is_not_judged() {
        assert_eq!(result(clock_finding(&Answered { status: 200, ahead: None })), CheckResult::Skipped);
    }

    #[rstest]
    #[case("No connection to h.", "No connection to h. The way there is by the proxy http://p:1.")]
    #[case("The proxy http://p:1 cannot reach h.", "The proxy http://p:1 cannot reach h.")]
    fn the_proxy_is_named_where_it_may_be_the_cause(#[case] sentence: &str, #[case] evidence: &str) {
        let (origin, host, place) = ("http://p:1".to_owned(), "p".to_owned(), Place::Variable("HTTPS_PROXY"));
        let route = Route::Proxy { origin, host, port: 1, has_credentials: false, place };
        let why = Unanswered { sentence: sentence.to_owned(), remedy: None };
        let check = CONNECTION.found(None, connection_finding("h", Err(why), &route));
        assert_eq!((check.result, check.evidence.as_str()), (CheckResult::Failed, evidence));
        assert_eq!(check.remedy.as_deref(), Some(CUT));
    }

    #[rstest]
    #[case(None, true, CheckResult::Warning, "TLS is intercepted by ")]
    #[case(None, false, CheckResult::Good, "is trusted.")]
    #[case(Some(Distrust::UnknownIssuer), true, CheckResult::Failed, "TLS is intercepted by ")]
    #[case(Some(Distrust::UnknownIssuer), false, CheckResult::Failed, "does not trust its issuer.")]
    #[case(Some(Distrust::Expired), true, CheckResult::Failed, "it has expired.")]
    #[case(Some(Distrust::OtherName), true, CheckResult::Failed, "it is for another name.")]
    fn a_certificate_is_judged_by_the_verifier_and_told_by_its_issuer(
        #[case] distrust: Option<Distrust>,
        #[case] is_microsofts: bool,
        #[case] result: CheckResult,
        #[case] words: &str,
    ) {
        let shown = Shown { issuer: Issuer::unnamed(), distrust };
        let address: Url = "https://login.microsoftonline.com/".parse().unwrap();
        let check = TLS.found(None, tls_finding("h", &address, Some(&shown), is_microsofts));
        assert!(check.result == result && check.evidence.contains(words), "{check:?}");
        assert_eq!(check.remedy.is_some(), result > CheckResult::Skipped);
    }

    #[test]
    fn no_certificate_is_judged_that_nobody_showed() {
        let judge = |address: &str| tls_finding("h", &address.parse().unwrap(), None, true);
        assert_eq!(result(judge("https://login.microsoftonline.com/")), CheckResult::Skipped);
        assert_eq!(result(judge("http://127.0.0.1:1/")), CheckResult::Skipped);
    }
}

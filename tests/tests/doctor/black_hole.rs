//! Nothing answers, and the doctor ends all the same.

use std::time::Duration;

use entra_tests::{Relay, Weather};

use crate::ward::{Report, Ward};

/// What was promised.
const WHOLE: Duration = Duration::from_secs(10);

fn hole(ward: &Ward, proxy: bool) -> Relay {
    let far = ward.env.sim().origin().split_once("://").unwrap().1.parse().unwrap();
    let relay = if proxy { Relay::proxy_to(far) } else { Relay::to(far) };
    relay.set(Weather::Swallows);
    relay
}

fn ends_in_time(report: &Report) {
    assert!(report.took < WHOLE, "{:?}", report.took);
    let check = report.of("network.connection").next().unwrap();
    assert_eq!(check["result"], "failed", "{report:#?}");
    let evidence = format!("Nothing was heard within {} ms.", check["limit_ms"]);
    assert!(check["evidence"].as_str().unwrap().starts_with(&evidence), "{report:#?}");
    assert!(report.checks.iter().all(|check| check["took_ms"].as_u64() <= check["limit_ms"].as_u64()));
}

#[test]
fn with_a_daemon() {
    let ward = Ward::new();
    let relay = hole(&ward, false);
    let authority = format!("http://{}", relay.address());
    let _daemon = ward.start_at(&authority, &[]);
    let report = ward.report(&["--foundry", &authority], &[]);
    ends_in_time(&report);
    assert_eq!(report.of("network.connection").count(), 1 + 1, "the resource as well");
}

#[test]
fn without_a_daemon() {
    let ward = Ward::new();
    let relay = hole(&ward, false);
    let authority = format!("http://{}", relay.address());
    ward.configure(&authority, "");
    let report = ward.report(&["--foundry", &authority], &[]);
    ends_in_time(&report);
    assert_eq!(report.status, 7);
}

#[test]
fn behind_a_proxy_that_swallows_everything() {
    let ward = Ward::new();
    let relay = hole(&ward, true);
    let proxy = format!("http://{}", relay.address());
    let more = [("HTTPS_PROXY", proxy.as_str()), ("NO_PROXY", "127.0.0.1,localhost")];
    let report = ward.report(&["--foundry", "acme"], &more);
    ends_in_time(&report);
    assert_eq!(report.of("network.connection").count(), 2, "{report:#?}");
}

//! What the daemon counts while people and tools use it, as status, text and command show it.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::collections::BTreeMap;

use entra_sim::{Action, Fault, Leg};
use entra_tests::loopback::Lease;
use entra_tests::{Daemon, Env, PERSON, programs, raw};
use serde_json::json;

fn signed_in() -> (Env, Daemon) {
    let env = Env::new(programs!());
    let daemon = env.start_in_memory(&[]);
    env.sign_in();
    (env, daemon)
}

/// Every sample of the text.
fn samples(env: &Env) -> BTreeMap<String, f64> {
    let ran = env.entra(&["metrics"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert!(ran.stdout.ends_with("\n# EOF\n"), "{}", ran.stdout);
    let lines = ran.stdout.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

#[test]
fn what_is_done_is_counted_once() {
    let (env, _daemon) = signed_in();
    for _ in 0..3 {
        env.token(&["--for", "foundry"]);
    }
    env.sim()
        .control()
        .script(Fault::on(Leg::Refresh).times(2).act(Action::Html { status: 502, body: None }));
    let refused = raw::post(&env.socket(), "/v1/token", &json!({"resource": "arm"}));
    assert_eq!(refused.status, 503, "{refused:?}");
    let bad = raw::post(&env.socket(), "/v1/token", &json!({}));
    assert_eq!(bad.status, 400, "{bad:?}");
    let samples = samples(&env);
    for (name, value) in [
        ("entrad_token_requests_total{result=\"cache\"}", 2.0),
        ("entrad_token_requests_total{result=\"refresh\"}", 1.0),
        ("entrad_token_requests_total{result=\"refused\"}", 2.0),
        ("entrad_token_requests_total{result=\"abandoned\"}", 0.0),
        ("entrad_refusals_total{code=\"bad_request\"}", 1.0),
        ("entrad_refusals_total{code=\"unavailable\"}", 1.0),
        ("entrad_refreshes_total{outcome=\"refreshed\"}", 1.0),
        ("entrad_refreshes_total{outcome=\"retry_after\"}", 1.0),
        ("entrad_token_from_cache_duration_seconds_count", 2.0),
        ("entrad_token_by_refresh_duration_seconds_count", 1.0),
        ("entrad_sign_ins_started_total", 1.0),
        ("entrad_sign_ins_ended_total{result=\"signed_in\"}", 1.0),
        ("entrad_accounts{health=\"good\"}", 1.0),
        ("entrad_accounts{health=\"sign_in_needed\"}", 0.0),
        // Whoever reads is connected.
        ("entrad_connections{listener=\"socket\"}", 1.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name} in {samples:#?}");
    }
    assert!((samples["entrad_cache_share"] - 2.0 / 3.0).abs() < 1e-9);
    assert!(samples["entrad_entra_duration_seconds_count"] >= 4.0, "the sign-in's requests are among them");
    let metrics = &env.status_where(|_| true)["metrics"];
    let expected = json!({
        "requests": 5, "from_cache": 2, "by_refresh": 1, "refused": 2,
        "refreshed": 1, "refreshes_failed": 1, "prompts": 0, "sign_ins": 1,
    });
    assert_eq!(metrics, &expected);
    let line = "Since the start: 5 token requests, 66 % of the tokens from memory; 2 refreshes, 1 failed\n";
    assert!(env.entra(&["status"]).stdout.contains(line));
}

#[test]
fn a_dead_refresh_token_and_a_lease_are_counted() {
    let (env, _daemon) = signed_in();
    let lease = Lease::make(&env.socket(), "tool", &["foundry"]);
    assert_eq!(lease.identity("https://ai.azure.com").status, 200);
    assert_eq!(lease.azd(&json!({"scopes": ["https://vault.azure.net/.default"]})).status, 200);
    let revoked = env.entra(&["lease", "revoke", &lease.id]);
    assert_eq!(revoked.status, 0, "{revoked:?}");
    env.sim().control().revoke_user(PERSON);
    let refused = raw::post(&env.socket(), "/v1/token", &json!({"resource": "graph", "force_refresh": true}));
    assert_eq!(refused.status, 401, "{refused:?}");
    let samples = samples(&env);
    for (name, value) in [
        ("entrad_leases_made_total", 1.0),
        ("entrad_leases_ended_total", 1.0),
        ("entrad_dialect_requests_total{dialect=\"azd\"}", 1.0),
        ("entrad_dialect_requests_total{dialect=\"managed_identity\"}", 1.0),
        // The lease is not for what azd asked for.
        ("entrad_refusals_total{code=\"refused\"}", 1.0),
        ("entrad_refreshes_total{outcome=\"dead\"}", 1.0),
        ("entrad_accounts{health=\"sign_in_needed\"}", 1.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name} in {samples:#?}");
    }
}

#[test]
fn the_text_is_announced_as_what_it_is() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let answer = raw::get(&env.socket(), "/v1/metrics");
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    assert!(answer.status == 200 && answer.head.contains(kind), "{answer:?}");
}

//! What Entra refuses and what the network breaks: nothing valid is withheld, nothing living is dropped,
//! nobody is asked twice in vain, and each class of failure ends with its own exit status.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::time::{Duration, Instant};

use entra_sim::{ADA, Action, Fault, Leg};
use entra_tests::{Daemon, Env, programs, raw};
use serde_json::{Value, json};

/// A token's life in seconds, and what a caller wants of it: from its second second on it asks Entra for a newer one.
const LIFE: u64 = 1_000;
const WANTED: u64 = 999;

fn signed_in() -> (Env, Daemon) {
    let env = Env::new(programs!());
    let daemon = env.start_in_memory(&[]);
    env.sign_in();
    (env, daemon)
}

fn refreshes(env: &Env) -> usize {
    env.sim().control().requests_on(Leg::Refresh).len()
}

fn refused(env: &Env, resource: &str) -> Value {
    let answer = raw::post(&env.socket(), "/v1/token", &json!({"resource": resource}));
    assert_ne!(answer.status, 200, "{resource}");
    answer.body
}

/// From now on tokens live this long.
fn live(env: &Env, seconds: u64) {
    env.sim().control().set_rules(|rules| rules.access_token_life = Some(Duration::from_secs(seconds)));
}

fn outages() -> [Fault; 5] {
    let on = || Fault::on(Leg::Refresh).times(2);
    [
        on().status(503),
        on().act(Action::Html { status: 200, body: None }),
        on().reset(),
        on().act(Action::HalfBody),
        on().act(Action::Hang),
    ]
}

#[test]
fn a_valid_token_is_served_through_every_outage() {
    let (env, _daemon) = signed_in();
    let begun = Instant::now();
    let control = env.sim().control();
    control.set_rules(|rules| rules.hang_limit = Duration::from_secs(1));
    live(&env, LIFE);
    for (outage, resource) in outages().into_iter().zip(["arm", "foundry", "storage", "sql", "batch"]) {
        let first = env.token(&["--for", resource]);
        assert_eq!(first["source"], "refresh");
        let before = refreshes(&env);
        control.script(outage.clone());
        while refreshes(&env) == before {
            let second = env.token(&["--for", resource, "--min-validity", &WANTED.to_string()]);
            assert_eq!(
                (&second["source"], &second["access_token"]),
                (&json!("cache"), &first["access_token"]),
                "{outage:?}"
            );
            assert!(begun.elapsed() < Duration::from_secs(60), "Entra is not asked: {outage:?}");
        }
        control.clear_faults();
        // Held back now: served at once, without another request.
        let asked = refreshes(&env);
        let wanted = json!({"resource": resource, "min_validity": WANTED});
        let held = raw::post(&env.socket(), "/v1/token", &wanted).body;
        assert_eq!((&held["source"], refreshes(&env)), (&json!("cache"), asked), "{outage:?}");
    }
    assert_eq!(env.entra(&["accounts"]).stdout.matches("good").count(), 1);
}

#[test]
fn an_expired_token_is_not_served_and_nobody_is_signed_out() {
    let (env, _daemon) = signed_in();
    live(&env, 2);
    env.token(&["--for", "foundry"]);
    let is_over = |status: &Value| {
        let tokens = status["accounts"][0]["tokens"].as_array().unwrap();
        let foundry = tokens.iter().find(|token| token["scopes"][0] == "https://ai.azure.com/.default");
        foundry.is_some_and(|token| token["expires_on"].is_null())
    };
    env.sim().control().script(Fault::on(Leg::Refresh).times(99).status(503));
    let _status = env.status_where(is_over);
    let ran = env.entra(&["token", "--for", "foundry"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (6, ""), "{ran:?}");
    assert!(ran.stderr.contains("Try again in "), "{ran:?}");
    let error = refused(&env, "foundry");
    assert_eq!(error["code"], "unavailable", "{error}");
    assert!((1..=60).contains(&error["retry_after"].as_u64().unwrap()), "{error}");
    let status = raw::get(&env.socket(), "/v1/status").body;
    assert_eq!(status["accounts"][0]["account"]["health"]["state"], "good");
    env.sim().control().clear_faults();
    assert_eq!(env.token(&["--for", "arm"])["source"], "refresh", "the refresh token lives");
}

#[test]
fn a_throttle_holds_back_the_whole_client_at_once() {
    let (env, _daemon) = signed_in();
    env.sim().control().script(Fault::on(Leg::Refresh).throttle(30));
    let first = env.entra(&["token", "--for", "foundry"]);
    assert_eq!(first.status, 6, "{first:?}");
    let started = Instant::now();
    let other = refused(&env, "arm");
    assert!(started.elapsed() < Duration::from_secs(10), "at once");
    assert_eq!(other["code"], "throttled", "{other}");
    assert!((25..=30).contains(&other["retry_after"].as_u64().unwrap()), "{other}");
    assert_eq!(refreshes(&env), 1);
    assert_eq!(env.token(&["--for", "graph"])["source"], "cache", "what is held is served");
}

#[test]
fn a_resource_that_needs_a_person_leaves_the_others_alone() {
    let (env, _daemon) = signed_in();
    let claims = r#"{"access_token":{"capolids":{"essential":true,"values":["c1"]}}}"#;
    let fault =
        Fault::on(Leg::Refresh).refuse_with("invalid_grant", 50076, Some("basic_action"), Some(claims));
    env.sim().control().script(fault);
    let error = refused(&env, "foundry");
    assert_eq!((&error["code"], &error["aadsts"]), (&json!("sign_in_needed"), &json!(50076)), "{error}");
    assert_eq!(error["suberror"], "basic_action");
    for id in ["correlation_id", "trace_id", "claims_handle"] {
        assert!(error[id].as_str().is_some_and(|id| id.len() == 36), "{id}: {error}");
    }
    // Remembered: the second caller is told the same without a request.
    let again = env.entra(&["token", "--for", "foundry"]);
    assert_eq!(again.status, 3, "{again:?}");
    assert!(again.stderr.contains("AADSTS50076") && again.stderr.contains("entra login"), "{again:?}");
    assert_eq!(refreshes(&env), 1);
    assert_eq!(env.token(&["--for", "arm"])["source"], "refresh");
    // The handle carries the challenge into the sign-in, and the sign-in mends the resource.
    env.sign_in_as(ADA, &["--claims-handle", error["claims_handle"].as_str().unwrap()]);
    let asked = env.sim().control().requests_on(Leg::Devicecode);
    assert_eq!(asked.last().unwrap().form["claims"], claims);
    assert_eq!(env.token(&["--for", "foundry"])["source"], "refresh");
    let unknown = env.entra(&["login", "--claims-handle", "11111111-2222-3333-4444-555555555555"]);
    assert_eq!(unknown.status, 2, "{unknown:?}");
}

#[test]
fn a_dead_refresh_token_goes_to_quarantine() {
    let (env, _daemon) = signed_in();
    let held = env.token(&["--for", "foundry"]);
    env.sim().control().script(Fault::on(Leg::Refresh).refuse_with(
        "invalid_grant",
        0,
        Some("bad_token"),
        None,
    ));
    let ran = env.entra(&["token", "--for", "arm"]);
    assert_eq!(ran.status, 3, "{ran:?}");
    let status = env.entra(&["status"]);
    assert!(status.stdout.contains("ada@example.com: sign-in needed"), "{status:?}");
    let asked = refreshes(&env);
    assert_eq!(env.entra(&["token", "--for", "storage"]).status, 3, "the account is, not the resource");
    let still = env.token(&["--for", "foundry"]);
    assert_eq!((&still["source"], &still["access_token"]), (&json!("cache"), &held["access_token"]));
    assert_eq!(refreshes(&env), asked, "a dead token is not sent again");
    env.sign_in();
    assert_eq!(env.token(&["--for", "arm"])["source"], "refresh");
    assert!(env.entra(&["status"]).stdout.contains("ada@example.com: good"));
}

#[test]
fn one_hiccup_is_not_noticed() {
    let (env, _daemon) = signed_in();
    env.sim().control().script(Fault::on(Leg::Refresh).status(500));
    assert_eq!(env.token(&["--for", "foundry"])["source"], "refresh");
    let asked = env.sim().control().requests_on(Leg::Refresh);
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].headers["client-request-id"], asked[1].headers["client-request-id"]);
}

#[test]
fn invariant_4_a_token_with_a_little_life_is_served_while_entra_is_silent() {
    let (env, _daemon) = signed_in();
    live(&env, LIFE);
    let held = env.token(&["--for", "sql"]);
    env.sim().control().script(Fault::on(Leg::Refresh).act(Action::Hang).times(2));
    let (begun, before) = (Instant::now(), refreshes(&env));
    while refreshes(&env) == before {
        let asked = Instant::now();
        let served = env.token(&["--for", "sql", "--min-validity", &WANTED.to_string()]);
        assert_eq!((&served["source"], &served["access_token"]), (&json!("cache"), &held["access_token"]));
        // The request itself would give up after thirty seconds, twice.
        assert!(asked.elapsed() < Duration::from_secs(25), "{:?}", asked.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(60), "Entra is not asked");
    }
}

#[test]
fn each_class_of_refusal_has_its_exit_status() {
    let (env, _daemon) = signed_in();
    let refusal =
        |error: &str, code, suberror| Fault::on(Leg::Refresh).refuse_with(error, code, suberror, None);
    for (fault, resource, code, status) in [
        (refusal("invalid_grant", 53003, Some("message_only")), "arm", "ask_admin", 5),
        (refusal("invalid_scope", 70011, None), "sql", "misconfigured", 5),
        (refusal("invalid_client", 7_000_218, None), "batch", "misconfigured", 5),
        (refusal("invalid_grant", 65001, Some("consent_required")), "storage", "sign_in_needed", 3),
        (refusal("interaction_required", 50079, None), "cosmos", "sign_in_needed", 3),
        (refusal("temporarily_unavailable", 90033, None), "search", "unavailable", 6),
        (refusal("invalid_grant", 50196, None), "monitor", "throttled", 6),
        (refusal("from_the_future", 999_999_999, None), "hsm", "misconfigured", 5),
    ] {
        env.sim().control().clear_faults();
        env.sim().control().script(fault);
        let ran = env.entra(&["token", "--for", resource]);
        assert_eq!((ran.status, ran.stdout.as_str()), (status, ""), "{code}: {ran:?}");
        assert!(ran.stderr.starts_with("Error: ") && ran.stderr.contains("Hint: "), "{code}: {ran:?}");
        assert_eq!(refused(&env, resource)["code"], code);
    }
    assert_eq!(env.token(&["--for", "foundry"])["source"], "refresh", "the refresh token outlived them all");
}

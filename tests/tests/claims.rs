//! Claims challenges, forced refreshes and times, from the tool to the wire and back.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use entra_sim::{ADA, Action, Fault, Leg};
use entra_tests::{Daemon, Env, programs, raw};
use serde_json::{Value, json};

const CALLERS: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"c25"}}}"#;
const ENTRAS: &str = r#"{"access_token":{"capolids":{"essential":true,"values":["c1"]}}}"#;

fn signed_in() -> (Env, Daemon) {
    let env = Env::new(programs!());
    let daemon = env.start_in_memory(&[]);
    env.sign_in();
    (env, daemon)
}

fn ask(env: &Env, body: &Value) -> raw::RawAnswer {
    raw::post(&env.socket(), "/v1/token", body)
}

/// What Entra was asked to meet, request by request.
fn asked_claims(env: &Env, leg: Leg) -> Vec<Value> {
    let requests = env.sim().control().requests_on(leg);
    let claims = |claims: &String| serde_json::from_str(claims).unwrap();
    requests.iter().map(|request| request.form.get("claims").map_or(Value::Null, claims)).collect()
}

fn refuse(env: &Env, claims: Option<&str>) {
    let fault =
        Fault::on(Leg::Refresh).refuse_with("interaction_required", 50076, Some("basic_action"), claims);
    env.sim().control().script(fault);
}

#[test]
fn a_challenge_that_needs_a_person_goes_with_its_handle_into_every_leg_of_the_sign_in() {
    let (env, _daemon) = signed_in();
    refuse(&env, None);
    let request = json!({"resource": "graph", "claims": CALLERS});
    let error = ask(&env, &request).body;
    assert_eq!(error["code"], "sign_in_needed", "{error}");
    let handle = error["claims_handle"].as_str().unwrap();
    // Remembered for this challenge: the second tool is told the same, with the same handle, without a request.
    assert_eq!(ask(&env, &request).body["claims_handle"], handle);
    assert_eq!(asked_claims(&env, Leg::Refresh).len(), 1);
    let polls = asked_claims(&env, Leg::Poll).len();
    env.sign_in_as(ADA, &["--claims-handle", handle]);
    let challenge: Value = serde_json::from_str(CALLERS).unwrap();
    assert_eq!(asked_claims(&env, Leg::Devicecode), [Value::Null, challenge.clone()]);
    let polled = asked_claims(&env, Leg::Poll).split_off(polls);
    assert!(!polled.is_empty() && polled.iter().all(|claims| *claims == challenge), "{polled:?}");
    // The sign-in ends the refusal, and the challenge is met by a request that carries it.
    assert_eq!(ask(&env, &request).body["source"], "refresh");
    assert_eq!(asked_claims(&env, Leg::Refresh).last(), Some(&challenge));
    // It is not carried any further: an ordinary token is asked for without it.
    env.token(&["--for", "arm"]);
    assert_eq!(asked_claims(&env, Leg::Refresh).last(), Some(&Value::Null));
}

#[test]
fn entras_own_challenge_goes_before_the_callers() {
    let (env, _daemon) = signed_in();
    refuse(&env, Some(ENTRAS));
    let error = ask(&env, &json!({"resource": "graph", "claims": CALLERS})).body;
    let handle = error["claims_handle"].as_str().unwrap();
    env.sign_in_as(ADA, &["--claims-handle", handle]);
    let challenge: Value = serde_json::from_str(ENTRAS).unwrap();
    assert_eq!(asked_claims(&env, Leg::Devicecode).last(), Some(&challenge));
}

#[test]
fn a_challenge_with_cae_replaces_the_revocable_token_alone() {
    let (env, _daemon) = signed_in();
    let plain = env.token(&["--for", "graph"]);
    let revoked = env.token(&["--for", "graph", "--cae"]);
    let answer = env.token(&["--for", "graph", "--cae", "--claims", CALLERS]);
    assert_ne!(answer["access_token"], revoked["access_token"]);
    assert_eq!(env.token(&["--for", "graph", "--cae"])["access_token"], answer["access_token"]);
    assert_eq!(env.token(&["--for", "graph"])["access_token"], plain["access_token"]);
    let asked = asked_claims(&env, Leg::Refresh);
    let cp1 = json!({"values": ["cp1"]});
    assert_eq!(asked[0], json!({"access_token": {"xms_cc": cp1}}));
    let merged = json!({"access_token": {"acrs": {"essential": true, "value": "c25"}, "xms_cc": cp1}});
    assert_eq!(asked[1], merged);
}

#[test]
fn a_tool_that_repeats_one_challenge_is_paused_before_entra_would_and_the_others_are_served() {
    let (env, _daemon) = signed_in();
    let request = json!({"resource": "graph", "claims": CALLERS});
    let answers: Vec<_> = (0..20).map(|_| ask(&env, &request)).collect();
    let last = &answers.last().unwrap().body;
    assert_eq!(last["code"], "sign_in_needed", "{last}");
    assert!(last["message"].as_str().unwrap().contains("keeps refusing the tokens"), "{last}");
    let handle = last["claims_handle"].as_str().unwrap();
    assert!(
        last["hint"].as_str().unwrap().contains(&format!("entra login --claims-handle {handle}")),
        "{last}"
    );
    assert!((240..=300).contains(&last["retry_after"].as_u64().unwrap()), "{last}");
    let sent = asked_claims(&env, Leg::Refresh).len();
    // Entra itself pauses a client at 15 equal requests in five minutes.
    assert_eq!(sent, 3);
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), sent);
    assert_eq!(env.token(&["--for", "graph"])["source"], "cache");
    assert_eq!(env.token(&["--for", "arm"])["source"], "refresh");
}

#[test]
fn a_result_that_began_before_a_forced_refresh_is_never_published() {
    let (env, _daemon) = signed_in();
    env.sim().control().script(Fault::on(Leg::Refresh).delay(Duration::from_secs(2)));
    let send = |body: Value| {
        let mut stream = raw::connect(&env.socket());
        stream.write_all(&raw::request("POST", "/v1/token", &[], &body.to_string())).unwrap();
        stream
    };
    let read = |mut stream: raw::Connection| {
        let answer = raw::read_answer(&mut stream);
        assert_eq!((answer.status, &answer.body["source"]), (200, &json!("refresh")), "{answer:?}");
        answer.body["access_token"].clone()
    };
    let early = send(json!({"resource": "foundry"}));
    env.sim().control().wait_for_arrival_blocking(Leg::Refresh, 1).unwrap();
    // Its token was refused just now, so what is under way may be what was refused.
    let forced = send(json!({"resource": "foundry", "force_refresh": true}));
    let forced_too = send(json!({"resource": "foundry", "force_refresh": true}));
    assert_eq!(raw::get(&env.socket(), "/v1/status").status, 200);
    let late = send(json!({"resource": "foundry"}));
    let [early, forced, forced_too, late] = [early, forced, forced_too, late].map(read);
    assert_ne!(early, forced);
    assert_eq!((&forced_too, &late), (&forced, &forced));
    assert_eq!(env.token(&["--for", "foundry"])["access_token"], forced, "the newer one is the one held");
    assert_eq!(env.sim().control().requests_on(Leg::Refresh).len(), 2);
}

#[test]
fn expires_on_is_true_to_the_wire() {
    let (env, _daemon) = signed_in();
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let control = env.sim().control();
    for (life, resource, as_text) in
        [(3_599_u64, "arm", false), (5_302, "foundry", true), (86_399, "sql", false)]
    {
        let mut fault = Fault::on(Leg::Refresh).with("expires_in", life);
        if as_text {
            // As the v1 endpoints and some proxies write numbers.
            fault = fault.act(Action::NumbersAsStrings);
        }
        control.script(fault);
        let before = now();
        let first = env.token(&["--for", resource]);
        let expires_on = first["expires_on"].as_u64().unwrap();
        assert!((before + life..=now() + life).contains(&expires_on), "{first}");
        let due = first["refresh_due_on"].as_u64().unwrap();
        assert!(before < due && due < expires_on, "{first}");
        let second = env.token(&["--for", resource]);
        assert_eq!((&second["source"], &second["expires_on"]), (&json!("cache"), &first["expires_on"]));
        let env_output = env.entra(&["token", "--for", resource, "--output", "env"]);
        assert!(env_output.stdout.contains(&format!("ENTRA_TOKEN_EXPIRES_ON='{expires_on}'")));
    }
}

//! Sign-ins that do not come to a good end: refused before they begin, by Entra, by the person, by time, or
//! because somebody else came. Each ends with the exit status of the table, one sentence and what to do.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::net::TcpListener;
use std::time::Duration;

use entra_sim::{ADA, BOB, CodeStatus, DEFAULT_CLIENT, Fault, Leg};
use entra_tests::{Env, browser, programs, raw, run};
use serde_json::{Value, json};

fn accounts(env: &Env) -> usize {
    raw::get(&env.socket(), "/v1/accounts").body["accounts"].as_array().unwrap().len()
}

/// How many polls the sim saw of the sign-in's own device code, the `n`th that was given out.
fn polls_of(env: &Env, n: usize) -> usize {
    let correlation = &env.sim().control().requests_on(Leg::Devicecode)[n].headers["client-request-id"];
    let polls = env.sim().control().requests_on(Leg::Poll);
    polls.iter().filter(|poll| poll.headers["client-request-id"] == *correlation).count()
}

/// Signs in with these options, has the code decided, and returns the error and the exit status.
fn failed(env: &Env, more: &[&str], decide: impl FnOnce(&str)) -> (Value, i32) {
    let login = env.login(more);
    decide(&env.sim().control().next_user_code_blocking().unwrap());
    let (last, ran) = login.end();
    assert_eq!(last["event"], "failed", "{last} {ran:?}");
    (last["error"].clone(), ran.status)
}

#[test]
fn a_declined_code_cancels() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let (error, status) = failed(&env, &[], |code| env.sim().control().decline(code).unwrap());
    assert_eq!((&error["code"], status), (&json!("sign_in_cancelled"), 8), "{error}");
    assert_eq!(accounts(&env), 0);
}

#[test]
fn an_expired_code_is_not_renewed() {
    let env = Env::new(programs!());
    env.sim().control().set_rules(|rules| rules.device_code_life = Duration::from_secs(2));
    let _daemon = env.start_in_memory(&[]);
    let (error, status) = failed(&env, &[], |_| {});
    assert_eq!((&error["code"], status), (&json!("sign_in_expired"), 3), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("`entra login`"), "{error}");
    assert_eq!(env.sim().control().requests_on(Leg::Devicecode).len(), 1, "no automatic restart");
}

#[test]
fn an_unknown_client_is_misconfigured() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let ran = env.entra(&["login", "--client-id", "12345678-0000-0000-0000-000000000000"]);
    assert_eq!(ran.status, 5, "{ran:?}");
    assert!(ran.stderr.contains("AADSTS700016") && ran.stderr.contains("Hint: "), "{ran:?}");
    assert!(ran.stderr.contains("12345678-0000-0000-0000-000000000000"), "{ran:?}");
}

/// It may come at once, or only when the person has approved.
#[test]
fn a_registration_without_public_flows_names_the_switch() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    env.sim().control().script(Fault::on(Leg::Devicecode).refuse("invalid_client", 7_000_218));
    let (last, at_once) = env.login(&[]).end();
    env.sim().control().set_rules(|rules| rules.allow_public_client = false);
    let (later, status) = failed(&env, &[], |code| env.sim().control().approve(code, ADA).unwrap());
    assert_eq!((at_once.status, status), (5, 5));
    for error in [&last["error"], &later] {
        assert_eq!(
            (&error["aadsts"], &error["code"]),
            (&json!(7_000_218), &json!("misconfigured")),
            "{error}"
        );
        let hint = error["hint"].as_str().unwrap();
        let path = format!("App registrations > All applications > {DEFAULT_CLIENT} > Authentication");
        assert!(hint.contains(&path) && hint.contains("set Allow public client flows"), "{hint}");
        assert!(hint.contains("https://entra.microsoft.com") && hint.contains("`entra login`"), "{hint}");
    }
    // Where a browser comes back to tells Entra that the client is a public one.
    let login = env.login(&["--browser"]);
    let page = login.event_where(|event| event["event"] == "authorization");
    assert_eq!(browser::visit(&env, &page, ADA).status, 200);
    assert_eq!(login.end().0["event"], "signed_in");
}

#[test]
fn the_wrong_account_is_refused_and_its_tokens_dropped() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let approve = |code: &str| env.sim().control().approve(code, ADA).unwrap();
    let (error, status) = failed(&env, &["--account", BOB], approve);
    assert_eq!((&error["code"], status), (&json!("account_mismatch"), 4), "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(ADA) && message.contains(BOB), "{message}");
    assert_eq!(accounts(&env), 0);
    assert_eq!(env.entra(&["token", "--for", "graph"]).status, 3);
    assert!(env.sim().control().requests_on(Leg::Refresh).is_empty());
}

#[test]
fn without_an_app_registration_the_person_is_told_how_to_get_one() {
    let env = Env::new(programs!());
    let mut command = env.bare_daemon_command();
    command.args(["--store=memory", "--authority", env.sim().origin()]);
    let _daemon = env.launch(command);
    let ran = env.entra(&["login"]);
    assert_eq!(ran.status, 5, "{ran:?}");
    for words in
        ["No app registration is configured for the profile `default`.", "--client-id", "--dev-client"]
    {
        assert!(ran.stderr.contains(words), "{words}: {ran:?}");
    }
    assert!(env.sim().control().requests().is_empty());
}

#[test]
fn the_authentication_broker_is_never_used() {
    let env = Env::new(programs!());
    let broker = "29d9ed98-a469-4536-ade2-f981bc1d605e";
    let daemon = env.start_in_memory(&[]);
    let ran = env.entra(&["login", "--client-id", broker]);
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.stderr.contains("authentication broker"), "{ran:?}");
    assert!(env.sim().control().requests().is_empty());
    daemon.stop();
    let mut command = env.bare_daemon_command();
    command.args(["--store=memory", "--client-id", broker]);
    let ran = run(command);
    assert_eq!(ran.status, 5, "{ran:?}");
    assert!(ran.stderr.contains("--client-id") && ran.stderr.contains("authentication broker"), "{ran:?}");
}

#[test]
fn no_caller_chooses_an_authority() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    for path in ["/v1/sign-ins", "/v1/token"] {
        let body = json!({"authority": "https://evil.example"});
        let answer = raw::post(&env.socket(), path, &body);
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!("bad_request")), "{answer:?}");
        assert!(answer.body["message"].as_str().unwrap().contains("authority"), "{answer:?}");
    }
    // Neither do a tenant's characters lead to another path or host.
    for tenant in ["../evil", "a/b", "evil.example/..", "a?b", "a#b", "a@b", "..", "a\\b", ""] {
        let answer = raw::post(&env.socket(), "/v1/sign-ins", &json!({"tenant": tenant}));
        assert_eq!(answer.status, 400, "{tenant}: {answer:?}");
    }
    assert!(env.sim().control().requests().is_empty());
}

#[test]
fn a_users_file_may_name_an_authority_on_loopback_only() {
    let env = Env::new(programs!());
    for authority in ["https://evil.example", "http://192.0.2.1", "http://127.0.0.1.evil.example"] {
        env.configure(&format!("# mine\n\nauthority = \"{authority}\"\n"));
        let mut command = env.bare_daemon_command();
        command.arg("--store=memory");
        if cfg!(windows) {
            // There the tests name the file, and one that somebody named is not left out.
            let ran = run(command);
            assert_eq!(ran.status, 5, "{ran:?}");
            assert!(ran.stderr.contains("config.toml:3") && ran.stderr.contains(authority), "{ran:?}");
            continue;
        }
        let daemon = env.launch(command);
        // The whole file is left out, and that is said with its place.
        let status = raw::get(&env.socket(), "/v1/status").body;
        let warnings = status["warnings"].to_string();
        assert!(warnings.contains("config.toml:3") && warnings.contains(authority), "{warnings}");
        let shown = env.entra(&["config", "explain", "authority", "--json"]);
        assert!(shown.status == 0 && !shown.stdout.contains(authority), "{shown:?}");
        assert_eq!(daemon.stop(), 0);
    }
}

/// Nobody listens where the proxy is said to be, which is as good as no network.
#[test]
fn no_network_is_said_to_be_that() {
    let env = Env::new(programs!());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = env.bare_daemon_command();
    command.args(["--store=memory", "--client-id", DEFAULT_CLIENT]);
    command.env("HTTPS_PROXY", format!("http://{closed}"));
    let _daemon = env.launch(command);
    let ran = env.entra(&["login"]);
    assert_eq!(ran.status, 6, "{ran:?}");
    let sentence = format!("The proxy http://{closed}, which HTTPS_PROXY names, does not answer.");
    assert!(ran.stderr.contains(&sentence) && ran.stderr.contains("Hint: "), "{ran:?}");
    assert!(!ran.stderr.to_lowercase().contains("signed out"), "{ran:?}");
    assert_eq!(accounts(&env), 0);
}

#[test]
fn a_cancelled_sign_in_polls_no_more() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let id = raw::post(&env.socket(), "/v1/sign-ins", &json!({})).body["id"].as_str().unwrap().to_owned();
    env.sim().control().wait_for_requests_blocking(Leg::Poll, 1).unwrap();
    let cancelled =
        raw::exchange(&env.socket(), &raw::request("DELETE", &format!("/v1/sign-ins/{id}"), &[], ""));
    assert_eq!((cancelled.status, &cancelled.body), (200, &json!({})));
    let polls = polls_of(&env, 0);
    let end = raw::get(&env.socket(), &format!("/v1/sign-ins/{id}/events")).body;
    assert_eq!(end["error"]["code"], "sign_in_cancelled", "{end}");
    is_over(&env, polls);
}

#[test]
fn an_interrupted_client_cancels_its_sign_in() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let login = env.login(&[]);
    let _waiting = login.event_where(|event| event["event"] == "waiting");
    login.interrupt();
    let (last, ran) = login.end();
    assert_eq!((&last["error"]["code"], ran.status), (&json!("sign_in_cancelled"), 8), "{last} {ran:?}");
    is_over(&env, polls_of(&env, 0));
}

/// Nobody asks for the first code any more, of which there were so many polls.
fn is_over(env: &Env, polls: usize) {
    assert_eq!(raw::get(&env.socket(), "/v1/status").body["open_sign_ins"], 0);
    env.sim().control().next_user_code_blocking().unwrap();
    // A whole sign-in takes longer than one interval.
    env.sign_in();
    assert_eq!(polls_of(env, 0), polls);
    let codes: Vec<_> = env.sim().control().codes().iter().map(|code| code.status).collect();
    assert_eq!(codes, [CodeStatus::Pending, CodeStatus::Redeemed]);
}

#[test]
fn one_sign_in_a_profile_and_three_in_all() {
    let env = Env::new(programs!());
    let profile = |n| {
        let origin = env.sim().origin();
        format!("[profile.p{n}]\nauthority = \"{origin}\"\nclient_id = \"{DEFAULT_CLIENT}\"\n")
    };
    env.configure(&(1..=4).map(profile).collect::<String>());
    let _daemon = env.start_in_memory(&[]);
    let start = |n: u32| raw::post(&env.socket(), "/v1/sign-ins", &json!({"profile": format!("p{n}")}));
    let first = start(1).body["id"].as_str().unwrap().to_owned();
    assert_eq!((start(2).status, start(3).status), (200, 200));
    let fourth = env.entra(&["login", "--profile", "p4"]);
    assert_eq!(fourth.status, 6, "{fourth:?}");
    assert!(fourth.stderr.contains("3 sign-ins are open already."), "{fourth:?}");
    assert_eq!(start(4).body["code"], "busy");
    // The second of a profile takes the place of the first.
    assert_eq!(start(1).status, 200);
    let end = raw::get(&env.socket(), &format!("/v1/sign-ins/{first}/events")).body;
    assert_eq!(end["error"]["code"], "sign_in_cancelled", "{end}");
    assert_eq!(raw::get(&env.socket(), "/v1/status").body["open_sign_ins"], 3);
}

#[test]
fn an_answer_without_a_refresh_token_signs_nobody_in() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let control = env.sim().control();
    control.script(Fault::on(Leg::Poll).after(1).without(["refresh_token"]));
    let login = env.login(&[]);
    let code = control.next_user_code_blocking().unwrap();
    let _waiting = login.event_where(|event| event["event"] == "waiting");
    control.approve(&code, ADA).unwrap();
    let (last, ran) = login.end();
    assert_eq!(ran.status, 5, "{last}");
    assert!(last["error"]["message"].as_str().unwrap().contains("offline_access"), "{last}");
    assert_eq!(accounts(&env), 0);
}

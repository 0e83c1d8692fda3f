//! Accounts that need a person: one prompt each, callers that wait for it together, and what a person does about it.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::io::{BufRead, BufReader, Write};
use std::thread;
use std::time::{Duration, Instant};

use entra_sim::{ADA, BOB, Fault, GWEN, Leg};
use entra_tests::loopback::Lease;
use entra_tests::{Daemon, Env, programs, raw, system};
use serde_json::{Value, json};

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(60);

fn prompts(env: &Env) -> Vec<Value> {
    let answer = raw::get(&env.socket(), "/v1/prompts");
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["prompts"].as_array().unwrap().clone()
}

/// Waits until the prompts are so, and returns them.
fn prompts_where(env: &Env, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let deadline = Instant::now() + LONG;
    loop {
        let prompts = prompts(env);
        if is_so(&prompts) {
            return prompts;
        }
        assert!(Instant::now() < deadline, "the prompts did not become so: {prompts:#?}\n{}", env.log());
        thread::sleep(Duration::from_millis(20));
    }
}

fn of<'a>(prompts: &'a [Value], person: &str) -> &'a Value {
    prompts.iter().find(|prompt| prompt["username"] == person).unwrap_or(&Value::Null)
}

fn asked(person: &str, wait: u16) -> Vec<u8> {
    let body = json!({"resource": "arm", "account": person, "wait": wait});
    raw::request("POST", "/v1/token", &[], &body.to_string())
}

/// This many callers who wait for the person.
fn crowd(env: &Env, person: &str, callers: usize) -> Vec<raw::Connection> {
    let request = asked(person, 600);
    let begin = |_| {
        let mut stream = raw::connect(&env.socket());
        stream.write_all(&request).unwrap();
        stream
    };
    (0..callers).map(begin).collect()
}

/// Signed in, and dead since.
fn needy(env: &Env, people: &[&str]) {
    for person in people {
        env.sign_in_as(person, &[]);
    }
    assert!(env.sim().control().revoke_all() >= people.len());
}

/// What a reader of the events hears.
fn events(env: &Env) -> impl Iterator<Item = Value> {
    let mut stream = raw::connect(&env.socket());
    stream.write_all(&raw::request("GET", "/v1/prompts/events", &[], "")).unwrap();
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.filter_map(|line| serde_json::from_str(&line).ok()).filter(|event: &Value| event.is_object())
}

#[test]
fn a_thousand_waiting_callers_of_three_accounts_are_three_prompts_and_go_on_together() {
    let room = system::room_for(1_256);
    assert!(room >= 1_256, "{room} descriptors are too few for the crowd");
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    needy(&env, &[ADA, BOB, GWEN]);
    let before = env.sim().control().requests_on(Leg::Refresh).len();
    let mut ada = crowd(&env, ADA, 400);
    let mut bob = crowd(&env, BOB, 400);
    let gwen = crowd(&env, GWEN, 200);
    let waiting =
        |prompts: &[Value], person: &str| of(prompts, person)["waiting"].as_u64().unwrap_or_default();
    let standing = prompts_where(&env, |prompts| {
        [(ADA, 400), (BOB, 400), (GWEN, 200)].iter().all(|(who, count)| waiting(prompts, who) == *count)
    });
    assert_eq!(standing.len(), 3, "{standing:#?}");
    assert_eq!(env.sim().control().requests_on(Leg::Refresh).len() - before, 3, "each was found dead once");
    let prompt = of(&standing, ADA);
    assert_eq!((&prompt["need"], &prompt["refused"]), (&"now".into(), &400.into()), "{prompt}");
    assert!(prompt["reason"].as_str().unwrap().contains("AADSTS"), "{prompt}");
    assert!(prompt["program"].as_str().unwrap().contains("(process "), "{prompt}");
    assert!(prompt["wanted"].as_str().is_some_and(|wanted| !wanted.contains("https:")), "{prompt}");

    // Whoever hangs up waits no more.
    bob.truncate(100);
    prompts_where(&env, |prompts| waiting(prompts, BOB) == 100);

    let before = env.sim().control().requests_on(Leg::Refresh).len();
    env.sign_in_as(ADA, &[]);
    let answers: Vec<_> = ada.iter_mut().map(raw::read_answer).collect();
    let first = &answers[0].body;
    assert_eq!(first["source"], "refresh", "{first}");
    let strays = answers.iter().filter(|answer| answer.status != 200 || answer.body != *first).count();
    assert_eq!(strays, 0);
    assert_eq!(env.sim().control().requests_on(Leg::Refresh).len() - before, 1, "one request for all");
    let left = prompts(&env);
    assert_eq!((left.len(), waiting(&left, BOB), waiting(&left, GWEN)), (2, 100, 200), "the others wait on");

    // Signing out ends the wait as well, with the reason.
    let id = of(&left, BOB)["account"].as_str().unwrap().to_owned();
    assert_eq!(env.entra(&["logout", &id]).status, 0);
    assert!(bob.iter_mut().all(|caller| raw::read_answer(caller).body["code"] == "sign_in_needed"));
    drop(gwen);
    prompts_where(&env, |prompts| prompts.len() == 1 && waiting(prompts, GWEN) == 0);
}

#[test]
fn a_wait_ends_at_its_time_with_the_usual_error() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    needy(&env, &[ADA]);
    let begun = Instant::now();
    let answer = raw::exchange(&env.socket(), &asked(ADA, 1));
    assert_eq!((answer.status, &answer.body["code"]), (401, &"sign_in_needed".into()), "{answer:?}");
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(raw::exchange(&env.socket(), &asked(ADA, 601)).status, 400);
    // Nobody is known by this name, so there is nobody to wait for.
    let answer = raw::exchange(&env.socket(), &asked("nobody@example.com", 600));
    assert_eq!(answer.body["code"], "sign_in_needed", "{answer:?}");
    assert_eq!(prompts(&env).len(), 1);
}

#[test]
fn a_daemon_that_stops_answers_those_who_wait() {
    let env = Env::new(programs!());
    let daemon = env.start_in_memory(&[]);
    needy(&env, &[ADA]);
    let mut waiting = crowd(&env, ADA, 10);
    prompts_where(&env, |prompts| of(prompts, ADA)["waiting"] == 10);
    assert_eq!(daemon.stop(), 0);
    let codes = waiting.iter_mut().map(|caller| raw::read_answer(caller).body["code"].clone());
    assert!(codes.into_iter().all(|code| code == "sign_in_needed"));
}

#[test]
fn who_asks_over_loopback_is_named_by_the_lease() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    needy(&env, &[ADA]);
    let lease = Lease::make(&env.socket(), "claude", &["arm"]);
    assert_eq!(lease.identity("https://management.azure.com/").status, 403);
    let standing = prompts_where(&env, |prompts| prompts.len() == 1 && prompts[0]["refused"] != 0);
    assert_eq!(standing[0]["program"], "the lease `claude`");
}

#[test]
fn events_tell_what_stands_what_is_shown_and_what_is_settled() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    needy(&env, &[ADA]);
    let mut early = events(&env);
    assert_eq!(env.entra(&["token", "--for", "arm"]).status, 3);
    let raised = early.next().unwrap();
    assert_eq!(
        (&raised["event"], &raised["prompt"]["username"]),
        (&"raised".into(), &ADA.into()),
        "{raised}"
    );
    let late = events(&env).next().unwrap();
    assert_eq!(
        (&late["event"], &late["prompt"]["account"]),
        (&"raised".into(), &raised["prompt"]["account"])
    );

    let snooze = |body: Value| raw::post(&env.socket(), "/v1/prompts/snooze", &body);
    let answer = snooze(json!({"account": ADA, "seconds": 600}));
    assert_eq!((answer.status, &answer.body["prompts"][0]["held_back"]["by"]), (200, &"snooze".into()));
    assert_eq!(snooze(json!({"seconds": 604_801})).status, 400);
    assert_eq!(snooze(json!({"account": "nobody"})).status, 401);
    assert_eq!(snooze(json!({"seconds": 0})).status, 200);
    assert_eq!(early.next().unwrap()["event"], "raised", "the snooze was ended, so it is shown again");
    env.sign_in_as(ADA, &[]);
    let settled = early.next().unwrap();
    assert_eq!((&settled["event"], &settled["profile"]), (&"settled".into(), &"default".into()), "{settled}");
    assert!(prompts(&env).is_empty());
}

#[test]
fn a_restart_knows_who_is_needed_and_asks_nobody_again() {
    let env = Env::new(programs!());
    let daemon: Daemon = env.start();
    needy(&env, &[ADA]);
    let mut reader = events(&env);
    assert_eq!(env.entra(&["token", "--for", "arm"]).status, 3);
    assert_eq!(reader.next().unwrap()["event"], "raised");
    let before = prompts_where(&env, |prompts| prompts[0]["held_back"]["by"] == "snooze");
    assert_eq!(daemon.stop(), 0);
    let _daemon = env.start();
    // Before anybody asks: the account is in quarantine.
    let after = prompts_where(&env, |prompts| prompts.len() == 1 && prompts[0]["shown_on"].is_u64());
    assert_eq!(after[0]["shown_on"], before[0]["shown_on"]);
    assert_eq!(after[0]["held_back"], before[0]["held_back"]);
    assert_eq!(after[0]["since"], before[0]["since"]);
    env.sign_in_as(ADA, &[]);
    assert!(prompts(&env).is_empty());
}

#[test]
fn with_notifications_off_and_nobody_who_reads_nothing_is_shown() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&["--notify=off"]);
    needy(&env, &[ADA]);
    assert_eq!(env.entra(&["token", "--for", "arm"]).status, 3);
    let standing =
        prompts_where(&env, |prompts| prompts.len() == 1 && prompts[0]["held_back"]["until"].is_u64());
    assert_eq!(standing[0]["held_back"]["by"], "no_desktop", "{standing:#?}");
    assert!(standing[0]["shown_on"].is_null());
}

#[test]
fn one_resource_that_wants_a_person_is_a_prompt_until_somebody_signs_in_or_it_is_granted() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    env.sign_in_as(ADA, &[]);
    let refused = || Fault::on(Leg::Refresh).refuse("interaction_required", 50076);
    env.sim().control().script(refused());
    let mut waiting = crowd(&env, ADA, 2);
    let standing = prompts_where(&env, |prompts| of(prompts, ADA)["waiting"] == 2);
    assert!(standing[0]["reason"].as_str().unwrap().contains("AADSTS50076"), "{standing:#?}");
    assert_eq!(env.token(&["--for", "graph"])["source"], "cache", "other resources are served");
    assert_eq!(prompts(&env).len(), 1);
    env.sign_in_as(ADA, &[]);
    assert!(waiting.iter_mut().all(|caller| raw::read_answer(caller).status == 200));
    assert!(prompts(&env).is_empty());

    env.sim().control().script(refused());
    assert_eq!(env.entra(&["token", "--for", "sql"]).status, 3);
    prompts_where(&env, |prompts| prompts.len() == 1);
    // Another challenge is another request, and this one is granted.
    let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
    let request = json!({"resource": "sql", "claims": claims});
    assert_eq!(raw::post(&env.socket(), "/v1/token", &request).status, 200);
    assert!(prompts(&env).is_empty());
}

#[test]
fn an_account_that_entra_serves_again_needs_nobody() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    env.sign_in_as(ADA, &[]);
    env.sim().control().script(Fault::on(Leg::Refresh).refuse("invalid_grant", 50173));
    assert_eq!(env.entra(&["token", "--for", "arm"]).status, 3);
    prompts_where(&env, |prompts| prompts.len() == 1);
    assert_eq!(env.entra(&["accounts", "revive"]).status, 0);
    prompts_where(&env, <[Value]>::is_empty);
}

//! Crowds of callers: one request for all of them whatever they do, and nobody waits for another's authority.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::io::Write;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use entra_sim::{ADA, BOB, DEFAULT_CLIENT, DEFAULT_TENANT, Fault, Leg};
use entra_tests::{Daemon, Env, Relay, Weather, programs, raw, system};
use serde_json::{Value, json};

fn relay(env: &Env) -> Relay {
    let address: SocketAddr = env.sim().origin().trim_start_matches("http://").parse().unwrap();
    Relay::to(address)
}

/// A daemon with a vault on disk, behind the relay, at an authority where a lost refresh token is a lost sign-in.
fn start(env: &Env, relay: &Relay) -> Daemon {
    env.sim().control().set_rules(|rules| rules.strict_rotation = true);
    let mut command = env.bare_daemon_command();
    command.args(env.options().into_iter().skip(1));
    env.launch(command.arg(format!("--authority=http://{}", relay.address())))
}

fn refreshes(env: &Env) -> usize {
    env.sim().control().requests_on(Leg::Refresh).len()
}

/// This many callers who have asked for the same token, and wait for a request that the relay holds back.
fn crowd(env: &Env, relay: &Relay, callers: usize) -> Vec<raw::Connection> {
    relay.set(Weather::Held);
    let taken = relay.taken();
    let request = raw::request("POST", "/v1/token", &[], &json!({"resource": "foundry"}).to_string());
    let waiting: Vec<_> = (0..callers)
        .map(|_| {
            let mut stream = raw::connect(&env.socket());
            stream.write_all(&request).unwrap();
            stream
        })
        .collect();
    relay.wait_for(taken + 1);
    // Accepted after them, and answered by the thread that has them all.
    for _ in 0..2 {
        assert_eq!(raw::get(&env.socket(), "/v1/status").status, 200);
    }
    waiting
}

#[test]
fn invariant_6_two_thousand_callers_cost_one_request_and_those_who_stay_are_answered() {
    let room = system::room_for(2_256);
    assert!(room >= 2_256, "{room} descriptors are too few for the crowd");
    let env = Env::new(programs!());
    let relay = relay(&env);
    let daemon = start(&env, &relay);
    env.sign_in();
    let mut waiting = crowd(&env, &relay, 2_000);
    // Every second one hangs up.
    let mut place = 0;
    waiting.retain(|_| {
        place += 1;
        place % 2 == 0
    });
    relay.set(Weather::Clear);
    let answers: Vec<_> = waiting.iter_mut().map(raw::read_answer).collect();
    assert_eq!(answers.len(), 1_000);
    let first = &answers[0].body;
    assert_eq!(first["source"], "refresh", "{first}");
    let strays: Vec<_> =
        answers.iter().filter(|answer| answer.status != 200 || answer.body != *first).collect();
    assert!(strays.is_empty(), "{} differ, as {:?}", strays.len(), strays[0]);
    assert_eq!(refreshes(&env), 1);
    assert_eq!(env.token(&["--for", "foundry"])["source"], "cache");
    // The new refresh token was saved: the old one would be void.
    daemon.kill();
    let _daemon = start(&env, &relay);
    assert_eq!(env.token(&["--for", "arm"])["source"], "refresh");
    assert_eq!(env.sim().control().state().revoked_refresh_tokens, 0);
}

#[test]
fn invariant_6_when_every_caller_hangs_up_the_token_comes_and_is_kept_all_the_same() {
    let env = Env::new(programs!());
    let relay = relay(&env);
    let daemon = start(&env, &relay);
    env.sign_in();
    drop(crowd(&env, &relay, 100));
    relay.set(Weather::Clear);
    let foundry = |status: &Value| {
        let tokens = status["accounts"][0]["tokens"].as_array().unwrap();
        let is_foundry = |token: &&Value| token["scopes"][0] == "https://ai.azure.com/.default";
        tokens.iter().find(is_foundry).is_some_and(|token| token["expires_on"].is_u64())
    };
    let _status = env.status_where(foundry);
    assert_eq!(env.token(&["--for", "foundry"])["source"], "cache");
    assert_eq!(refreshes(&env), 1);
    daemon.kill();
    let _daemon = start(&env, &relay);
    assert_eq!(env.token(&["--for", "arm"])["source"], "refresh");
    assert_eq!(env.sim().control().state().revoked_refresh_tokens, 0);
}

#[test]
fn a_slow_answer_for_one_account_delays_no_other_at_the_same_authority() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let ada = env.sign_in_as(ADA, &[]);
    let bob = env.sign_in_as(BOB, &[]);
    env.sim().control().script(Fault::on(Leg::Refresh).delay(Duration::from_secs(5)));
    thread::scope(|scope| {
        let slow = scope.spawn(|| env.token(&["--for", "arm", "--account", &ada]));
        env.sim().control().wait_for_arrival_blocking(Leg::Refresh, 1).unwrap();
        for resource in ["arm", "foundry", "storage"] {
            let token = env.token(&["--for", resource, "--account", &bob]);
            assert_eq!((&token["source"], &token["account"]), (&json!("refresh"), &json!(bob)));
        }
        assert_eq!(env.token(&["--for", "arm", "--account", &bob])["source"], "cache");
        assert!(!slow.is_finished(), "the other account still waits for its answer");
        assert_eq!(slow.join().unwrap()["account"], json!(ada));
    });
}

#[test]
fn an_authority_that_does_not_answer_delays_no_other_profile() {
    let env = Env::new(programs!());
    let relay = relay(&env);
    env.configure(&format!(
        "[profile.work]\nauthority = \"http://{}\"\nclient_id = \"{DEFAULT_CLIENT}\"\n",
        relay.address()
    ));
    let _daemon = env.start_in_memory(&[]);
    env.sign_in();
    env.sign_in_as(ADA, &["--profile", "work", "--tenant", DEFAULT_TENANT]);
    relay.set(Weather::Held);
    let taken = relay.taken();
    thread::scope(|scope| {
        let slow = scope.spawn(|| env.token(&["--for", "arm", "--profile", "work"]));
        relay.wait_for(taken + 1);
        for resource in ["arm", "foundry", "storage"] {
            assert_eq!(env.token(&["--for", resource, "--profile", "default"])["source"], "refresh");
        }
        assert_eq!(raw::get(&env.socket(), "/v1/status").status, 200);
        assert!(!slow.is_finished(), "the other profile still waits for its authority");
        relay.set(Weather::Clear);
        assert_eq!(slow.join().unwrap()["source"], "refresh");
    });
}

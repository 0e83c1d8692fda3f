//! When a person will be needed next: learned from what Entra asks for, kept over restarts, and unlearned.

use std::thread;
use std::time::{Duration, SystemTime};

use entra_sim::{Fault, Leg, Rules};
use entra_tests::{Env, programs, raw};
use serde_json::Value;

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

fn status(env: &Env) -> Value {
    raw::get(&env.socket(), "/v1/status").body["accounts"][0].clone()
}

fn set(env: &Env, change: impl FnOnce(&mut Rules)) {
    env.sim().control().set_rules(change);
}

/// Asks Entra for a token where a person is needed.
fn ask_in_vain(env: &Env, resource: &str) {
    let ran = env.entra(&["token", "--for", resource, "--force-refresh"]);
    assert_eq!(ran.status, 3, "{ran:?}\n{}", env.log());
}

#[test]
fn two_demands_teach_the_interval_which_outlives_the_daemon() {
    let env = Env::new(programs!());
    let daemon = env.start();
    set(&env, |rules| rules.sign_in_frequency = Some(WEEK));
    for round in 1..=2 {
        env.sign_in();
        env.sim().control().advance(WEEK);
        ask_in_vain(&env, "arm");
        let status = env.status_where(|status| status["accounts"][0]["past_demands"][0]["seen"] == round);
        assert_eq!(status["accounts"][0]["expectation"], Value::Null, "it has come: {status:#}");
    }
    env.sign_in();
    let before = status(&env);
    let signed_in_on = before["account"]["provenance"]["signed_in_on"].as_u64().unwrap();
    let expected = serde_json::json!({
        "on": signed_in_on + WEEK.as_secs(),
        "aadsts": 70043,
        "reason": "The organisation asks for a new sign-in every 7 days.",
        "seen": 2,
    });
    assert_eq!(before["expectation"], expected);
    assert_eq!(daemon.stop(), 0);

    let _daemon = env.start();
    let after = env.status_where(|status| status["accounts"][0]["expectation"].is_object());
    assert_eq!(after["accounts"][0]["expectation"], expected);
    assert_eq!(after["accounts"][0]["past_demands"], before["past_demands"]);

    assert_eq!(env.entra(&["logout", "--profile", "default"]).status, 0);
    env.sign_in();
    assert_eq!(status(&env)["expectation"], Value::Null, "a sign-out takes it along");
}

#[test]
fn a_demand_is_on_disk_when_the_daemon_ends_right_after_it() {
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();
    env.sim().control().script(Fault::on(Leg::Refresh).refuse("invalid_grant", 50173));
    ask_in_vain(&env, "arm");
    assert_eq!(daemon.stop(), 0);
    let _daemon = env.start();
    env.sign_in();
    let status = status(&env);
    assert_eq!(status["past_demands"][0]["aadsts"], 50173, "{status:#}");
    assert_eq!(status["expectation"], Value::Null, "a revocation follows no rhythm");
}

#[test]
fn a_refresh_past_the_interval_unlearns_it() {
    let env = Env::new(programs!());
    let daemon = env.start();
    set(&env, |rules| rules.sign_in_frequency = Some(SHORT));
    env.sign_in();
    env.sim().control().advance(SHORT);
    ask_in_vain(&env, "arm");
    set(&env, |rules| rules.sign_in_frequency = None);
    env.sign_in();
    let on = status(&env)["expectation"]["on"].as_u64().expect("an expectation");
    // The daemon's clock is the machine's: the interval has to pass.
    let passed = SystemTime::UNIX_EPOCH + Duration::from_secs(on + 2);
    thread::sleep(passed.duration_since(SystemTime::now()).unwrap_or_default());
    env.token(&["--for", "graph", "--force-refresh"]);
    assert_eq!(status(&env)["expectation"]["on"], on, "another resource may have another policy");
    env.token(&["--for", "arm", "--force-refresh"]);
    assert_eq!(status(&env)["expectation"], Value::Null);
    assert_eq!(daemon.stop(), 0);
    let _daemon = env.start();
    let status = env.status_where(|status| status["accounts"][0].is_object());
    assert_eq!(status["accounts"][0]["expectation"], Value::Null);
    assert_eq!(status["accounts"][0]["past_demands"], Value::Null);
}

/// Shorter than any organisation's, and longer than a sign-in of the test takes.
const SHORT: Duration = Duration::from_secs(3);

#[test]
fn inactivity_is_expected_from_the_last_use() {
    let env = Env::new(programs!());
    let _daemon = env.start();
    env.sign_in();
    env.sim().control().advance(Duration::from_secs(90 * 24 * 60 * 60));
    ask_in_vain(&env, "arm");
    env.sign_in();
    let status = status(&env);
    let used_on = status["account"]["provenance"]["signed_in_on"].as_u64().unwrap();
    assert_eq!(status["expectation"]["aadsts"], 700082, "{status:#}");
    assert_eq!(status["expectation"]["on"], used_on + 90 * 24 * 60 * 60);
}

#[test]
fn a_second_factor_that_is_too_old_is_counted_and_one_that_never_held_teaches_no_interval() {
    let env = Env::new(programs!());
    let _daemon = env.start();
    set(&env, |rules| rules.mfa_life = Some(WEEK));
    env.sign_in();
    env.sim().control().advance(WEEK);
    ask_in_vain(&env, "arm");
    env.sign_in();
    // By the daemon's clock, which nobody moved, seconds have passed; Entra names no interval with this number.
    let status = status(&env);
    assert_eq!(status["past_demands"][0]["aadsts"], 50078, "{status:#}");
    assert_eq!(status["expectation"], Value::Null, "{status:#}");
}

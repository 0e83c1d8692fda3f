//! Refresh tokens that Entra declared dead: kept for a day, out of use, and tried again by hand.

use entra_sim::{Fault, Leg};
use entra_tests::{Env, PERSON, programs, raw};
use serde_json::Value;

/// Signed in, with a token for Graph in memory, and declared dead by one answer.
fn declared_dead() -> (Env, entra_tests::Daemon) {
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();
    env.token(&["--for", "graph"]);
    env.sim().control().script(Fault::on(Leg::Refresh).refuse("invalid_grant", 50173));
    assert_eq!(env.entra(&["token", "--for", "arm"]).status, 3);
    (env, daemon)
}

fn health(env: &Env) -> Value {
    raw::get(&env.socket(), "/v1/accounts").body["accounts"][0]["health"].clone()
}

fn count_refreshes(env: &Env) -> usize {
    env.sim().control().requests_on(Leg::Refresh).len()
}

#[test]
fn invariant_5_a_dead_token_is_kept_out_of_use_and_revived_by_hand() {
    let (env, daemon) = declared_dead();
    assert_eq!(health(&env)["state"], "sign_in_needed");
    let hint = health(&env)["error"]["hint"].clone();
    assert!(hint.as_str().unwrap().contains("`entra accounts revive`"), "{hint}");
    let asked = count_refreshes(&env);
    assert_eq!(env.token(&["--for", "graph"])["source"], "cache", "invariant 4");
    assert_eq!(env.entra(&["token", "--for", "sql"]).status, 3);

    // The verdict outlives the daemon, and so does the token.
    assert_eq!(daemon.stop(), 0);
    let _daemon = env.start();
    assert_eq!(env.entra(&["token", "--for", "graph"]).status, 3);
    assert_eq!(count_refreshes(&env), asked, "a token in quarantine is sent to nobody");

    let ran = env.entra(&["accounts", "revive"]);
    assert_eq!(ran.status, 0, "{ran:?}\n{}", env.log());
    assert!(ran.stdout.contains(PERSON) && ran.stdout.contains("is signed in"), "{ran:?}");
    assert_eq!(health(&env)["state"], "good");
    assert_eq!(env.token(&["--for", "arm"])["source"], "refresh");
    let ran = env.entra(&["accounts", "revive", PERSON]);
    assert!(ran.status == 0 && ran.stdout.contains("nothing to revive"), "{ran:?}");
}

#[test]
fn a_token_that_is_dead_stays_so_and_says_why() {
    let (env, _daemon) = declared_dead();
    env.sim().control().revoke_all();
    let ran = env.entra(&["accounts", "revive"]);
    assert_eq!(ran.status, 3, "{ran:?}");
    assert!(ran.stderr.contains("entra login"), "{ran:?}");
    assert_eq!(health(&env)["state"], "sign_in_needed");
    env.sign_in();
    assert_eq!(health(&env)["state"], "good");
    assert_eq!(env.token(&["--for", "arm"])["source"], "refresh");
}

#[test]
fn a_mistaken_revive_is_told_what_to_do() {
    let (env, _daemon) = declared_dead();
    let ran = env.entra(&["accounts", "revive", "nobody@example.com"]);
    assert!(ran.status == 2 && ran.stderr.contains("`entra accounts` lists"), "{ran:?}");
    let post = |path: &str| {
        let mut stream = raw::connect(&env.socket());
        std::io::Write::write_all(&mut stream, &raw::request("POST", path, &[], "")).unwrap();
        raw::read_answer(&mut stream)
    };
    assert_eq!(post("/v1/accounts/nobody/revive").status, 404);
    assert_eq!(post("/v1/accounts/nobody/revive?who=me").status, 400);
}

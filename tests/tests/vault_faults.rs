//! A store that cannot be written: the refresh that came is served and kept, it is said, and it is saved as soon
//! as it can be. And the way it is when all is well: saved first, then served.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use entra_sim::Leg;
use entra_tests::{Daemon, Env, PERSON, programs, raw, system};
use serde_json::{Value, json};

/// An environment where the reuse of an old refresh token costs the sign-in.
fn strict() -> Env {
    let env = Env::new(programs!());
    env.sim().control().set_rules(|rules| rules.strict_rotation = true);
    env
}

fn refresh(env: &Env, resource: &str) {
    assert_eq!(env.token(&["--for", resource, "--force-refresh"])["source"], "refresh", "{}", env.log());
}

fn vault(env: &Env) -> PathBuf {
    env.state_dir().join("vault.sealed")
}

/// A daemon that the system's refusals hold for, also where the tests run as root.
fn start_unprivileged(env: &Env) -> Daemon {
    let start = || {
        system::give_up_privileges();
        env.start()
    };
    thread::scope(|scope| scope.spawn(start).join().unwrap())
}

/// From now until the value is dropped the vault cannot be written.
fn refuse(env: &Env) -> system::Refusal {
    system::Refusal::begin(&env.state_dir(), "vault.sealed")
}

fn is_warned(status: &Value) -> bool {
    status["warnings"].to_string().contains("only in memory")
}

/// Retried after two seconds, then four, then eight.
const SAVED_WITHIN: Duration = Duration::from_secs(20);

#[test]
fn a_read_only_folder_costs_no_token_is_said_and_is_made_good() {
    let env = strict();
    let daemon = start_unprivileged(&env);
    env.sign_in();
    let before = std::fs::read(vault(&env)).unwrap();
    let refusal = refuse(&env);
    // The second one already depends on the refresh token that could not be saved.
    refresh(&env, "arm");
    refresh(&env, "foundry");
    assert_eq!(env.token(&["--for", "arm"])["source"], "cache");
    assert_eq!(std::fs::read(vault(&env)).unwrap(), before, "the old file is whole");
    let status = raw::get(&env.socket(), "/v1/status").body;
    let warnings = status["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{status}");
    for words in [PERSON, "only in memory", "vault.sealed", system::REFUSED] {
        assert!(warnings[0].as_str().unwrap().contains(words), "{words}: {warnings:?}");
    }
    let said = env.entra(&["status"]);
    assert!((said.stdout + &said.stderr).contains("only in memory"));

    drop(refusal);
    let mended_at = Instant::now();
    let _well = env.status_where(|status| !is_warned(status));
    assert!(mended_at.elapsed() < SAVED_WITHIN, "{:?}", mended_at.elapsed());
    assert_ne!(std::fs::read(vault(&env)).unwrap(), before);
    daemon.kill();
    let _daemon = env.start();
    refresh(&env, "arm");
    assert_eq!(env.sim().control().state().revoked_refresh_tokens, 0);
    assert_eq!(env.sim().control().requests_on(Leg::Devicecode).len(), 1);
}

#[test]
fn a_refresh_saves_what_an_earlier_one_could_not() {
    let env = strict();
    let daemon = start_unprivileged(&env);
    env.sign_in();
    let refusal = refuse(&env);
    refresh(&env, "arm");
    assert!(is_warned(&raw::get(&env.socket(), "/v1/status").body));
    drop(refusal);
    // Without waiting for the next attempt: the answer itself says that all is on disk.
    refresh(&env, "foundry");
    assert!(!is_warned(&raw::get(&env.socket(), "/v1/status").body));
    daemon.kill();
    let _daemon = env.start();
    refresh(&env, "arm");
    assert_eq!(env.sim().control().state().revoked_refresh_tokens, 0);
}

#[test]
#[cfg_attr(windows, ignore = "the file that is held back there does not exist before the first sign-in")]
fn a_folder_that_cannot_be_written_at_a_sign_in_signs_nobody_in_by_half() {
    let env = strict();
    let daemon = start_unprivileged(&env);
    let refusal = refuse(&env);
    let login = env.login(&[]);
    let code = env.sim().control().next_user_code_blocking();
    if let Ok(code) = code {
        env.sim().control().approve(&code, PERSON).unwrap();
    }
    let (last, ran) = login.end();
    assert_eq!(last["event"], "failed", "{last} {ran:?}");
    assert_ne!(ran.status, 0, "{ran:?}");
    assert!(last.to_string().contains(system::REFUSED), "{last}");
    assert_eq!(raw::get(&env.socket(), "/v1/accounts").body["accounts"], json!([]));
    drop(refusal);
    env.sign_in();
    refresh(&env, "arm");
    daemon.kill();
    let _daemon = env.start();
    refresh(&env, "arm");
}

#[test]
fn a_home_of_the_key_that_is_gone_after_the_start_costs_no_refresh() {
    let env = strict();
    let daemon = env.start();
    env.sign_in();
    let passphrase = env.folder().join("passphrase");
    let aside = env.folder().join("aside");
    std::fs::rename(&passphrase, &aside).unwrap();
    for resource in ["arm", "foundry"] {
        refresh(&env, resource);
        assert!(!is_warned(&raw::get(&env.socket(), "/v1/status").body), "saved under the key that is open");
    }
    daemon.kill();
    std::fs::rename(&aside, &passphrase).unwrap();
    let _daemon = env.start();
    refresh(&env, "arm");
    assert_eq!(env.sim().control().state().revoked_refresh_tokens, 0);
}

#[test]
fn invariant_2_the_file_on_disk_is_a_new_one_before_each_answer() {
    let env = strict();
    let _daemon = env.start();
    env.sign_in();
    let identity = || {
        let metadata = std::fs::metadata(vault(&env)).unwrap();
        (metadata.modified().unwrap(), std::fs::read(vault(&env)).unwrap())
    };
    let mut last = identity();
    for round in 0..20 {
        // Several keys, since each has a budget of its own.
        let resource = ["arm", "foundry", "storage", "sql"][round % 4];
        let answer =
            raw::post(&env.socket(), "/v1/token", &json!({"resource": resource, "force_refresh": true}));
        let now = identity();
        assert_eq!((answer.status, &answer.body["source"]), (200, &json!("refresh")), "{answer:?}");
        assert!(now.0 > last.0, "round {round}: the same file");
        assert_ne!(now.1, last.1, "round {round}: the same content");
        last = now;
    }
}

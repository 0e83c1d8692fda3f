//! `entra lock` and `entra unlock`: nothing is served while it is locked, also after a restart, and nobody has to sign in
//! again afterwards.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entra_sim::{Action, Fault, Leg};
use entra_tests::{Env, Ran, finish, programs, raw};
use serde_json::{Value, json};

/// What the environment seals its file with.
const PASSPHRASE: &str = "correct horse battery staple";

fn post(env: &Env, path: &str, body: &Value) -> raw::RawAnswer {
    raw::post(&env.socket(), path, body)
}

fn unlock_with(env: &Env, passphrase: &str) -> raw::RawAnswer {
    post(env, "/v1/unlock", &json!({"passphrase": passphrase}))
}

/// `entra unlock` with this on standard input.
fn unlock(env: &Env, input: &str) -> Ran {
    use std::io::Write;
    let mut command = env.entra_command(&["unlock"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    finish(child)
}

fn token(env: &Env) -> Ran {
    env.entra(&["token", "--for", "arm"])
}

fn tokens_asked(env: &Env) -> usize {
    [Leg::Refresh, Leg::Devicecode].map(|leg| env.sim().control().requests_on(leg).len()).iter().sum()
}

fn log_events(env: &Env) -> Vec<String> {
    let ran = env.entra(&["log", "--json"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let entries = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    entries.map(|entry| entry["event"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn nothing_is_served_until_it_is_unlocked_and_nobody_signs_in_again() {
    let env = Env::new(programs!());
    let _daemon = env.start();
    env.sign_in();
    assert_eq!(token(&env).status, 0);
    let lease = post(&env, "/v1/leases", &json!({"name": "one", "resources": ["arm"]})).body;
    let asked = tokens_asked(&env);

    let locked = env.entra(&["lock"]);
    assert_eq!(locked.status, 0, "{locked:?}");
    let ran = token(&env);
    assert_eq!((ran.status, ran.stdout.as_str()), (6, ""), "{ran:?}");
    assert!(ran.stderr.contains("entra unlock") && ran.stderr.contains("by hand"), "{ran:?}");
    let lent = json!({"resource": "arm", "lease": lease["secret"]});
    for (path, body) in [
        ("/v1/token", json!({"resource": "arm"})),
        ("/v1/token", json!({"resource": "arm", "wait": 30})),
        ("/v1/token", lent.clone()),
        ("/v1/leases", json!({"name": "two", "resources": ["arm"]})),
        ("/v1/sign-ins", json!({})),
        ("/v1/registry-token", json!({"registry": "contoso.azurecr.io"})),
    ] {
        let refused = post(&env, path, &body);
        assert_eq!((refused.status, &refused.body["code"]), (503, &json!("locked")), "{path} {refused:?}");
        assert!(refused.body["hint"].as_str().unwrap().contains("entra unlock"), "{refused:?}");
    }
    for path in ["/v1/accounts", "/v1/leases"] {
        assert_eq!(raw::get(&env.socket(), path).body["code"], "locked", "{path}");
    }
    let status = raw::get(&env.socket(), "/v1/status").body;
    assert_eq!(
        (&status["lock"]["state"], &status["lock"]["by"], &status["lock"]["opened_by"]),
        (&json!("locked"), &json!("hand"), &json!("passphrase"))
    );
    assert_eq!((&status["accounts"], &status["store"]["is_open"]), (&json!([]), &json!(false)));
    let short = env.entra(&["status", "--short"]);
    assert_eq!((short.status, short.stdout.as_str()), (6, "entra: locked\n"), "{short:?}");
    let shown = env.entra(&["status"]);
    assert!(shown.stdout.contains("Locked since") && !shown.stdout.contains("entra login"), "{shown:?}");
    assert_eq!(env.entra(&["lock"]).status, 0, "a second lock changes nothing");
    assert_eq!(tokens_asked(&env), asked, "Entra heard of nothing");

    let without = post(&env, "/v1/unlock", &json!({}));
    assert_eq!((without.status, &without.body["code"]), (503, &json!("locked")), "{without:?}");
    let ran = unlock(&env, &format!("{PASSPHRASE}\n"));
    assert_eq!(ran.status, 0, "{ran:?}\n{}", env.log());
    assert_eq!(env.token(&["--for", "arm"])["source"], "refresh", "the token of before left memory");
    assert_eq!(post(&env, "/v1/token", &lent).status, 200, "the lease stands");
    assert_eq!(env.sim().control().requests_on(Leg::Devicecode).len(), 1, "no new sign-in");
    assert_eq!(raw::get(&env.socket(), "/v1/status").body["lock"], Value::Null);
    assert_eq!(unlock(&env, "").status, 0, "to unlock what is open takes nothing");
    let events = log_events(&env);
    for event in ["locked", "unlock_failed", "unlocked"] {
        assert!(events.iter().any(|logged| logged == event), "{event} in {events:?}");
    }
    assert_eq!(env.entra(&["log", "--verify"]).status, 0);
}

#[test]
fn what_is_under_way_ends_before_the_lock_and_nothing_after_it() {
    let env = Env::new(programs!());
    let _daemon = env.start();
    env.sign_in();
    let is_over = AtomicBool::new(false);
    env.sim().control().script(Fault::on(Leg::Refresh).delay(Duration::from_millis(900)));
    let mut caller = env.entra_command(&["token", "--for", "foundry", "--output", "json"]);
    let caller = caller.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    env.sim().control().wait_for_arrival_blocking(Leg::Refresh, 1).unwrap();
    std::thread::scope(|scope| {
        let load: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut answers = Vec::new();
                    while !is_over.load(Ordering::SeqCst) {
                        answers.push(post(&env, "/v1/token", &json!({"resource": "arm"})));
                    }
                    answers
                })
            })
            .collect();
        let locked = post(&env, "/v1/lock", &json!({}));
        assert_eq!(locked.status, 200, "{locked:?}");
        assert_eq!(locked.body["lock"]["state"], "locked");
        is_over.store(true, Ordering::SeqCst);
        let answers: Vec<_> = load.into_iter().flat_map(|load| load.join().unwrap()).collect();
        assert!(answers.iter().any(|answer| answer.status == 503), "the load met the lock");
        for answer in answers {
            let is_served = answer.status == 200;
            assert!(is_served || answer.body["code"] == "locked", "{answer:?}");
        }
    });
    let ran = finish(caller);
    assert_eq!(ran.status, 0, "who asked before is served: {ran:?}");
    assert_eq!(token(&env).status, 6);
    assert_eq!(unlock_with(&env, PASSPHRASE).status, 200);
    assert_eq!(token(&env).status, 0);
}

#[test]
fn a_restart_stays_locked_and_a_note_that_cannot_be_read_means_locked() {
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();
    assert_eq!(env.entra(&["lock"]).status, 0);
    daemon.kill();
    let daemon = env.start();
    assert_eq!(token(&env).status, 6, "though the passphrase lies where the daemon may read it");
    daemon.stop();
    std::fs::write(env.state_dir().join("locked"), "half a no").unwrap();
    let daemon = env.start();
    let ran = token(&env);
    assert!(ran.status == 6 && ran.stderr.contains("cannot be read"), "{ran:?}");
    assert_eq!(unlock_with(&env, PASSPHRASE).status, 200);
    assert_eq!(token(&env).status, 0);
    assert!(!env.state_dir().join("locked").exists());
    daemon.stop();
    let daemon = env.start();
    assert_eq!(token(&env).status, 0, "unlocked stays so too");
    daemon.stop();

    let daemon = env.start_with(&["--stay-locked=off"]);
    assert_eq!(env.entra(&["lock"]).status, 0);
    assert_eq!(token(&env).status, 6);
    daemon.kill();
    let _daemon = env.start_with(&["--stay-locked=off"]);
    assert_eq!(token(&env).status, 0, "where that is set");
}

#[test]
fn wrong_passphrases_have_the_next_one_wait_also_after_a_restart() {
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();
    assert_eq!(env.entra(&["lock"]).status, 0);
    let wrong = unlock_with(&env, "correct horse battery stapler");
    assert_eq!((wrong.status, &wrong.body["code"]), (403, &json!("refused")), "{wrong:?}");
    assert!(wrong.body["retry_after"].as_u64().unwrap() <= 1);
    // As after many of them.
    let tries = json!({"wrong": 30, "last": u64::MAX}).to_string();
    std::fs::write(env.state_dir().join("unlock-tries"), tries).unwrap();
    let is_slowed = || {
        let early = unlock_with(&env, PASSPHRASE);
        assert_eq!((early.status, &early.body["code"]), (429, &json!("throttled")), "{early:?}");
        assert!((200..=300).contains(&early.body["retry_after"].as_u64().unwrap()), "{early:?}");
    };
    is_slowed();
    daemon.kill();
    let _daemon = env.start();
    is_slowed();
    // Its time is over.
    std::fs::write(env.state_dir().join("unlock-tries"), json!({"wrong": 30, "last": 0}).to_string())
        .unwrap();
    assert_eq!(unlock_with(&env, PASSPHRASE).status, 200);
    assert!(!env.state_dir().join("unlock-tries").exists(), "forgiven");
    assert_eq!(token(&env).status, 0);
}

fn panic(env: &Env, more: &[&str]) -> Ran {
    env.entra(&[&["panic", "--yes"], more].concat())
}

/// Names in the state folder that may hold something of a sign-in.
fn left_in_state(env: &Env) -> Vec<String> {
    let listed = std::fs::read_dir(env.state_dir()).unwrap();
    let names = listed.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("vault") || name.starts_with("unlock-tries")).collect()
}

#[test]
fn a_panic_leaves_no_file_and_no_lease_and_has_entra_revoke_the_sessions() {
    let env = Env::new(programs!());
    let _daemon = env.start();
    env.sign_in();
    assert_eq!(token(&env).status, 0);
    let lease = post(&env, "/v1/leases", &json!({"name": "one", "resources": ["arm"]})).body;
    let aside = env.state_dir().join("vault.sealed.damaged-1");
    std::fs::copy(env.state_dir().join("vault.sealed"), aside).unwrap();

    let asked = env.entra(&["panic"]);
    assert_eq!(asked.status, 2, "nobody confirmed: {asked:?}");
    assert_eq!(token(&env).status, 0, "nothing was done");

    let ran = panic(&env, &["--revoke-sessions"]);
    assert_eq!(ran.status, 0, "{ran:?}\n{}", env.log());
    for said in ["vault.sealed", "work until", "revoked its sessions"] {
        assert!(ran.stdout.contains(said), "{said} in {ran:?}");
    }
    assert_eq!(left_in_state(&env), [""; 0]);
    assert!(env.sim().control().state().revoked_refresh_tokens > 0);
    assert_eq!(env.sim().control().requests_on(Leg::Graph).len(), 1);
    assert_eq!(token(&env).status, 6, "it is locked");
    assert_eq!(raw::get(&env.socket(), "/v1/status").body["lock"]["by"], "panic");

    assert_eq!(unlock(&env, "").status, 0, "there is nothing to open");
    assert_eq!(raw::get(&env.socket(), "/v1/leases").body["leases"], json!([]));
    let lent = post(&env, "/v1/token", &json!({"resource": "arm", "lease": lease["secret"]}));
    assert_eq!((lent.status, &lent.body["code"]), (403, &json!("refused")), "{lent:?}");
    assert_eq!(token(&env).status, 3, "nobody is signed in");
    assert!(log_events(&env).iter().any(|event| event == "panicked"));
    assert_eq!(env.entra(&["log", "--verify"]).status, 0, "the audit log is whole");
    env.sign_in();
    assert_eq!(token(&env).status, 0);
}

#[test]
fn a_revocation_that_fails_is_said_plainly_and_waits_for_nobody() {
    let env = Env::new(programs!());
    let _daemon = env.start();
    env.sim().control().set_rules(|rules| rules.may_revoke_sessions = false);
    env.sign_in();
    let ran = panic(&env, &["--revoke-sessions"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.contains("STAND") && ran.stdout.contains("User.RevokeSessions.All"), "{ran:?}");
    assert_eq!(left_in_state(&env), [""; 0]);

    assert_eq!(unlock(&env, "").status, 0);
    env.sign_in();
    env.sim().control().script(Fault::on(Leg::Graph).act(Action::Hang));
    let began = std::time::Instant::now();
    let ran = panic(&env, &["--revoke-sessions"]);
    assert!(ran.stdout.contains("did not answer within 6 seconds"), "{ran:?}");
    assert!(began.elapsed() < Duration::from_secs(30), "and not for as long as it hangs");
    assert_eq!(left_in_state(&env), [""; 0]);

    let plain = env.entra(&["unlock"]);
    assert_eq!(plain.status, 0, "{plain:?}");
    let ran = panic(&env, &[]);
    assert!(ran.stdout.contains("Sessions at Entra stand"), "{ran:?}");
}

#[test]
fn a_panic_that_was_interrupted_is_ended_by_the_next_start() {
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();
    daemon.kill();
    let note = json!({"since": 1_795_200_000, "by": "panic", "is_erasing": true});
    std::fs::write(env.state_dir().join("locked"), note.to_string()).unwrap();
    assert_eq!(left_in_state(&env), ["vault.sealed"]);

    // Whatever is set for other locks.
    let daemon = env.start_with(&["--stay-locked=off"]);
    assert_eq!(left_in_state(&env), [""; 0]);
    assert_eq!(token(&env).status, 6);
    assert!(log_events(&env).iter().any(|event| event == "panicked"));
    daemon.stop();
    let _daemon = env.start();
    assert_eq!(token(&env).status, 3, "it was ended once, and is open as it was set to be");
}

#[test]
#[cfg(target_os = "linux")]
fn whoever_comes_from_another_machine_may_lock_and_nothing_else() {
    let env = Env::new(programs!());
    let _daemon = env.start();
    env.sign_in();
    // A program of that name is an SSH server to the daemon, as the one that forwards a socket is.
    let forwarder = env.folder().join("sshd-session");
    entra_tests::system::copy_program(programs!().entra, &forwarder);
    let forwarded = |args: &[&str]| {
        let mut command = env.command(&forwarder);
        command.args(args);
        entra_tests::run(command)
    };
    let refused = forwarded(&["panic", "--yes"]);
    assert_eq!(refused.status, 4, "{refused:?}");
    assert_eq!(token(&env).status, 0, "nothing happened");
    assert_eq!(forwarded(&["lock"]).status, 0);
    let mut unlock = env.command(&forwarder);
    unlock.args(["unlock"]).stdin(Stdio::from(std::fs::File::open(env.folder().join("passphrase")).unwrap()));
    let refused = entra_tests::run(unlock);
    assert_eq!(refused.status, 4, "{refused:?}");
    assert!(refused.stderr.contains("of this machine"), "{refused:?}");
    assert_eq!(token(&env).status, 6);
    assert_eq!(unlock_with(&env, PASSPHRASE).status, 200);
}

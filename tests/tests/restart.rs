//! What outlives the daemon: the sign-in, through stops, kills, damage and a disk that refuses, in both ways
//! in which Entra may treat an old refresh token.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use entra_sim::{Fault, Leg};
use entra_tests::{Env, Wiretap, finish, programs, raw, run, system};
use serde_json::json;

fn strict(env: &Env) {
    env.sim().control().set_rules(|rules| rules.strict_rotation = true);
}

fn vault(env: &Env) -> PathBuf {
    env.state_dir().join("vault.sealed")
}

/// A token from Entra itself, in any case.
fn refresh(env: &Env, resource: &str) {
    assert_eq!(env.token(&["--for", resource, "--force-refresh"])["source"], "refresh");
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_stop_keeps_the_sign_in_and_the_disk_holds_no_token() {
    let env = Env::new(programs!());
    let wiretap = Wiretap::new(&env);
    let daemon = env.start_through(&wiretap, &[]);
    let account = env.sign_in();
    refresh(&env, "arm");
    for path in [vault(&env), env.state_dir()] {
        assert!(system::is_private(&path), "{}", path.display());
    }
    assert!(system::is_private_socket(&env.socket()));
    assert_eq!(daemon.stop(), 0);
    assert!(!env.socket().exists(), "the socket goes with the daemon");

    let daemon = env.start_through(&wiretap, &[]);
    assert_eq!(env.token(&["--for", "arm"])["account"], json!(account), "without a sign-in");
    assert_eq!(env.token(&["--for", "arm"])["source"], "cache");
    let asked = env.sim().control().requests_on(Leg::Devicecode).len();
    assert_eq!(asked, 1);
    let secrets = wiretap.secrets();
    assert_eq!(secrets.iter().filter(|(name, _)| *name == "refresh_token").count(), 3, "the tap hears");
    let files = env.files();
    assert!(files.iter().any(|(path, _)| *path == vault(&env)));
    for (path, bytes) in files {
        for (name, secret) in &secrets {
            // Half of it would be too much as well.
            assert!(!contains(&bytes, &secret[..secret.len().min(40)]), "{name} in {}", path.display());
        }
    }
    daemon.stop();
}

#[test]
fn a_kill_after_an_answer_loses_nothing_though_old_tokens_are_void() {
    let env = Env::new(programs!());
    strict(&env);
    let mut daemon = env.start();
    env.sign_in();
    for round in 0..3 {
        refresh(&env, "arm");
        // The answer that depended on the new token has just arrived.
        daemon.kill();
        assert_eq!(env.socket().exists(), cfg!(unix), "a pipe goes, a socket is left stale; round {round}");
        daemon = env.start();
    }
    refresh(&env, "foundry");
    refresh(&env, "arm");
    assert_eq!(env.sim().control().state().revoked_refresh_tokens, 0);
}

#[test]
fn a_stop_while_a_refresh_is_under_way_waits_for_it() {
    let env = Env::new(programs!());
    strict(&env);
    let daemon = env.start();
    env.sign_in();
    env.sim().control().script(Fault::on(Leg::Refresh).delay(Duration::from_millis(900)));
    let mut caller = env.entra_command(&["token", "--for", "arm", "--output", "json"]);
    let caller = caller.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    env.sim().control().wait_for_arrival_blocking(Leg::Refresh, 1).unwrap();
    assert_eq!(daemon.stop(), 0);
    let ran = finish(caller);
    assert_eq!(ran.status, 0, "the running request is answered: {ran:?}");
    let _daemon = env.start();
    refresh(&env, "arm");
}

#[test]
fn a_damaged_vault_is_reported_and_kept_and_mended_by_a_sign_in() {
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();
    daemon.stop();
    let mut bytes = std::fs::read(vault(&env)).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(vault(&env), &bytes).unwrap();

    let daemon = env.start();
    let ran = env.entra(&["token", "--for", "arm"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (5, ""), "{ran:?}");
    assert!(ran.stderr.contains("is damaged") && ran.stderr.contains("authentication failed"), "{ran:?}");
    assert!(ran.stderr.contains("entra login"), "{ran:?}");
    let store = raw::get(&env.socket(), "/v1/status").body["store"].clone();
    assert_eq!(
        (&store["is_open"], &store["error"]["code"]),
        (&json!(false), &json!("store_damaged")),
        "{store}"
    );
    assert_eq!(env.entra(&["accounts"]).status, 5, "damaged is not the same as signed out");
    assert_eq!(std::fs::read(vault(&env)).unwrap(), bytes, "nothing was touched so far");

    env.sign_in();
    refresh(&env, "arm");
    let is_kept = |path: &PathBuf| path.to_string_lossy().contains("vault.sealed.damaged-");
    let kept: Vec<_> = env.files().into_iter().filter(|(path, _)| is_kept(path)).collect();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].1 == bytes, "the old bytes");
    daemon.stop();
    let _daemon = env.start();
    refresh(&env, "arm");
}

#[test]
#[cfg_attr(
    windows,
    ignore = "the system renames no folder with open files in it; vault_faults.rs has a file held back"
)]
fn a_disk_that_refuses_costs_no_sign_in() {
    let env = Env::new(programs!());
    strict(&env);
    let daemon = env.start();
    env.sign_in();
    env.sim().control().script(Fault::on(Leg::Refresh).delay(Duration::from_millis(900)));
    let mut caller = env.entra_command(&["token", "--for", "arm"]);
    let caller = caller.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    env.sim().control().wait_for_arrival_blocking(Leg::Refresh, 1).unwrap();
    // While Entra rotates the token, the folder goes and a file takes its place; root is held up as well.
    let aside = env.folder().join("aside");
    std::fs::rename(env.state_dir(), &aside).unwrap();
    std::fs::write(env.state_dir(), "").unwrap();
    assert_eq!(finish(caller).status, 0, "{}", env.log());
    let warning = |status: &serde_json::Value| status["warnings"].to_string().contains("only in memory");
    let status = env.status_where(warning);
    assert!(status["warnings"].to_string().contains("ada@example.com"), "{status}");
    refresh(&env, "arm");
    refresh(&env, "foundry");
    std::fs::remove_file(env.state_dir()).unwrap();
    std::fs::rename(&aside, env.state_dir()).unwrap();
    let _saved = env.status_where(|status| !warning(status));
    daemon.kill();
    let _daemon = env.start();
    refresh(&env, "arm");
    assert_eq!(env.sim().control().state().revoked_refresh_tokens, 0);
}

#[test]
fn a_wrong_passphrase_is_said_and_changes_nothing() {
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();
    daemon.stop();
    let before = std::fs::read(vault(&env)).unwrap();
    let passphrase = env.folder().join("passphrase");
    let right = std::fs::read(&passphrase).unwrap();
    std::fs::write(&passphrase, "another horse").unwrap();
    let daemon = env.start();
    let ran = env.entra(&["token", "--for", "arm"]);
    assert_eq!(ran.status, 5, "{ran:?}");
    assert!(ran.stderr.contains("passphrase"), "{ran:?}");
    assert_eq!(env.entra(&["login"]).status, 5, "a sign-in does not throw the vault away");
    assert_eq!(std::fs::read(vault(&env)).unwrap(), before);
    std::fs::write(&passphrase, right).unwrap();
    // Without a restart, as soon as the pause between two looks is over.
    let _open = env.status_where(|status| status["store"]["is_open"] == true);
    refresh(&env, "arm");
    daemon.stop();
}

#[test]
fn one_daemon_a_user() {
    let env = Env::new(programs!());
    let daemon = env.start_in_memory(&[]);
    let holder = format!("process {}", daemon.pid());
    let mut same_state = env.bare_daemon_command();
    same_state.arg("--store=memory").arg("--socket").arg(env.socket_named("other"));
    let mut same_socket = env.bare_daemon_command();
    same_socket.arg("--store=memory").arg("--state-dir").arg(env.folder().join("home/other"));
    for second in [same_state, same_socket] {
        let ran = run(second);
        assert_eq!((ran.status, ran.stdout.as_str()), (6, ""), "{ran:?}");
        assert!(ran.stderr.contains("Another entrad is running") && ran.stderr.contains(&holder), "{ran:?}");
    }
    assert_eq!(env.entra(&["status"]).status, 0, "the first still serves");
}

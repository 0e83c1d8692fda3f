//! The audit log through the real programs: who got what is in it, nothing secret is, and what is done to its files is found.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use entra_tests::loopback::{Lease, get};
use entra_tests::{Env, PERSON, Wiretap, programs, raw, run};
use serde_json::{Value, json};

fn file(env: &Env) -> PathBuf {
    env.state_dir().join("audit").join("audit.jsonl")
}

fn entries(env: &Env, more: &[&str]) -> Vec<Value> {
    let ran = env.entra(&[&["log", "--json"], more].concat());
    assert_eq!(ran.status, 0, "{ran:?}\n{}", env.log());
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn events(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["event"].as_str().unwrap()).collect()
}

fn assert_whole(env: &Env) {
    let ran = env.entra(&["log", "--verify"]);
    assert!(ran.status == 0 && ran.stdout.contains("is whole"), "{ran:?}");
}

#[test]
fn who_got_what_is_noted_and_nothing_secret_is() {
    let env = Env::new(programs!());
    let wiretap = Wiretap::new(&env);
    let daemon = env.start_through(&wiretap, &[]);
    let account = env.sign_in();
    let from_entra = env.token(&["--for", "arm"]);
    let from_memory = env.token(&["--for", "arm"]);
    let token = from_memory["access_token"].as_str().unwrap();
    assert_ne!(env.entra(&["token", "--for", "arm", "--account", "nobody@example.com"]).status, 0);
    assert_ne!(env.entra(&["token", "--resource", token]).status, 0);
    let lease = Lease::make(&env.socket(), "tool", &["arm"]);
    assert_eq!(lease.identity("https://management.azure.com/").status, 200);
    assert_eq!(lease.identity("https://graph.microsoft.com/").status, 403);
    assert_eq!(lease.azd(&json!({"scopes": ["https://management.azure.com//.default"]})).status, 200);
    assert_eq!(env.entra(&["lease", "revoke", "tool"]).status, 0);
    assert_eq!(lease.identity("https://management.azure.com/").status, 403);
    assert_eq!(env.entra(&["logout", &account]).status, 0);

    let all = entries(&env, &[]);
    assert_eq!(
        events(&all),
        [
            "started",
            "signed_in",
            "issued",
            "issued",
            "refused",
            "refused",
            "lease_made",
            "issued",
            "refused",
            "issued",
            "lease_revoked",
            "refused",
            "signed_out"
        ]
    );
    let (refreshed, cached) = (&all[2], &all[3]);
    assert_eq!((&refreshed["source"], &cached["source"]), (&"refresh".into(), &"cache".into()));
    assert_eq!(from_entra["source"], "refresh");
    for entry in [refreshed, cached] {
        assert_eq!(entry["account"], account.as_str());
        assert_eq!(entry["resource"], "arm");
        assert_eq!(entry["profile"], "default");
        assert!(entry["scopes"][0].as_str().unwrap().contains("management.azure.com"), "{entry}");
        assert!(entry["correlation_id"].as_str().is_some_and(|id| id.len() == 36), "{entry}");
        let caller = &entry["caller"];
        assert!(caller["program"].as_str().unwrap().contains("entra-under-test"), "{caller}");
        assert!(caller["pid"].as_u64().is_some() && caller["user"].as_str().is_some(), "{caller}");
        if cfg!(target_os = "linux") {
            assert!(caller["behind"].as_str().unwrap().contains("audit"), "{caller}");
        }
    }
    assert_eq!(all[4]["account"], "nobody@example.com");
    assert_eq!(all[5]["resource"], "[left out]", "a token in place of a resource");
    assert_eq!([&all[7]["lease"], &all[8]["lease"]], ["tool", "tool"]);
    assert_eq!(all[8]["error"], "refused");
    assert!(all[6]["detail"].as_str().unwrap().starts_with(&lease.id));
    let sequences: Vec<u64> = all.iter().map(|entry| entry["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (1..=13).collect::<Vec<u64>>());

    assert_eq!(entries(&env, &["--account", &account]).len(), 6);
    assert_eq!(entries(&env, &["--program", "no such program"]).len(), 0);
    assert!(entries(&env, &["--program", "UNDER-TEST"]).len() >= 6);
    assert_eq!(entries(&env, &["--since", "2h"]).len(), 13);
    assert_whole(&env);
    let table = env.entra(&["log"]).stdout;
    assert!(table.contains("lease tool") && table.contains("from Entra"), "{table}");

    assert_eq!(daemon.stop(), 0);
    let text = fs::read_to_string(file(&env)).unwrap();
    assert!(text.lines().last().unwrap().contains("\"event\":\"stopped\""), "{text}");
    for (name, secret) in wiretap.secrets() {
        assert!(!text.contains(&secret[..secret.len().min(24)]), "{name} is in the log");
    }
    assert!(!text.contains(&lease.secret) && !text.contains(token));
}

#[test]
fn a_sign_in_that_fails_and_a_token_that_dies_are_noted() {
    let env = Env::new(programs!());
    let _daemon = env.start();
    let login = env.login(&[]);
    let _shown = login.event_where(|event| event["event"] == "code");
    let _code = env.sim().control().next_user_code_blocking().unwrap();
    login.interrupt();
    let _ended = login.end();
    env.sign_in();
    env.sim().control().revoke_user(PERSON);
    assert_ne!(env.entra(&["token", "--for", "arm"]).status, 0);
    let all = entries(&env, &[]);
    let failed = all.iter().find(|entry| entry["event"] == "sign_in_failed").unwrap();
    assert_eq!(failed["error"], "sign_in_cancelled");
    let died = all.iter().find(|entry| entry["event"] == "refresh_token_died").unwrap();
    assert!(died["aadsts"].is_number() && died["account"].is_string(), "{died}");
}

#[test]
fn what_is_refused_before_it_begins_is_noted() {
    let env = Env::new(programs!());
    let _daemon = env.start();
    let lease = json!({ "name": "tool", "resources": ["arm"], "account": "nobody@example.com" });
    assert_ne!(raw::post(&env.socket(), "/v1/leases", &lease).status, 200);
    let sign_in = json!({ "tenant": "no tenant" });
    assert_eq!(raw::post(&env.socket(), "/v1/sign-ins", &sign_in).status, 400);
    let browser = raw::request("GET", "/v1/accounts", &[("Origin", "https://example.com")], "");
    assert_eq!(raw::exchange(&env.socket(), &browser).status, 403);
    let all = entries(&env, &[]);
    assert_eq!(events(&all), ["started", "refused", "sign_in_failed", "refused"]);
    assert_eq!((&all[1]["lease"], &all[1]["detail"]), (&"tool".into(), &"A lease was asked for.".into()));
    assert_eq!((&all[2]["tenant"], &all[2]["error"]), (&"no tenant".into(), &"bad_request".into()));
    assert!(all[1..].iter().all(|entry| entry["caller"]["pid"].is_number()), "{all:?}");
}

#[test]
fn a_sign_out_is_noted_although_its_caller_hangs_up() {
    let env = Env::new(programs!());
    let _daemon = env.start();
    let account = env.sign_in();
    let request = raw::request("DELETE", &format!("/v1/accounts/{account}"), &[], "");
    raw::connect(&env.socket()).write_all(&request).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while events(&entries(&env, &[])) != ["started", "signed_in", "signed_out"] {
        assert!(Instant::now() < deadline, "{:?}", entries(&env, &[]));
    }
}

#[test]
fn a_kill_leaves_a_log_that_verifies_and_a_torn_line_is_repaired() {
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();
    let _token = env.token(&["--for", "arm"]);
    let before = entries(&env, &[]).len();
    daemon.kill();
    let daemon = env.start();
    assert_eq!(entries(&env, &[]).len(), before + 1, "nothing that was written is lost");
    assert_whole(&env);
    daemon.kill();
    let text = fs::read_to_string(file(&env)).unwrap();
    fs::write(file(&env), format!("{text}{}", &text[..100])).unwrap();
    let _daemon = env.start();
    let all = entries(&env, &[]);
    assert_eq!(events(&all)[before + 1..], ["repaired", "started"]);
    assert_whole(&env);
}

#[test]
fn what_is_done_to_the_files_while_no_daemon_runs_is_found_by_the_next() {
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();
    let _token = env.token(&["--for", "arm"]);
    assert_eq!(daemon.stop(), 0);
    let text = fs::read_to_string(file(&env)).unwrap();
    let kept: String = text.split_inclusive('\n').take(2).collect();
    fs::write(file(&env), kept).unwrap();
    let daemon = env.start();
    let ran = env.entra(&["log", "--verify"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stdout.contains("audit.jsonl:3: Entries 3 to 4 are missing before this line."), "{ran:?}");
    assert!(ran.stdout.contains("The daemon found the log damaged"), "{ran:?}");
    let warnings = env.status_where(|_| true)["warnings"].to_string();
    assert!(warnings.contains("audit log was found damaged"), "{warnings}");
    let _token = env.token(&["--for", "arm"]);
    assert_eq!(daemon.stop(), 0);
    let _daemon = env.start();
    assert_eq!(env.entra(&["log", "--verify"]).status, 1, "it stays found");
}

#[test]
fn settings_that_changed_while_no_daemon_ran_show_in_the_log() {
    let env = Env::new(programs!());
    let started = |entry: &Value| (entry["event"] == "started").then(|| entry["detail"].clone());
    let mut details = Vec::new();
    for text in ["", "", "snooze = \"2h\"\n", "snooze = \"2h\"\n"] {
        env.configure(text);
        let daemon = env.start();
        // What is read was written.
        details = entries(&env, &[]).iter().filter_map(started).collect();
        daemon.kill();
    }
    assert!(details.len() == 4 && details[0].as_str().unwrap().contains(", settings "), "{details:?}");
    assert!(details[0] == details[1] && details[1] != details[2] && details[2] == details[3], "{details:?}");
}

#[test]
fn a_log_that_cannot_be_read_is_not_shown_as_empty() {
    if cfg!(windows) {
        // A folder is not moved there while a file in it is open.
        return;
    }
    let env = Env::new(programs!());
    let _daemon = env.start();
    assert_eq!(events(&entries(&env, &[])), ["started"]);
    let folder = file(&env).parent().unwrap().to_owned();
    fs::rename(&folder, folder.with_file_name("moved")).unwrap();
    fs::write(&folder, "in its place").unwrap();
    let ran = env.entra(&["log"]);
    assert!(ran.status == 1 && ran.stderr.contains("cannot be read"), "{ran:?}");
}

#[test]
fn a_stranger_on_loopback_cannot_fill_the_log() {
    let env = Env::new(programs!());
    let _daemon = env.start();
    env.sign_in();
    let lease = Lease::make(&env.socket(), "tool", &["arm"]);
    for _ in 0..300 {
        let refused = get(lease.port, "/msi/token?resource=https://management.azure.com/", &[]);
        assert_eq!(refused.status, 403, "{refused:?}");
    }
    let all = entries(&env, &[]);
    let refused: Vec<_> = all.iter().filter(|entry| entry["event"] == "refused").collect();
    assert!(refused.len() < 100, "{}", refused.len());
    let counted: usize = refused
        .iter()
        .filter_map(|entry| entry["detail"].as_str()?.split(' ').next()?.parse::<usize>().ok())
        .sum();
    assert_eq!(refused.len() + counted, 300, "{refused:?}");
    assert_whole(&env);
}

#[test]
fn the_verifier_of_the_documentation_agrees() {
    let python = if cfg!(windows) { "python" } else { "python3" };
    if Command::new(python).arg("--version").output().is_err() {
        // The machine has no Python; the one of the documentation is run where there is.
        return;
    }
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();
    assert_eq!(daemon.stop(), 0);
    let docs = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/audit.md")).unwrap();
    let program = docs.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let verify = || {
        let mut command = Command::new(python);
        command.args(["-c", program]).arg(file(&env).parent().unwrap());
        run(command)
    };
    let whole = verify();
    assert_eq!((whole.status, whole.stdout.trim()), (0, "3 entries, 1 to 3, whole"), "{whole:?}");
    let text = fs::read_to_string(file(&env)).unwrap();
    fs::write(file(&env), text.replacen("signed_in", "signed_up", 1)).unwrap();
    let changed = verify();
    assert!(changed.status == 1 && changed.stderr.contains("audit.jsonl:2"), "{changed:?}");
}

//! `entra config` where no daemon runs: the daemon's program stands beside the client, and is a script here.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use support::links::{alone, script};
use support::{FakeDaemon, NOWHERE, err, out};
use tempfile::TempDir;

/// The client, and beside it a daemon's program that is this script.
struct Beside(TempDir);

impl Beside {
    fn with(text: &str) -> Self {
        let (folder, _) = alone();
        script(&folder.path().join("entrad"), &format!("echo \"$*\" >\"$(dirname \"$0\")/asked\"\n{text}"));
        Self(folder)
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(self.0.path().join("entra"));
        command.args(words).env_clear().env("PATH", "/usr/bin:/bin").env("ENTRAD_SOCKET", NOWHERE);
        command.current_dir(self.0.path()).output().unwrap()
    }

    /// The words that the script was given.
    fn asked(&self) -> String {
        fs::read_to_string(self.0.path().join("asked")).unwrap().trim().to_owned()
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Prints an answer, with a log beside it.
fn telling(answer: &str) -> Beside {
    Beside::with(&format!("echo 'INFO it reads' >&2\ncat <<'END'\n{answer}\nEND"))
}

const ANSWER: &str = r#"{"settings":[{"key":"tenant","kind":"text","value":"contoso.com","origin":{"layer":"user","place":"/u:1"},"summary":"Tenant."}],"sources":[{"layer":"machine","place":"/etc/entrad/config.toml"},{"layer":"user","place":"/u","settings":1}],"egress":[],"applied_on":1}"#;

#[test]
fn what_the_daemon_would_use_is_shown_and_that_none_runs() {
    let beside = telling(ANSWER);
    let output = beside.run(&["config", "show"]);
    assert_eq!(
        out(&output),
        "No entrad runs; this is what it would use.\n\n\
         KEY     VALUE        FROM\ntenant  contoso.com  user file: /u:1\n"
    );
    assert_eq!((beside.asked().as_str(), output.status.code()), ("--report config", Some(0)));
    let output = beside.run(&["config", "show", "--json"]);
    assert_eq!(out(&output).trim(), ANSWER);
    assert!(err(&output).contains("No entrad runs"), "{}", err(&output));
    assert!(out(&beside.run(&["config", "report"])).contains(", no entrad runs, "));
}

#[test]
fn an_export_says_that_no_daemon_runs_and_what_is_not_in_it() {
    let bad = ANSWER.replace(r#""settings":1}"#, r#""fault":"/u:2: it is bad."}"#);
    let output = telling(&bad).run(&["config", "export", "--format", "toml"]);
    assert!(out(&output).contains("tenant = \"contoso.com\""), "{}", err(&output));
    assert!(err(&output).contains("No entrad runs"), "{}", err(&output));
    assert!(err(&output).contains("What is bad is not exported: /u:2: it is bad."), "{}", err(&output));
}

#[test]
fn an_export_can_be_read_by_every_user() {
    let beside = telling(ANSWER);
    let output = beside.run(&["config", "export", "--format", "toml", "--output", "10-it.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let about = fs::metadata(beside.path().join("10-it.toml")).unwrap();
    assert_eq!(about.permissions().mode() & 0o777, 0o644);
}

#[test]
fn a_user_without_a_place_for_a_socket_is_told_all_the_same() {
    let beside = telling(ANSWER);
    let mut command = Command::new(beside.path().join("entra"));
    let output = command.args(["config", "show"]).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap();
    assert!(out(&output).contains("contoso.com"), "{}", err(&output));
}

#[test]
fn a_bad_layer_is_told_in_the_daemons_words() {
    let beside =
        Beside::with("echo 'INFO a log' >&2; echo 'entrad: /u:3: there is no setting `x`.' >&2; exit 5");
    for words in [["config", "show"], ["config", "check"]] {
        let output = beside.run(&words);
        assert_eq!(output.status.code(), Some(5));
        assert_eq!(err(&output), "Error: /u:3: there is no setting `x`.\n");
    }
}

#[test]
fn a_check_tells_of_each_source() {
    let beside = telling(ANSWER);
    assert_eq!(
        out(&beside.run(&["config", "check"])),
        "machine file  /etc/entrad/config.toml: not there\nuser file     /u: 1 setting\n\
         All sources of settings are good.\n"
    );
    let bad = ANSWER.replace(r#""settings":1}"#, r#""settings":0,"fault":"/u:1: it is bad."}"#);
    let output = telling(&bad).run(&["config", "check"]);
    assert_eq!(output.status.code(), Some(5));
    assert!(out(&output).contains("/u: bad") && err(&output).contains("/u:1: it is bad."));
    assert!(!out(&output).contains("are good"));
}

#[test]
fn a_file_is_checked_by_its_whole_path() {
    let beside = telling(ANSWER);
    let folder = fs::canonicalize(beside.path()).unwrap();
    let output = beside.run(&["config", "check", "a b.toml"]);
    assert_eq!(beside.asked(), format!("--report config --config {}/a b.toml", folder.display()));
    assert!(out(&output).ends_with("a b.toml is good.\n"), "{}", out(&output));
    beside.run(&["config", "check", "--managed", "10.toml"]);
    assert_eq!(beside.asked(), format!("--report config --managed {}/10.toml", folder.display()));
}

#[test]
fn a_program_that_says_too_much_or_something_else_is_not_believed() {
    for script in ["yes", "echo ready /run/s", "exit 0", "exit 2", "kill -9 $$"] {
        let begun = Instant::now();
        let output = Beside::with(script).run(&["config", "show"]);
        assert_eq!((output.status.code(), out(&output)), (Some(1), ""), "{script}");
        assert!(err(&output).contains("/entrad "), "{script}: {}", err(&output));
        assert!(begun.elapsed() < Duration::from_secs(9), "{script}");
    }
}

#[test]
fn a_program_that_never_ends_is_ended() {
    let begun = Instant::now();
    let output = Beside::with("exec sleep 60").run(&["config", "show"]);
    assert_eq!((output.status.code(), out(&output)), (Some(1), ""));
    assert!(err(&output).contains("within 10 seconds"), "{}", err(&output));
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_report_names_nobodys_home() {
    let answer = ANSWER.replace("/u:1", "/home/ada/c.toml:1");
    let daemon = FakeDaemon::saying(200, &answer);
    let output = daemon.entra("config report").env("HOME", "/home/ada").output().unwrap();
    assert!(out(&output).contains("~/c.toml:1"), "{}", out(&output));
    assert!(!out(&output).contains("ada"), "{}", out(&output));
}

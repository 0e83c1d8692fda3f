//! `entra whoami`: the daemon's answer as a table or as it came.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use support::{FakeDaemon, err, out};

const TOLD: &str = r#"{"pid":42,"program":"/usr/bin/git","certainty":"strong"}"#;

#[test]
fn the_answer_is_a_table_or_json() {
    let daemon = FakeDaemon::saying(200, TOLD);
    let output = daemon.run("whoami");
    assert_eq!((err(&output), output.status.code()), ("", Some(0)));
    assert!(out(&output).contains("Program     /usr/bin/git\n"), "{}", out(&output));
    let output = daemon.run("whoami --json");
    assert_eq!((out(&output), output.status.code()), (format!("{TOLD}\n").as_str(), Some(0)));
    assert_eq!(daemon.heard()[0].line, "GET /v1/caller");
}

#[test]
fn a_daemon_that_does_not_know_the_route_says_so() {
    let daemon = FakeDaemon::saying(404, r#"{"code":"not_found","message":"There is no such route."}"#);
    let output = daemon.run("whoami");
    assert!(output.status.code() == Some(2) && err(&output).contains("There is no such route."));
}

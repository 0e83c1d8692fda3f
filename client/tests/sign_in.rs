//! `entra login` away from a terminal: plain lines, events as JSON, and every way to end.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use support::sign_ins::{CODE, SIGNED_IN, assert_cancelled, tell, waiting};
use support::{FakeDaemon, NOWHERE, entra, err, out};

const WAITING: &str = r#"{"event":"waiting","expires_on":1795231440,"notice":"Entra asked to slow down."}"#;

const FAILED: &str = r#"{"event":"failed","error":{"code":"sign_in_expired","message":"The code expired.","hint":"Run `entra login`.","aadsts":70020}}"#;

/// A daemon whose sign-ins tell these lines and end.
fn telling(lines: &'static [&'static str]) -> FakeDaemon {
    FakeDaemon::new(move |asked, stream| tell(asked, stream, lines))
}

#[test]
fn a_pipe_gets_plain_lines() {
    let daemon = telling(&[CODE, WAITING, WAITING, SIGNED_IN]);
    // Over SSH there is no desktop on any system.
    let output = daemon.entra("login --qr --copy").env("SSH_CONNECTION", "a 1 b 22").output().unwrap();
    assert_eq!((err(&output), output.status.code()), ("", Some(0)));
    assert_eq!(
        out(&output),
        "To sign in, open https://microsoft.com/devicelogin and enter the code BL6XB575V\n\
         The code is good for 15 min.\n\
         Only continue if you started this yourself. Nobody from IT or support will ever send you a code.\n\
         Profile: default (public cloud)\n\
         Tenant: contoso.com\n\
         App: Microsoft Azure CLI (04b07795-8ddb-461a-bbee-02f9e1bf7b46)\n\
         Asked by: entra (process 7)\n\
         Scopes: https://management.azure.com/.default\n\
         \x20 Entra asked to slow down.\n\
         Signed in as ada@contoso.com, tenant contoso.com, with device code.\n\
         Tools get tokens from now on; try `entra token --for graph`.\n\
         It was signed in with a code, which a policy may end at any time (AADSTS530036); where this machine has a \
         desktop, `entra login --reroot` there moves it to the browser.\n"
    );
}

#[test]
fn a_program_gets_the_events_as_they_come() {
    let output = telling(&[CODE, WAITING, SIGNED_IN]).run("login --json");
    assert_eq!(out(&output), format!("{CODE}\n{WAITING}\n{SIGNED_IN}\n"));
    assert_eq!((err(&output), output.status.code()), ("", Some(0)));
}

#[test]
fn a_failed_sign_in_ends_with_its_exit_status() {
    let daemon = telling(&[CODE, FAILED]);
    let output = daemon.run("login");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(err(&output), "Error: The code expired.\nHint: Run `entra login`.\nAADSTS70020\n");
    let output = daemon.run("login --json");
    assert_eq!((out(&output), err(&output)), (format!("{CODE}\n{FAILED}\n").as_str(), ""));
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn failures_before_the_stream_are_events_too() {
    let output = entra(&format!("login --json --socket {NOWHERE}")).output().unwrap();
    let event: serde_json::Value = serde_json::from_str(out(&output)).unwrap();
    assert_eq!(
        (event["event"].as_str(), event["error"]["code"].as_str()),
        (Some("failed"), Some("no_daemon"))
    );
    assert!(event["error"]["hint"].as_str().unwrap().contains("entrad"), "{event}");
    assert_eq!((err(&output), output.status.code()), ("", Some(7)));
}

#[test]
fn a_stream_that_breaks_off_is_no_success() {
    let daemon = telling(&[CODE]);
    let output = daemon.run("login");
    assert_eq!(output.status.code(), Some(1));
    while daemon.asked().line != "DELETE /v1/sign-ins/s-1" {}
    assert!(err(&output).contains("without saying how it went"), "{}", err(&output));
}

#[test]
fn what_was_asked_for_is_sent() {
    let daemon = telling(&[SIGNED_IN]);
    let output = daemon.run("login --dev-client --profile work --cloud us-government --tenant t --scope a b");
    // Whether there is a desktop is told of the system; what a test is started from has none only on Linux.
    let asked = || daemon.asked().body.replace(r#","has_browser":true"#, "");
    assert_eq!(
        asked(),
        r#"{"profile":"work","cloud":"us_government","tenant":"t","client_id":"04b07795-8ddb-461a-bbee-02f9e1bf7b46","scopes":["a","b"]}"#
    );
    assert!(err(&output).starts_with("Warning: --dev-client"), "{}", err(&output));
    daemon.run("login --account ada --claims-handle h");
    while daemon.asked().line != "GET /v1/sign-ins/s-1/events" {}
    assert_eq!(asked(), r#"{"account":"ada","claims_handle":"h"}"#);
}

#[test]
fn without_a_terminal_nobody_is_asked_for_the_app() {
    let body = r#"{"code":"client_id_needed","message":"No app registration is configured.","hint":"Give --client-id."}"#;
    let output = FakeDaemon::saying(400, body).run("login");
    assert_eq!((out(&output), output.status.code()), ("", Some(5)));
    assert_eq!(err(&output), "Error: No app registration is configured.\nHint: Give --client-id.\n");
}

#[test]
fn nobody_who_reads_ends_the_sign_in() {
    let daemon = waiting();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = daemon.entra("login --json").stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(8));
    assert_cancelled(&daemon);
}

//! `entra login` and `entra watch` ended by a signal.
// Windows has none; what is like them there needs a console, and is in `console.rs`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use support::prompts::{RAISED, prompt};
use support::sign_ins::{CODE, assert_cancelled, tell, waiting};
use support::{FakeDaemon, PATIENCE, err, until_closed};

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[rstest]
#[case(Signal::INT)]
#[case(Signal::TERM)]
#[case(Signal::HUP)]
fn a_signal_cancels_at_once(#[case] signal: Signal) {
    let daemon = waiting();
    let mut command = daemon.entra("login");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("BL6XB575V"), "{first}");
    let start = Instant::now();
    send(&child, signal);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(8));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(err(&output), "Error: The sign-in was cancelled.\n");
    assert_cancelled(&daemon);
}

#[test]
fn a_cancellation_is_an_event_for_a_program() {
    let daemon = waiting();
    let mut child = daemon.entra("login --json").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), CODE);
    send(&child, Signal::INT);
    assert!(lines.next().unwrap().unwrap().contains("sign_in_cancelled"));
    assert_eq!(child.wait().unwrap().code(), Some(8));
}

#[test]
fn a_sign_in_whose_id_is_on_its_way_is_cancelled_too() {
    let (release, held) = channel();
    let held = Mutex::new(held);
    let daemon = FakeDaemon::new(move |asked, stream| {
        if asked.line.starts_with("POST") {
            held.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        }
        tell(asked, stream, &[]);
        if asked.line.starts_with("GET") {
            until_closed(stream);
        }
    });
    let child = daemon.entra("login").stderr(Stdio::piped()).spawn().unwrap();
    assert_eq!(daemon.asked().line, "POST /v1/sign-ins");
    send(&child, Signal::INT);
    release.send(()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((err(&output), output.status.code()), ("Error: The sign-in was cancelled.\n", Some(8)));
    while daemon.asked().line != "DELETE /v1/sign-ins/s-1" {}
}

#[test]
fn a_daemon_that_does_not_take_the_cancellation_holds_nobody() {
    let daemon = FakeDaemon::new(|asked, stream| match asked.line.as_str() {
        "DELETE /v1/sign-ins/s-1" => until_closed(stream),
        _ => {
            tell(asked, stream, &[CODE]);
            until_closed(stream);
        }
    });
    let mut command = daemon.entra("login");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    let start = Instant::now();
    send(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(8));
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    assert!(err(&output).contains("could not be told to cancel"), "{}", err(&output));
}

#[rstest]
#[case(Signal::INT)]
#[case(Signal::TERM)]
fn a_signal_ends_a_watch_well_and_its_command_with_it(#[case] signal: Signal) {
    let daemon = FakeDaemon::new(|asked, stream| prompt(asked, stream, "{}", &[RAISED]));
    let mut command = daemon.entra("watch --run /bin/sh -c");
    // What it starts would go on for a minute, and holds standard error for as long.
    command.arg("printf '%s|' \"$ENTRA_PROMPT_ACCOUNT\" \"$ENTRA_PROMPT_NEED\" \"$ENTRA_PROMPT_PROGRAM\"; cat; echo; sleep 60; :");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    assert_eq!(line, "ada@example.com|now|/usr/bin/git (process 42)|\n");
    let start = Instant::now();
    send(&child, signal);
    let mut rest = String::new();
    errors.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    assert_eq!((rest.as_str(), output.status.code()), ("", Some(0)));
    assert_eq!(support::out(&output).lines().count(), 1);
}

//! `entra metrics`: the daemon's numbers as they came, on standard output or in a file.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use std::fs;

use support::{FakeDaemon, err, out};

const TEXT: &str = "# HELP entrad_leases_made Leases that were made.\n# EOF\n";

#[test]
fn the_text_is_printed_as_it_came() {
    let daemon = FakeDaemon::saying(200, TEXT);
    let output = daemon.run("metrics");
    assert_eq!((out(&output), err(&output), output.status.code()), (TEXT, "", Some(0)));
    assert_eq!(daemon.heard()[0].line, "GET /v1/metrics");
}

#[test]
fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
    let daemon = FakeDaemon::saying(200, TEXT);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("entrad.prom");
    for _ in 0..2 {
        let output = daemon.run(&format!("metrics --output {}", file.display()));
        assert_eq!((out(&output), err(&output), output.status.code()), ("", "", Some(0)));
        assert_eq!(fs::read_to_string(&file).unwrap(), TEXT);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_written_is_said_and_leaves_nothing() {
    let daemon = FakeDaemon::saying(200, TEXT);
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("entrad.prom");
    fs::create_dir(&taken).unwrap();
    for file in [folder.path().join("missing/entrad.prom"), taken] {
        let output = daemon.run(&format!("metrics --output {}", file.display()));
        assert_eq!((out(&output), output.status.code()), ("", Some(1)));
        assert!(err(&output).contains("could not be written to"), "{}", err(&output));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_daemon_without_numbers_says_so() {
    let daemon = FakeDaemon::saying(404, r#"{"code":"not_found","message":"There is no such route."}"#);
    let output = daemon.run("metrics");
    assert_eq!((out(&output), output.status.code()), ("", Some(2)));
    assert!(err(&output).contains("There is no such route."), "{}", err(&output));
}

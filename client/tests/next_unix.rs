//! What a dialect does not speak is left to the next program of its name on PATH.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use rstest::rstest;
use support::tools::{ANSWER, feed};
use support::{FakeDaemon, err, out};

/// Not written by the test: while another thread starts a program, that one holds the file open, and it cannot be run.
const THEIRS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/theirs.sh");

/// A folder with this program linked under a name.
fn link(name: &str) -> tempfile::TempDir {
    link_to(env!("CARGO_BIN_EXE_entra"), name)
}

/// A folder with another program of the name.
fn theirs(name: &str) -> tempfile::TempDir {
    link_to(THEIRS, name)
}

fn link_to(program: &str, name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    symlink(program, folder.path().join(name)).unwrap();
    folder
}

/// The link, with these folders on PATH and those of the system.
fn called(name: &str, folders: &[&Path]) -> Command {
    let mut command = Command::new(folders[0].join(name));
    let system = ["/usr/bin", "/bin"].map(Path::new);
    let path = std::env::join_paths(folders.iter().copied().chain(system)).unwrap();
    command.env_clear().env("PATH", path);
    command
}

#[rstest]
#[case("keyring", "get https://index.example/simple/ me")]
#[case("keyring", "--list-backends")]
#[case("keyring", "-b keyring.backends.null.Keyring get https://pkgs.dev.azure.com/o/ me")]
#[case("kubelogin", "convert-kubeconfig -l azurecli")]
#[case("kubelogin", "get-token --server-id s --login spn")]
#[case("kubelogin", "--version")]
fn the_next_program_is_called_with_the_same_words(#[case] name: &str, #[case] words: &str) {
    let (ours, again, theirs) = (link(name), link(name), theirs(name));
    let mut command = called(name, &[ours.path(), again.path(), theirs.path()]);
    let output = command.args(words.split(' ')).output().unwrap();
    assert_eq!(
        (out(&output), err(&output), output.status.code()),
        (format!("theirs: {words}\n").as_str(), "", Some(7))
    );
}

#[test]
fn the_next_program_reads_what_was_meant_for_it() {
    let (ours, theirs) = (link("keyring"), theirs("keyring"));
    let mut command = called("keyring", &[ours.path(), theirs.path()]);
    command.args(["set", "service", "me"]);
    assert_eq!(out(&feed(command, "a password\n")), "theirs: set service me\na password\n");
}

#[test]
fn what_is_ours_is_answered_here_all_the_same() {
    let daemon = FakeDaemon::saying(200, ANSWER);
    let (ours, theirs) = (link("keyring"), theirs("keyring"));
    let mut command = called("keyring", &[ours.path(), theirs.path()]);
    for variable in daemon.variables().split_terminator('\0') {
        let (name, value) = variable.split_once('=').unwrap();
        command.env(name, value);
    }
    let output = command.args(["get", "https://pkgs.dev.azure.com/o/", "me"]).output().unwrap();
    assert_eq!((out(&output), output.status.code()), ("eyJ0.e30.sig\n", Some(0)));
}

#[test]
fn a_file_that_may_not_be_run_is_passed_over() {
    let (ours, plain) = (link("keyring"), tempfile::tempdir().unwrap());
    fs::write(plain.path().join("keyring"), "#!/bin/sh\n").unwrap();
    let output = called("keyring", &[ours.path(), plain.path()]).args(["get", "s", "me"]).output().unwrap();
    assert_eq!((out(&output), err(&output), output.status.code()), ("", "", Some(1)));
}

#[test]
fn a_script_that_calls_this_program_again_is_found_out() {
    let (ours, theirs) = (link("keyring"), theirs("keyring"));
    let mut command = called("keyring", &[ours.path(), theirs.path()]);
    command.env("AGAIN", ours.path().join("keyring"));
    let output = command.args(["get", "s", "me"]).output().unwrap();
    assert_eq!((out(&output), output.status.code()), ("", Some(1)));
    assert!(err(&output).contains("calls this one again"), "{}", err(&output));
}

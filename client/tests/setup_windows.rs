//! `az` as `entra setup az-shim` puts it on a PATH of Windows: as a program and as a command file, called as SDKs call it.
#![cfg(windows)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

#[path = "support/home.rs"]
mod home;
mod support;

use std::process::{Command, Output};

use home::Home;
use rstest::rstest;
use serde_json::Value;
use support::tools::{ANSWER, TOKEN};
use support::{FakeDaemon, err, out, reply};

const ACCOUNTS: &str = r#"{"accounts":[{"id":"u.t","username":"ada@contoso.com","profile":"default","cloud":"public","tenant":"t","client_id":"c","provenance":{"flow":"device_code","signed_in_on":1795231440},"health":{"state":"good"}}]}"#;

fn daemon() -> FakeDaemon {
    FakeDaemon::new(|asked, stream| {
        reply(stream, 200, if asked.line == "POST /v1/token" { ANSWER } else { ACCOUNTS });
    })
}

/// A home in which `az` is ours.
fn home() -> Home {
    let home = Home::with(&[]);
    home.good("setup az-shim");
    home
}

/// The line as a person types it, with ours and these folders on PATH.
fn typed(home: &Home, daemon: &FakeDaemon, more: &[&str], line: &str) -> Output {
    let system = std::env::var_os("SystemRoot").unwrap();
    let system = std::path::Path::new(&system).join("system32");
    let mut folders = vec![home.shim("az").parent().unwrap().to_owned()];
    folders.extend(more.iter().map(|name| home.at(name)));
    folders.push(system.clone());
    let mut command = Command::new(system.join("cmd.exe"));
    command.env_clear();
    home.dress(&mut command);
    command.env("PATH", std::env::join_paths(folders).unwrap()).env("PATHEXT", ".COM;.EXE;.BAT;.CMD");
    for variable in daemon.variables().split_terminator('\0') {
        let (name, value) = variable.split_once('=').unwrap();
        command.env(name, value);
    }
    command.args(["/d", "/c"]).args(line.split(' ')).output().unwrap()
}

#[rstest]
#[case("az")]
#[case("az.exe")]
#[case("az.cmd")]
fn a_command_line_of_an_sdk_gets_a_token(#[case] name: &str) {
    let (home, daemon) = (home(), daemon());
    let line =
        format!("{name} account get-access-token --output json --resource https://management.azure.com");
    let output = typed(&home, &daemon, &[], &line);
    assert_eq!((err(&output), output.status.code()), ("", Some(0)));
    let answer: Value = serde_json::from_str(out(&output)).unwrap();
    assert_eq!(answer["accessToken"], TOKEN);
    assert!(daemon.asked().body.contains(r#""resource":"https://management.azure.com""#));
}

#[rstest]
#[case("az")]
#[case("az.cmd")]
fn what_is_not_ours_goes_to_the_next_az_with_its_words_and_status(#[case] name: &str) {
    let (home, daemon) = (home(), daemon());
    home.write("theirs/az.cmd", "@echo theirs: %*\r\n@exit /b 7\r\n");
    let output = typed(&home, &daemon, &["theirs"], &format!("{name} group list --tag a=b"));
    // Without the quotes, a command file would take the two halves for two words.
    assert_eq!(
        (out(&output).trim_end(), output.status.code()),
        (r#"theirs: group list --tag "a=b""#, Some(7))
    );
}

#[test]
fn a_command_file_passes_a_refusal_on() {
    let home = home();
    let daemon = FakeDaemon::saying(401, r#"{"code":"sign_in_needed","message":"Nobody is signed in."}"#);
    let output = typed(&home, &daemon, &[], "az.cmd account get-access-token");
    assert_eq!((out(&output), output.status.code()), ("", Some(1)));
    assert!(err(&output).contains("Nobody is signed in"), "{}", err(&output));
}

#[test]
fn a_command_file_that_calls_this_program_again_is_found_out() {
    let (home, daemon) = (home(), daemon());
    home.write("theirs/az.cmd", &format!("@\"{}\" %*\r\n", home.shim("az").display()));
    let output = typed(&home, &daemon, &["theirs"], "az group list");
    assert_eq!((out(&output), output.status.code()), ("", Some(1)));
    assert!(err(&output).contains("calls this one again"), "{}", err(&output));
}

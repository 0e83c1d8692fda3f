//! `entra run` and `entra env` with the shells of Windows.
#![cfg(windows)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use std::process::Output;

use rstest::rstest;
use support::leases::{SECRET, TOKEN, granting};
use support::{FakeDaemon, err, out};

/// Runs it with what `cmd` needs, and these variables.
fn run(daemon: &FakeDaemon, words: &[&str], variables: &[(&str, &str)]) -> Output {
    let system = std::env::var("SystemRoot").unwrap();
    let mut command = daemon.entra("run --for foundry");
    command.env("SystemRoot", &system).env("PATH", format!(r"{system}\system32"));
    command.envs(variables.iter().copied()).args(words).output().unwrap()
}

#[test]
fn a_program_has_what_each_dialect_needs_and_nothing_that_leads_past_it() {
    let conflicting = [
        ("AZURE_CLIENT_ID", "c"),
        ("azure_tenant_id", "t"),
        ("AZURE_TOKEN_CREDENTIALS", "dev"),
        ("MSI_SECRET", "s"),
        ("NO_PROXY", ".corp"),
        ("HTTP_PROXY", "http://proxy:1"),
    ];
    let words = ["--env", "PGPASSWORD=postgres", "--", "cmd", "/d", "/c", "set"];
    let output = run(&granting(), &words, &conflicting);
    assert_eq!((err(&output), output.status.code()), ("", Some(0)));
    let mut lines: Vec<&str> = out(&output).lines().collect();
    lines.retain(|line| {
        ["AZ", "ARM", "HTTP", "IDENTITY", "MSI", "NO_", "PG"]
            .iter()
            .any(|start| line.to_ascii_uppercase().starts_with(start))
    });
    lines.sort_unstable();
    let names = [
        "AZD_AUTH_ENDPOINT=http://127.0.0.1:7777/azd".to_owned(),
        format!("AZD_AUTH_KEY={SECRET}"),
        "HTTP_PROXY=http://proxy:1".to_owned(),
        "IDENTITY_ENDPOINT=http://127.0.0.1:7777/msi/token".to_owned(),
        format!("IDENTITY_HEADER={SECRET}"),
        "NO_PROXY=.corp,127.0.0.1,localhost".to_owned(),
        format!("PGPASSWORD={TOKEN}"),
    ];
    // The two names of a proxy's exceptions are one variable.
    let upper: Vec<String> = lines.iter().map(|line| line.replace("no_proxy=", "NO_PROXY=")).collect();
    assert_eq!(upper, names);
}

#[rstest]
#[case(0)]
#[case(7)]
#[case(0x4000_0001)]
fn a_status_of_thirty_two_bits_is_passed_on(#[case] status: i32) {
    let output = run(&granting(), &["--", "cmd", "/d", "/c", &format!("exit {status}")], &[]);
    assert_eq!((err(&output), output.status.code()), ("", Some(status)));
}

#[test]
fn a_command_file_on_path_is_found_by_its_bare_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tool.cmd"), "@echo %IDENTITY_HEADER% %~1\r\n@exit /b 5\r\n").unwrap();
    let system = std::env::var("SystemRoot").unwrap();
    let path = format!(r"{};{system}\system32", folder.path().display());
    let output = run(&granting(), &["--", "tool", "one word"], &[("PATH", &path)]);
    assert_eq!(
        (out(&output).trim_end(), err(&output), output.status.code()),
        (format!("{SECRET} one word").as_str(), "", Some(5))
    );
}

/// What `setx` is told, kept by a stand-in: no test changes the variables of the user who runs it.
#[test]
fn a_command_file_of_setx_sets_each_variable() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("setx.cmd"), "@echo %1=%~2>>\"%~dp0told\"\r\n").unwrap();
    let printed = granting().run("env --for foundry --shell setx");
    assert_eq!(printed.status.code(), Some(0), "{}", err(&printed));
    let lines = out(&printed).replace("setx ", "call setx ").replace(" >nul", "");
    std::fs::write(folder.path().join("lines.cmd"), lines).unwrap();
    let path = folder.path().display().to_string();
    let output = run(&granting(), &["--", "cmd", "/d", "/c", "lines.cmd"], &[("PATH", &path)]);
    assert_eq!((out(&output), output.status.code()), ("", Some(0)), "{}", err(&output));
    let told = std::fs::read_to_string(folder.path().join("told")).unwrap();
    assert!(told.lines().any(|line| line.trim_end() == format!("IDENTITY_HEADER={SECRET}")), "{told}");
}

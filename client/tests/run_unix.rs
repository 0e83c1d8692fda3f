//! `entra run` and `entra env` where programs take each other's place and shells are at hand.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use support::leases::{SECRET, TOKEN, granting};
use support::{FakeDaemon, err, out};

/// The program's environment, sorted, as a child of `entra run` has it.
fn environment(line: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let output = granting().entra(line).envs(variables.iter().copied()).output().unwrap();
    assert_eq!((err(&output), output.status.code()), ("", Some(0)));
    let mut lines: Vec<String> = out(&output).lines().map(str::to_owned).collect();
    lines.retain(|line| !line.starts_with("ENTRAD_SOCKET="));
    lines.sort();
    lines
}

#[test]
fn a_program_has_what_each_dialect_needs_and_nothing_that_leads_past_it() {
    let conflicting = [
        ("AZURE_CLIENT_ID", "c"),
        ("AZURE_TOKEN_CREDENTIALS", "dev"),
        ("IDENTITY_SERVER_THUMBPRINT", "t"),
        ("MSI_SECRET", "s"),
        ("NO_PROXY", ".corp"),
        ("HTTP_PROXY", "http://proxy:1"),
    ];
    let lines = environment("run --for foundry --env PGPASSWORD=postgres -- /usr/bin/env", &conflicting);
    assert_eq!(
        lines,
        [
            "AZD_AUTH_ENDPOINT=http://127.0.0.1:7777/azd".to_owned(),
            format!("AZD_AUTH_KEY={SECRET}"),
            "HTTP_PROXY=http://proxy:1".to_owned(),
            "IDENTITY_ENDPOINT=http://127.0.0.1:7777/msi/token".to_owned(),
            format!("IDENTITY_HEADER={SECRET}"),
            "NO_PROXY=.corp,127.0.0.1,localhost".to_owned(),
            format!("PGPASSWORD={TOKEN}"),
            "no_proxy=.corp,127.0.0.1,localhost".to_owned(),
        ]
    );
}

#[test]
fn what_is_kept_stays_and_terraform_is_told_the_way() {
    let variables = [("AZURE_CLIENT_ID", "c"), ("AZURE_TENANT_ID", "t"), ("AZURE_TOKEN_CREDENTIALS", "prod")];
    let line = "run --for arm --in-path --keep AZURE_CLIENT_ID -- /usr/bin/env";
    let lines = environment(line, &variables);
    for wanted in [
        "ARM_MSI_API_VERSION=2019-08-01",
        "ARM_MSI_ENDPOINT=http://127.0.0.1:7777/in/entra_lease_0a1b2c3d4e5f_00/msi/token",
        "ARM_USE_MSI=true",
        "AZURE_CLIENT_ID=c",
        "AZURE_TOKEN_CREDENTIALS=prod",
    ] {
        assert!(lines.iter().any(|line| line == wanted), "{wanted}: {lines:#?}");
    }
    assert!(!lines.iter().any(|line| line.starts_with("AZURE_TENANT_ID")), "{lines:#?}");
}

#[test]
fn the_program_is_this_very_process_and_no_argument_has_the_secret() {
    let daemon = granting();
    let line = "run --for foundry --env X=arm -- /bin/sh -c";
    let script = "echo $$; ps -o args= -p $$ 2>/dev/null || tr '\\0' ' ' </proc/$$/cmdline";
    let child = daemon.entra(line).arg(script).stdout(Stdio::piped()).spawn().unwrap();
    let process = child.id();
    let output = child.wait_with_output().unwrap();
    let (first, arguments) = out(&output).split_once('\n').unwrap();
    assert_eq!(first, process.to_string());
    assert!(arguments.contains("/bin/sh -c") && !arguments.contains("entra_lease_"), "{arguments}");
    assert!(!arguments.contains("eyJ0"), "{arguments}");
}

#[rstest]
#[case(Signal::INT)]
#[case(Signal::TERM)]
#[case(Signal::HUP)]
#[case(Signal::PIPE)]
fn a_signal_is_the_programs(#[case] signal: Signal) {
    let daemon = granting();
    let mut command = daemon.entra("run --for foundry -- /bin/sh -c");
    command.arg("echo ready; exec cat");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    kill_process(Pid::from_child(&child), signal).unwrap();
    // A shell makes 128 and the signal's number of it.
    assert_eq!(child.wait().unwrap().signal(), Some(signal.as_raw()));
}

#[test]
fn a_file_that_is_no_program_ends_as_in_a_shell() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        path.display().to_string()
    };
    for (path, words) in [
        (make("data", "", 0o644), "1: "),
        (make("lost", "#!/no/such/interpreter\n", 0o755), "interpreter or loader"),
    ] {
        let output = granting().run(&format!("run --for foundry -- {path}"));
        assert_eq!((output.status.code(), out(&output)), (Some(126), ""));
        assert!(
            err(&output).contains("could not be started") && err(&output).contains(words),
            "{}",
            err(&output)
        );
    }
}

/// What `sh` knows after it has read the lines twice: the values of these variables, and whether each is exported.
fn after(lines: &str, path: &Path, variables: &[(&str, &str)]) -> Vec<String> {
    let script = format!("set -eu\n{lines}{lines}\n/usr/bin/env");
    let mut shell = Command::new("/bin/sh");
    shell
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", path.display()))
        .envs(variables.iter().copied());
    let output = shell.args(["-c", &script]).output().unwrap();
    assert_eq!((err(&output), output.status.code()), ("", Some(0)));
    out(&output).lines().map(str::to_owned).collect()
}

fn lines(daemon: &FakeDaemon, line: &str) -> String {
    let output = daemon.run(line);
    assert_eq!((err(&output), output.status.code()), ("", Some(0)));
    out(&output).to_owned()
}

#[rstest]
#[case(&[], "127.0.0.1,localhost", "127.0.0.1,localhost")]
#[case(&[("NO_PROXY", ".corp")], ".corp,127.0.0.1,localhost", ".corp,127.0.0.1,localhost")]
#[case(&[("no_proxy", ".corp")], ".corp,127.0.0.1,localhost", ".corp,127.0.0.1,localhost")]
#[case(&[("NO_PROXY", "a"), ("no_proxy", "b")], "a,127.0.0.1,localhost", "b,127.0.0.1,localhost")]
#[case(&[("NO_PROXY", "*")], "*", "*")]
#[case(&[("NO_PROXY", "localhost,x'$(id)")], "localhost,x'$(id),127.0.0.1", "localhost,x'$(id),127.0.0.1")]
fn a_shell_reads_the_lines_twice_and_adds_once(
    #[case] variables: &[(&str, &str)],
    #[case] upper: &str,
    #[case] lower: &str,
) {
    let daemon = granting();
    let lines = lines(&daemon, "env --for foundry --env X=arm --shell bash");
    let before = [variables, &[("MSI_ENDPOINT", "m"), ("AZURE_CLIENT_SECRET", "s")]].concat();
    let after = after(&lines, Path::new("/nowhere"), &before);
    for wanted in [
        format!("IDENTITY_HEADER={SECRET}"),
        format!("X={TOKEN}"),
        format!("NO_PROXY={upper}"),
        format!("no_proxy={lower}"),
    ] {
        assert!(after.contains(&wanted), "{wanted}: {after:#?}");
    }
    assert!(!after.iter().any(|line| line.starts_with("MSI_") || line.starts_with("AZURE_")), "{after:#?}");
}

#[rstest]
#[case("*", true)]
#[case("*,b", false)]
#[case("127.0.0.1 localhost", false)]
fn a_proxy_goes_where_not_everybody_excepts_this_machine(#[case] exceptions: &str, #[case] is_out: bool) {
    let daemon = granting();
    let lines = lines(&daemon, "env --for foundry --shell bash");
    let before = [("NO_PROXY", exceptions), ("HTTP_PROXY", "http://p:1"), ("https_proxy", "http://p:1")];
    let after = after(&lines, Path::new("/nowhere"), &before);
    for name in ["HTTP_PROXY=", "https_proxy="] {
        assert_eq!(after.iter().any(|line| line.starts_with(name)), !is_out, "{after:#?}");
    }
    // Some divide the list at commas alone.
    let is_excepted = |line: &String| line.starts_with("NO_PROXY=") && line.ends_with(",127.0.0.1,localhost");
    assert_eq!(after.iter().any(is_excepted), !is_out, "{after:#?}");
}

#[test]
fn lines_without_quotes_around_them_are_read_all_the_same() {
    let daemon = granting();
    let lines = lines(&daemon, "env --for foundry --shell bash");
    let script = "eval $LINES_OF_ENTRA; printf '%s %s' \"$IDENTITY_HEADER\" \"$NO_PROXY\"";
    let mut shell = Command::new("/bin/sh");
    let output = shell.env_clear().env("LINES_OF_ENTRA", lines).args(["-c", script]).output().unwrap();
    assert_eq!(out(&output), format!("{SECRET} 127.0.0.1,localhost"));
}

#[test]
fn launchd_is_told_by_its_own_program() {
    let folder = tempfile::tempdir().unwrap();
    let launchctl = folder.path().join("launchctl");
    // A stand-in that keeps what it is told, a file a variable.
    let script = "#!/bin/sh\ncd \"${0%/*}\" || exit 1\ncase $1 in\nsetenv) printf %s \"$3\" >\"of_$2\" ;;\n\
                  getenv) cat \"of_$2\" 2>/dev/null || : ;;\nunsetenv) rm -f \"of_$2\" ;;\nesac\n";
    std::fs::write(&launchctl, script).unwrap();
    std::fs::set_permissions(&launchctl, PermissionsExt::from_mode(0o755)).unwrap();
    let told = |name: &str| std::fs::read_to_string(folder.path().join(format!("of_{name}"))).ok();
    std::fs::write(folder.path().join("of_no_proxy"), ".corp").unwrap();
    std::fs::write(folder.path().join("of_MSI_SECRET"), "s").unwrap();
    let daemon = granting();
    let before = [("NO_PROXY", "of the shell alone")];
    after(&lines(&daemon, "env --for foundry --shell launchctl"), folder.path(), &before);
    assert_eq!(told("IDENTITY_HEADER").as_deref(), Some(SECRET));
    for name in ["NO_PROXY", "no_proxy"] {
        assert_eq!(told(name).as_deref(), Some(".corp,127.0.0.1,localhost"), "{name}");
    }
    assert_eq!(told("MSI_SECRET"), None);
}

//! The program's own entry: arguments, streams and pipes are as every program expects them.

use std::io;
use std::process::{Command, Stdio};

const NOWHERE: &str = if cfg!(windows) { r"\\.\pipe\entra-test-nowhere" } else { "/nonexistent/s" };

fn entra() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entra"));
    command.env_clear().stdin(Stdio::null());
    command
}

#[test]
fn arguments_and_exit_status_pass() {
    let good = entra().args(["explain", "50076"]).output().unwrap();
    assert!(good.status.success() && String::from_utf8_lossy(&good.stdout).contains("50076"), "{good:?}");
    assert_eq!(entra().arg("nonsense").output().unwrap().status.code(), Some(2));
}

#[test]
fn the_environment_passes() {
    let output = entra().args(["status"]).env("ENTRAD_SOCKET", NOWHERE).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains(NOWHERE), "{output:?}");
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let status = entra().args(["explain", "50076"]).stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
}

// Elsewhere a closed stream leaves no number behind that the next file to open would take.
#[cfg(unix)]
#[test]
fn closed_streams_lead_nowhere_instead_of_into_the_socket() {
    let script = "exec \"$0\" explain 50076 <&- >&- 2>&-";
    let mut shell = Command::new("/bin/sh");
    let status = shell.args(["-c", script, env!("CARGO_BIN_EXE_entra")]).status().unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
}

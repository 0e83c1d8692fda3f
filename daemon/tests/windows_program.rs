//! The program on Windows: it serves on its pipe, seals under DPAPI's key, and a second one is told who is there.
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A daemon, ended with the test.
struct Daemon {
    child: Child,
    pipe: String,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn command(state: &Path, pipe: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entrad"));
    command.arg("--state-dir").arg(state).args(["--socket", pipe, "--log", "entrad=warn"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(state: &Path, name: &str) -> Daemon {
    let pipe = format!(r"\\.\pipe\entrad-test-{name}-{}", std::process::id());
    let mut child = command(state, &pipe).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let daemon = Daemon { child, pipe };
    assert_eq!(line.trim_end(), format!("ready {}", daemon.pipe));
    daemon
}

fn refused(state: &Path, pipe: &str) -> Output {
    command(state, pipe).output().unwrap()
}

fn open(pipe: &str) -> File {
    OpenOptions::new().read(true).write(true).open(pipe).unwrap()
}

fn ask(pipe: &str, path: &str, more: &str) -> String {
    let mut pipe = open(pipe);
    // Of version 1.0, so that the answer ends with the connection.
    pipe.write_all(format!("GET {path} HTTP/1.0\r\n{more}\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    pipe.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_answers_its_user_and_refuses_a_browser() {
    let home = tempfile::tempdir().unwrap();
    let daemon = start(&home.path().join("state"), "answers");
    for _ in 0..3 {
        let answer = ask(&daemon.pipe, "/v1/status", "Host: entrad\r\n");
        assert!(answer.starts_with("HTTP/1.0 200 ") && answer.contains("\"accounts\""), "{answer}");
    }
    let answer = ask(&daemon.pipe, "/v1/status", "Origin: https://a.example\r\n");
    assert!(answer.starts_with("HTTP/1.0 403 "), "{answer}");
}

#[test]
fn callers_at_once_are_all_served() {
    let home = tempfile::tempdir().unwrap();
    let daemon = start(&home.path().join("state"), "crowd");
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let pipe = daemon.pipe.clone();
            std::thread::spawn(move || {
                // While every instance is taken, the next one is about to be made.
                while let Err(error) =
                    OpenOptions::new().read(true).write(true).open(&pipe).map(|mut pipe| {
                        pipe.write_all(b"GET /v1/status HTTP/1.0\r\n\r\n").unwrap();
                        let mut answer = String::new();
                        pipe.read_to_string(&mut answer).unwrap();
                        assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
                    })
                {
                    assert_eq!(error.raw_os_error(), Some(ERROR_PIPE_BUSY), "{error}");
                    std::thread::yield_now();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.join().unwrap();
    }
}

#[test]
fn a_second_one_is_told_who_is_there() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    let daemon = start(&state, "first");
    let second = refused(&state, r"\\.\pipe\entrad-test-other");
    let text = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(6), "{text}");
    let holder = format!("process {} on {}", daemon.child.id(), daemon.pipe);
    assert!(text.contains("Another entrad is running") && text.contains(&holder), "{text}");
}

#[test]
fn a_setting_of_another_system_is_refused_with_what_there_is() {
    let home = tempfile::tempdir().unwrap();
    let mut command = command(home.path(), r"\\.\pipe\entrad-test-store");
    let refused = command.args(["--store", "keychain"]).output().unwrap();
    let text = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(5), "{text}");
    assert!(text.contains("use auto, dpapi, passphrase or memory"), "{text}");
}

/// Of winerror.h.
const ERROR_PIPE_BUSY: i32 = 231;

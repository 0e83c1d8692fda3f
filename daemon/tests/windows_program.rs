//! The program on Windows: it serves on its pipe, seals under DPAPI's key, and a second one is told who is there.
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]
#![expect(unsafe_code, reason = "setting an event has no safe interface")]

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
use windows_sys::Win32::System::Pipes::WaitNamedPipeW;
use windows_sys::Win32::System::Threading::{EVENT_MODIFY_STATE, OpenEventW, SetEvent, WaitForSingleObject};

/// A daemon, ended with the test.
struct Daemon {
    child: Child,
    pipe: String,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
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
fn its_event_stops_it_once_the_request_under_way_is_answered() {
    let home = tempfile::tempdir().unwrap();
    let mut daemon = start(&home.path().join("state"), "stop");
    let mut caller = BufReader::new(open(&daemon.pipe));
    let (first, rest) = REQUEST.split_at(1);
    let head = format!(
        "POST /v1/token HTTP/1.1\r\nHost: entrad\r\nContent-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        REQUEST.len()
    );
    caller.get_mut().write_all(head.as_bytes()).unwrap();
    // The daemon asks for the body, so the request is under way.
    assert_eq!(line(&mut caller), "HTTP/1.1 100 Continue");
    assert_eq!(line(&mut caller), "");
    caller.get_mut().write_all(first.as_bytes()).unwrap();

    set(&format!(r"Local\entrad-stop-{}", daemon.child.id()));
    // It has heard once no end of the pipe is free any more.
    let (pipe, begun) = (wide(&daemon.pipe), Instant::now());
    // SAFETY: the name ends in zero.
    while unsafe { WaitNamedPipeW(pipe.as_ptr(), 100) } != 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the pipe is still open");
        std::thread::yield_now();
    }
    caller.get_mut().write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    caller.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 ") && answer.contains("\"code\""), "{answer}");

    // SAFETY: the handle is that of a child that nobody has waited for.
    let ended = unsafe { WaitForSingleObject(daemon.child.as_raw_handle(), 10_000) };
    assert_eq!(ended, WAIT_OBJECT_0);
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
}

/// A request that is answered without Entra: nobody is signed in.
const REQUEST: &str = r#"{"resource":"https://management.azure.com"}"#;

fn line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// As `[Threading.EventWaitHandle]::OpenExisting(…).Set()` does.
fn set(event: &str) {
    let name = wide(event);
    // SAFETY: the name ends in zero.
    let event = unsafe { OpenEventW(EVENT_MODIFY_STATE, 0, name.as_ptr()) };
    assert!(!event.is_null(), "{}", std::io::Error::last_os_error());
    // SAFETY: the call succeeded, so this is an open handle that nothing else closes.
    let event = unsafe { OwnedHandle::from_raw_handle(event) };
    // SAFETY: the handle is open.
    assert_ne!(unsafe { SetEvent(event.as_raw_handle()) }, 0);
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

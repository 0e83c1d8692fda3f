//! `entra login` on a terminal: a pseudo-terminal stands in for the person's.
// Windows has consoles, which are not files.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use support::sign_ins::{CLIENT_ID, wanting_an_app};
use support::{FakeDaemon, PATIENCE};

const CODE: &str = r#"{"event":"code","user_code":"BL6XB575V","verification_uri":"https://microsoft.com/devicelogin","is_trusted_uri":true,"expires_on":1795231440,"expires_in":900,"message":"Go.","flow":"device_code","profile":"default","cloud":"public","tenant":"a\u001b[2Jb","client_id":"04b07795-8ddb-461a-bbee-02f9e1bf7b46","program":"entra (process 7)","scopes":["s"],"correlation_id":"c-1"}"#;

/// The person's side of the terminal.
struct Terminal {
    keys: File,
    pieces: Receiver<String>,
    seen: String,
}

impl Terminal {
    /// Runs the program on a new terminal of this width.
    fn run(daemon: &FakeDaemon, line: &str, columns: u16) -> (Self, Child) {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        fcntl_setfd(&keys, FdFlags::CLOEXEC).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let name = ptsname(&keys, Vec::new()).unwrap();
        let path = Path::new(std::ffi::OsStr::from_bytes(name.to_bytes())).to_owned();
        let side = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(side.as_fd(), size).unwrap();
        let copy = || Stdio::from(side.try_clone().unwrap());
        let mut command = daemon.entra(line);
        let child = command.stdin(copy()).stdout(copy()).stderr(copy()).spawn().unwrap();
        let keys = File::from(keys);
        let mut screen = keys.try_clone().unwrap();
        let (tell, pieces) = channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            // The read fails once the program has closed its side.
            while let Ok(count @ 1..) = screen.read(&mut piece) {
                let _ = tell.send(String::from_utf8_lossy(&piece[..count]).into_owned());
            }
        });
        (Self { keys, pieces, seen: String::new() }, child)
    }

    /// Waits until the text has appeared.
    fn expect(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.seen.contains(text) {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(piece) = self.pieces.recv_timeout(left) else { panic!("no {text:?} in {:?}", self.seen) };
            self.seen.push_str(&piece);
        }
    }

    fn type_in(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
    }
}

#[test]
fn a_person_is_asked_for_the_app_until_it_is_one() {
    let daemon = wanting_an_app(CODE);
    let (mut terminal, mut child) = Terminal::run(&daemon, "login", 80);
    terminal.expect("Application (client) id: ");
    terminal.type_in("nonsense\n");
    terminal.expect("That is no id");
    terminal.type_in(&format!("{CLIENT_ID}\n"));
    terminal.expect("B L 6     X B 5     7 5 V");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(daemon.asked().body, "{}");
    assert_eq!(daemon.asked().body, format!(r#"{{"client_id":"{CLIENT_ID}"}}"#));
}

#[test]
fn an_empty_answer_ends_with_the_error() {
    let daemon = wanting_an_app(CODE);
    for keys in ["\n", "\u{4}"] {
        let (mut terminal, mut child) = Terminal::run(&daemon, "login", 80);
        terminal.expect("Application (client) id: ");
        terminal.type_in(keys);
        assert_eq!(child.wait().unwrap().code(), Some(5));
        assert_eq!(terminal.seen.matches("No app registration").count(), 1, "{}", terminal.seen);
    }
}

#[test]
fn the_countdown_runs_on_one_line_and_leaves_it_clean() {
    let daemon = wanting_an_app(CODE);
    let (mut terminal, mut child) =
        Terminal::run(&daemon, &format!("login --client-id {CLIENT_ID} --copy"), 50);
    terminal.expect("15:00 left");
    terminal.expect("14:59 left");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    terminal.expect("\r\u{1b}[K\u{1b}[1;31mError:\u{1b}[0m The sign-in was cancelled.\r\n");
    assert_eq!(child.wait().unwrap().code(), Some(8));
    assert!(terminal.seen.contains("\u{1b}]52;c;Qkw2WEI1NzVW\u{7}"), "{:?}", terminal.seen);
    assert!(!terminal.seen.contains("\u{1b}[2J"), "relayed text moves the cursor: {:?}", terminal.seen);
}

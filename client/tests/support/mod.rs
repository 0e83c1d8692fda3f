//! A daemon of a few lines: a socket, a closure that answers, and the requests it heard.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

#[cfg_attr(unix, path = "listen_unix.rs")]
#[cfg_attr(windows, path = "listen_windows.rs")]
mod listen;

#[cfg(windows)]
#[path = "../../src/sid_windows.rs"]
mod sid;

pub(crate) mod leases;
pub(crate) mod links;
pub(crate) mod person;
pub(crate) mod prompts;
pub(crate) mod sign_ins;
pub(crate) mod tools;

pub(crate) use listen::*;

/// The longest any wait of a test takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Method and path.
    pub(crate) line: String,
    /// The body.
    pub(crate) body: String,
}

/// The fake. Its threads end with the test's process, its address with the value.
pub(crate) struct FakeDaemon {
    address: Address,
    asked: Receiver<Asked>,
}

impl FakeDaemon {
    /// Listens, and gives each connection with its request to `answer` in a thread of its own.
    pub(crate) fn new(answer: impl Fn(&Asked, &mut Connection) + Send + Sync + 'static) -> Self {
        let (mut listener, address) = listen();
        let (tell, asked) = channel();
        let answer = Arc::new(answer);
        thread::spawn(move || {
            loop {
                let (tell, answer) = (tell.clone(), Arc::clone(&answer));
                let mut stream = listener.accept();
                thread::spawn(move || {
                    let Some(request) = read_request(&mut stream) else { return };
                    let _ = tell.send(request.clone());
                    answer(&request, &mut stream);
                });
            }
        });
        Self { address, asked }
    }

    /// A daemon with one answer to everything.
    pub(crate) fn saying(status: u16, body: &str) -> Self {
        let body = body.to_owned();
        Self::new(move |_, stream| reply(stream, status, &body))
    }

    /// The program, pointed at this daemon.
    pub(crate) fn entra(&self, line: &str) -> Command {
        let mut command = entra(line);
        command.env("ENTRAD_SOCKET", self.address.path());
        command
    }

    /// What points the program at this daemon, where it is not started with a [`Command`]: a variable, with a
    /// zero for its end.
    pub(crate) fn variables(&self) -> String {
        format!("ENTRAD_SOCKET={}\0", self.address.path().display())
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, line: &str) -> Output {
        let output = self.entra(line).output().unwrap();
        keep(&output.stderr);
        output
    }

    /// The requests that have come and were not told of yet.
    pub(crate) fn heard(&self) -> Vec<Asked> {
        self.asked.try_iter().collect()
    }

    /// The next request, waited for.
    pub(crate) fn asked(&self) -> Asked {
        self.asked.recv_timeout(PATIENCE).unwrap()
    }
}

/// Keeps what was said on standard error for the scan for secrets, beside what other tests keep.
fn keep(said: &[u8]) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    if said.is_empty() {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-logs");
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("client-{}-{number}-stderr", std::process::id())), said).unwrap();
}

/// The program with an empty environment and these words.
pub(crate) fn entra(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entra"));
    command.env_clear().args(line.split(' ').filter(|word| !word.is_empty()));
    command
}

/// Writes an answer as entrad would.
pub(crate) fn reply(stream: &mut Connection, status: u16, body: &str) {
    let version = env!("CARGO_PKG_VERSION");
    let length = body.len();
    let head =
        format!("HTTP/1.0 {status} X\r\nentrad-version: {version}\r\ncontent-length: {length}\r\n\r\n{body}");
    // The client may have been ended by the test.
    let _ = stream.write_all(head.as_bytes());
}

/// Begins a stream of events.
pub(crate) fn begin_events(stream: &mut Connection) {
    let version = env!("CARGO_PKG_VERSION");
    stream.write_all(format!("HTTP/1.0 200 OK\r\nentrad-version: {version}\r\n\r\n").as_bytes()).unwrap();
}

/// Waits until the client has gone.
pub(crate) fn until_closed(stream: &mut Connection) {
    let _ = stream.read(&mut [0]);
}

/// Standard output as text.
pub(crate) fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// Standard error as text.
pub(crate) fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn read_request(stream: &mut Connection) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
        let text = std::str::from_utf8(&bytes).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            let line = head.split(" HTTP").next().unwrap_or_default().to_owned();
            return Some(Asked { line, body: body.to_owned() });
        }
    }
}

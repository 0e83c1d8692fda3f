//! `/v1/token` from memory against a bare axum handler with the same bytes.
//!
//! The bare side is what the daemon would be without guards, limits, broker and JSON: `axum::serve` on a
//! Unix socket and a current-thread runtime in a process of its own, whose handler ignores the request and
//! returns the daemon's own headers and body. One caller asks both in turn, all three on one core.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, header};
use axum::routing::post;

use crate::Effort;
use crate::figures::{Figures, Pairs};
use crate::stage::{Stage, hold_to_one_core};

/// The word that makes this program the bare side.
pub(crate) const BARE: &str = "serve-bare";

pub(crate) fn measure(stage: &Stage, effort: Effort, figures: &mut Figures) {
    let workstation = stage.workstation();
    hold_to_one_core(&workstation, true);
    let folder = workstation.env.folder();
    let (ours, theirs) = (workstation.env.socket(), folder.join("bare.sock"));
    let whole = Connection::open(&ours).ask().to_vec();
    std::fs::write(folder.join("answer"), body(&whole)).unwrap();
    let bare = Bare::start(&theirs, &folder.join("answer"));
    assert_eq!(shape(&whole), shape(Connection::open(&theirs).ask()), "both sides send the same");

    let rounds = if effort.is_quick { 100 } else { 1000 };
    let (mut kept_ours, mut kept_theirs) = (Connection::open(&ours), Connection::open(&theirs));
    let kept = alternate(rounds, || kept_ours.time(), || kept_theirs.time());
    report(figures, "kept connection", &kept);
    let fresh = |socket: &PathBuf| {
        let start = Instant::now();
        Connection::open(socket).ask();
        start.elapsed()
    };
    let fresh = alternate(rounds, || fresh(&ours), || fresh(&theirs));
    report(figures, "new connection", &fresh);
    drop(bare);
    hold_to_one_core(&workstation, false);
}

fn report(figures: &mut Figures, kind: &str, pairs: &Pairs) {
    figures.target(&format!("/v1/token, cached, {kind} / bare axum, p50"), pairs.ratio(), "", 1.3);
    let (ours, theirs) = pairs.micros(0.99);
    figures.note(&format!("/v1/token, cached, {kind} / bare axum, p99"), ours / theirs, "");
    for (name, at) in [("p50", 0.5), ("p99", 0.99)] {
        let (ours, theirs) = pairs.micros(at);
        figures.note(&format!("  {kind}, entrad, {name}"), ours, "µs");
        figures.note(&format!("  {kind}, bare axum, {name}"), theirs, "µs");
    }
}

fn alternate(
    rounds: usize,
    mut ours: impl FnMut() -> Duration,
    mut theirs: impl FnMut() -> Duration,
) -> Pairs {
    let mut pairs = Pairs::default();
    for round in 0..=rounds {
        let mut first = Vec::with_capacity(BATCH);
        let mut second = Vec::with_capacity(BATCH);
        first.extend((0..BATCH).map(|_| if round % 2 == 0 { ours() } else { theirs() }));
        second.extend((0..BATCH).map(|_| if round % 2 == 0 { theirs() } else { ours() }));
        // The first round warms both up.
        match (round, round % 2) {
            (0, _) => {}
            (_, 0) => pairs.add(&first, &second),
            _ => pairs.add(&second, &first),
        }
    }
    pairs
}

/// Short, so that both sides see the same machine.
const BATCH: usize = 20;

/// A connection over which one request follows the other.
struct Connection {
    stream: UnixStream,
    buffer: Vec<u8>,
}

const REQUEST: &[u8] = b"POST /v1/token HTTP/1.1\r\nHost: entrad\r\nContent-Type: application/json\r\n\
    Content-Length: 20\r\n\r\n{\"resource\":\"graph\"}";

impl Connection {
    fn open(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { stream, buffer: vec![0; 64 * 1024] }
    }

    fn time(&mut self) -> Duration {
        let start = Instant::now();
        self.ask();
        start.elapsed()
    }

    /// Sends the request and reads the whole answer.
    fn ask(&mut self) -> &[u8] {
        self.stream.write_all(REQUEST).unwrap();
        let mut held = 0;
        loop {
            let count = self.stream.read(&mut self.buffer[held..]).unwrap();
            assert!(count > 0, "the connection was closed");
            held += count;
            if is_whole(&self.buffer[..held]) {
                assert!(self.buffer.starts_with(b"HTTP/1.1 200"), "a good answer");
                return &self.buffer[..held];
            }
        }
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = head_end(answer) else { return false };
    let head = std::str::from_utf8(&answer[..end]).unwrap().to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap();
    answer.len() - end >= length.parse().unwrap()
}

fn head_end(answer: &[u8]) -> Option<usize> {
    answer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn body(answer: &[u8]) -> &[u8] {
    &answer[head_end(answer).unwrap()..]
}

/// What both sides must have in common: the names of the headers and the body's length. The date differs,
/// and the daemon's `expires_on` may count a second less.
fn shape(answer: &[u8]) -> (Vec<String>, usize) {
    let head = String::from_utf8_lossy(&answer[..head_end(answer).unwrap()]).into_owned();
    let mut names: Vec<_> =
        head.lines().skip(1).filter_map(|line| Some(line.split_once(": ")?.0.to_owned())).collect();
    names.sort();
    (names, body(answer).len())
}

/// The bare side's process.
struct Bare(Child);

impl Bare {
    fn start(socket: &Path, answer: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let child = command.arg(BARE).arg(socket).arg(answer).stdout(Stdio::piped()).spawn().unwrap();
        let mut bare = Self(child);
        // It closes its output when it listens.
        bare.0.stdout.take().unwrap().read_to_end(&mut Vec::new()).unwrap();
        bare
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The bare side: serves until it is killed.
pub(crate) fn serve_bare(socket: &str, answer: &str) {
    let body = Bytes::from(std::fs::read(answer).unwrap());
    let handler = async move || {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (
                HeaderName::from_static(entra_proto::version::HEADER),
                HeaderValue::from_static(entra_proto::version::VERSION),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (headers, body)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::UnixListener::bind(socket).unwrap();
        rustix::stdio::dup2_stdout(std::fs::File::open("/dev/null").unwrap()).unwrap();
        axum::serve(listener, Router::new().route("/v1/token", post(handler))).await.unwrap();
    });
}

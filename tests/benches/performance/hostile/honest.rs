//! Honest callers, who ask at a steady pace whatever happens.
//!
//! One that is kept waiting asks less often just when it is slow, and the slow times would hardly count. So for each request that
//! would have been due meanwhile its wait counts too.

use std::io;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::super::connection::{Connection, token_request};
use super::super::figures::quantile;

/// Where an honest caller asks, and what.
pub(crate) enum Honest {
    /// For a token, on the socket.
    Socket(PathBuf),
    /// This request, on a port of loopback.
    Port(u16, Vec<u8>),
}

/// How long each of them waited, in microseconds.
#[derive(Default)]
pub(crate) struct Waits {
    pub(crate) fresh: Vec<f64>,
    pub(crate) kept: Vec<f64>,
    /// Requests without a good answer.
    pub(crate) lost: usize,
}

impl Honest {
    /// Asks for so long, by turns over a new connection and over one that is kept.
    pub(crate) fn ask_for(&self, time: Duration) -> Waits {
        let mut waits = Waits::default();
        let mut kept = self.open();
        let end = Instant::now() + time;
        while Instant::now() < end {
            sleep(PACE);
            let start = Instant::now();
            let done = self.open().and_then(|mut fresh| fresh.ask(self.request()));
            waits.note(start.elapsed(), done, true);
            sleep(PACE);
            let start = Instant::now();
            let ask = |kept: &mut io::Result<Line>| match kept {
                Ok(kept) => kept.ask(self.request()),
                Err(error) => Err(error.kind().into()),
            };
            // One that was idle may have made room meanwhile; then clients ask once more (RFC 9110, section 9.2.2).
            let done = ask(&mut kept).or_else(|_| {
                kept = self.open();
                ask(&mut kept)
            });
            waits.note(start.elapsed(), done, false);
        }
        waits
    }

    fn open(&self) -> io::Result<Line> {
        match self {
            Self::Socket(path) => Connection::try_open(path).map(Line::Socket),
            Self::Port(port, _) => Connection::try_to_port(*port).map(Line::Port),
        }
    }

    fn request(&self) -> &[u8] {
        static TOKEN: std::sync::LazyLock<Vec<u8>> =
            std::sync::LazyLock::new(|| token_request(r#"{"resource":"graph"}"#));
        match self {
            Self::Socket(_) => &TOKEN,
            Self::Port(_, request) => request,
        }
    }
}

enum Line {
    Socket(Connection),
    Port(Connection<std::net::TcpStream>),
}

impl Line {
    fn ask(&mut self, request: &[u8]) -> io::Result<()> {
        let answer = match self {
            Self::Socket(connection) => connection.try_ask(request)?,
            Self::Port(connection) => connection.try_ask(request)?,
        };
        if answer.starts_with(b"HTTP/1.1 200") { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

impl Waits {
    fn note(&mut self, took: Duration, done: io::Result<()>, is_fresh: bool) {
        let times = if is_fresh { &mut self.fresh } else { &mut self.kept };
        let mut left = Some(took);
        while let Some(wait) = left {
            times.push(wait.as_secs_f64() * 1e6);
            left = wait.checked_sub(2 * PACE).filter(|wait| *wait > 2 * PACE);
        }
        self.lost += usize::from(done.is_err());
    }

    pub(crate) fn of(&self, is_fresh: bool, at: f64) -> f64 {
        quantile(if is_fresh { &self.fresh } else { &self.kept }, at)
    }
}

/// Often enough to meet what lasts a few milliseconds, seldom enough to leave the daemon idle in between.
const PACE: Duration = Duration::from_millis(1);

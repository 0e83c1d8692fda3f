//! Attackers: this program as a process of its own, which never gives way.
//!
//! Whatever the daemon closes is opened again at once. They are of the lowest priority, on the core of whoever measures: so an
//! honest caller loses no time to them but what they cost the daemon.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setpriority_process, setrlimit};

use super::super::server;

/// What attackers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Connect and say nothing.
    Idle,
    /// Say a half of what they have to say, each a half of something else.
    Half,
    /// Connect and hang up, each some two thousand times a second; some ask first, and some talk nonsense.
    Churn,
    /// The same as fast as they can.
    Flood,
    /// Ask for what has no end, or for a lot, and read a byte a second.
    Readers,
}

impl Kind {
    const ALL: [(Self, &str); 5] = [
        (Self::Idle, "idle"),
        (Self::Half, "half"),
        (Self::Churn, "churn"),
        (Self::Flood, "flood"),
        (Self::Readers, "readers"),
    ];

    pub(crate) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).unwrap().1
    }

    /// What one of them says, in its turn.
    fn words(self, turn: usize) -> &'static [u8] {
        let of: &[&[u8]] = match self {
            Self::Idle => &[b""],
            Self::Half => &[
                b"GET /v1/status HTTP/1.1\r\nHost: ",
                b"POST /v1/token HTTP/1.1\r\nHost: entrad\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{",
            ],
            Self::Churn | Self::Flood => &[
                b"",
                // What is no HTTP.
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
                b"POST /v1/token HTTP/1.1\r\nHost: entrad\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"resource\":\"graph\"}",
            ],
            Self::Readers => &[EVENTS, ACCOUNTS],
        };
        of[turn % of.len()]
    }

    /// How often it says that.
    fn times(self, turn: usize) -> usize {
        if self == Self::Readers && turn % 2 == 1 { PIPELINED } else { 1 }
    }
}

const EVENTS: &[u8] = b"GET /v1/prompts/events HTTP/1.1\r\nHost: entrad\r\n\r\n";
const ACCOUNTS: &[u8] = b"GET /v1/accounts HTTP/1.1\r\nHost: entrad\r\n\r\n";

/// As much as fits into a socket unread.
const PIPELINED: usize = 1_000;

/// The attackers: so many at `place`, a socket's path or a port. They write into `tally` how often they have connected, and go on
/// until they are killed.
pub(crate) fn serve(kind: &str, place: &str, count: &str, tally: &str) {
    let kind = Kind::ALL.iter().find(|(_, word)| *word == kind).unwrap().0;
    let (door, count) = (Door::at(place), count.parse().unwrap());
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    setpriority_process(None, LOWEST_PRIORITY).unwrap();
    // Below even that, they give way to an honest caller at once (util-linux, chrt(1)). Threads that come later have it too.
    let idle = ["--idle", "--pid", "0", &std::process::id().to_string()];
    assert!(Command::new("chrt").args(idle).status().unwrap().success());
    let tally = PathBuf::from(tally);
    thread::spawn(move || {
        loop {
            // The reader may find it half written, and looks again.
            std::fs::write(&tally, CONNECTED.load(Ordering::Relaxed).to_string()).unwrap();
            thread::sleep(Duration::from_millis(50));
        }
    });
    if matches!(kind, Kind::Churn | Kind::Flood) {
        come_and_go(kind, &door, count);
    } else {
        hold(kind, &door, count);
    }
}

static CONNECTED: AtomicU64 = AtomicU64::new(0);

const LOWEST_PRIORITY: i32 = 19;

/// Between two connections.
const PAUSE: Duration = Duration::from_micros(400);

/// Where the attackers knock.
#[derive(Clone, Debug)]
enum Door {
    Socket(PathBuf),
    Port(u16),
}

impl Door {
    fn at(place: &str) -> Self {
        place.parse().map_or_else(|_| Self::Socket(Path::new(place).to_owned()), Self::Port)
    }
}

/// Threads that come and go.
fn come_and_go(kind: Kind, door: &Door, count: usize) {
    thread::scope(|scope| {
        for turn in 0..count {
            scope.spawn(move || {
                let words = kind.words(turn);
                loop {
                    // Whatever becomes of it, the next one follows.
                    let _ended = once(door, words);
                    CONNECTED.fetch_add(1, Ordering::Relaxed);
                    if kind == Kind::Churn {
                        thread::sleep(PAUSE);
                    }
                }
            });
        }
        server::say_listening();
    });
}

fn once(door: &Door, words: &[u8]) -> io::Result<()> {
    match door {
        Door::Socket(path) => std::os::unix::net::UnixStream::connect(path)?.write_all(words),
        Door::Port(port) => std::net::TcpStream::connect(("127.0.0.1", *port))?.write_all(words),
    }
}

/// Connections that stay for as long as the daemon lets them, on one thread.
fn hold(kind: Kind, door: &Door, count: usize) {
    static HELD: AtomicUsize = AtomicUsize::new(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for turn in 0..count {
            let door = door.clone();
            tokio::spawn(async move {
                let mut is_first = true;
                loop {
                    if let Ok(stream) = Held::open(&door).await {
                        CONNECTED.fetch_add(1, Ordering::Relaxed);
                        for _ in 0..kind.times(turn) {
                            stream.say(kind.words(turn));
                        }
                        if std::mem::take(&mut is_first) {
                            HELD.fetch_add(1, Ordering::Relaxed);
                        }
                        stream.closed(kind).await;
                    } else {
                        // The queue is full.
                        tokio::time::sleep(Duration::from_millis(2)).await;
                    }
                }
            });
        }
        let all_there = async {
            while HELD.load(Ordering::Relaxed) < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // Where they are not let in, they go on trying.
        let _late = tokio::time::timeout(Duration::from_secs(10), all_there).await;
        server::say_listening();
        std::future::pending::<()>().await;
    });
}

enum Held {
    Socket(tokio::net::UnixStream),
    Port(tokio::net::TcpStream),
}

impl Held {
    async fn open(door: &Door) -> io::Result<Self> {
        match door {
            Door::Socket(path) => tokio::net::UnixStream::connect(path).await.map(Self::Socket),
            Door::Port(port) => tokio::net::TcpStream::connect(("127.0.0.1", *port)).await.map(Self::Port),
        }
    }

    /// Says it as far as it is taken.
    fn say(&self, words: &[u8]) {
        let _short = match self {
            Self::Socket(stream) => stream.try_write(words),
            Self::Port(stream) => stream.try_write(words),
        };
    }

    /// Waits until the daemon hangs up.
    async fn closed(&self, kind: Kind) {
        loop {
            let readable = match self {
                Self::Socket(stream) => stream.readable().await,
                Self::Port(stream) => stream.readable().await,
            };
            let mut byte = [0];
            let read = readable.and_then(|()| match self {
                Self::Socket(stream) => stream.try_read(&mut byte),
                Self::Port(stream) => stream.try_read(&mut byte),
            });
            match read {
                Ok(1..) if kind == Kind::Readers => tokio::time::sleep(Duration::from_secs(1)).await,
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => return,
            }
        }
    }
}

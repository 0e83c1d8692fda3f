//! Many callers at once, each on a connection of its own.
//!
//! All of them are one process and one thread, so that the machine's cores are left to the server. The same
//! crowd asks the daemon and the echo server, so what it costs is in both figures.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinSet;

use super::connection::is_whole;

/// Callers that are connected and have asked nothing yet.
pub(crate) struct Crowd(Vec<UnixStream>);

/// The crowd's answers, in the order in which they came.
pub(crate) type Answers = Vec<(Instant, Vec<u8>)>;

impl Crowd {
    /// Connects them all.
    pub(crate) fn gather(socket: &Path, count: usize) -> Self {
        let limit = getrlimit(Resource::Nofile);
        let wanted = count as u64 + SPARE_DESCRIPTORS;
        if limit.current.is_some_and(|current| current < wanted) {
            setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }).unwrap();
        }
        Self((0..count).map(|_| UnixStream::connect(socket).unwrap()).collect())
    }

    /// Sends everyone's request, and lets them wait for their answers on a thread of their own.
    pub(crate) fn ask(mut self, request: &[u8]) -> JoinHandle<Answers> {
        for stream in &mut self.0 {
            stream.write_all(request).unwrap();
        }
        thread::spawn(move || self.hear())
    }

    fn hear(self) -> Answers {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut callers = JoinSet::new();
            for stream in self.0 {
                stream.set_nonblocking(true).unwrap();
                callers.spawn(read_answer(tokio::net::UnixStream::from_std(stream).unwrap()));
            }
            tokio::time::timeout(PATIENCE, callers.join_all()).await.expect("everybody is answered")
        })
    }
}

async fn read_answer(stream: tokio::net::UnixStream) -> (Instant, Vec<u8>) {
    let mut answer = vec![0; 8 * 1024];
    let mut held = 0;
    loop {
        stream.readable().await.unwrap();
        match stream.try_read(&mut answer[held..]) {
            Ok(0) => panic!("the connection was closed"),
            Ok(count) => held += count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
        if is_whole(&answer[..held]) {
            let came = Instant::now();
            answer.truncate(held);
            return (came, answer);
        }
    }
}

/// Files and connections besides the crowd's.
const SPARE_DESCRIPTORS: u64 = 256;

/// Far above what any answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

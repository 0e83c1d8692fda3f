//! Callers that keep the daemon refreshing until it is gone.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use std::io::Write;

use entra_tests::raw;

use super::lane::wanted;

/// Some callers at once, each of which asks for one new resource after the other.
pub(crate) struct Callers(Vec<JoinHandle<Vec<String>>>);

impl Callers {
    /// Each asks so often, unless the daemon goes before.
    pub(crate) fn start(socket: &Path, times: usize) -> Self {
        let caller = |number: usize| {
            let socket = socket.to_owned();
            thread::spawn(move || call(&socket, number, times))
        };
        Self((0..AT_ONCE).map(caller).collect())
    }

    /// Waits for them; the resources of which they got a token.
    pub(crate) fn end(self) -> Vec<String> {
        self.0.into_iter().flat_map(|caller| caller.join().expect("a caller")).collect()
    }
}

fn call(socket: &PathBuf, number: usize, times: usize) -> Vec<String> {
    let mut answered = Vec::new();
    for time in 0..times {
        let resource = format!("https://caller-{number}-{time}.example");
        let Ok(mut stream) = UnixStream::connect(socket) else { break };
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        let request = raw::request("POST", "/v1/token", &[], &wanted(&resource).to_string());
        if stream.write_all(&request).is_err() {
            break;
        }
        let answer = raw::read_answer(&mut stream);
        // An answer that broke off has no token in it.
        if answer.status == 200 && answer.body["access_token"].is_string() {
            answered.push(resource);
        } else if answer.status == 0 {
            break;
        }
    }
    answered
}

/// One has its refresh under way and others wait for their turn.
pub(crate) const AT_ONCE: usize = 3;

/// Together below the daemon's budget of 60 requests in five minutes, which begins anew with each start.
pub(crate) const MOST: usize = 18;

/// Above the daemon's own limits.
const LIMIT: Duration = Duration::from_secs(60);

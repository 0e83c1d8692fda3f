//! What a caller can write to the socket: heads, and bodies of each route.

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use entra_proto::config::ConfigAnswer;
use entra_proto::version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::connections::{Connections, connection, respond};
use super::{Loopback, Pages, Rooms, router};
use crate::access::caller::Caller;
use crate::access::consent::Consents;
use crate::access::lease::Leases;
use crate::access::policy::{Gatekeeper, Policy};
use crate::audit::Audit;
use crate::broker::fuzzing::Stage;
use crate::config::{Consenting, LoopbackChoice, Notify as Notifies, Prompting, Setting, Told};
use crate::doctor::Doctor;
use crate::entra::fuzzing::refusing;
use crate::metrics::Listener as Kind;
use crate::prompts::Prompts;

/// A connection. The first byte says in which pieces the rest comes.
pub fn socket(data: &[u8]) {
    thread_local! {
        // A runtime cannot be dropped with its thread.
        static SOCKET: &'static RefCell<Socket> = Box::leak(Box::new(RefCell::new(Socket::new())));
    }
    let Some((&how, input)) = data.split_first() else { return };
    // The doctor goes out to the network.
    if input.windows(DOCTOR.len()).any(|window| window == DOCTOR) {
        return;
    }
    let mut socket = SOCKET.with(|socket| socket.borrow_mut());
    let written = socket.serve(input, [16, 100, 1000, usize::MAX][usize::from(how % 4)]);
    check(input, &written);
    socket.changes += u32::from(may_have_changed(input, &written));
    if socket.stage.is_spent() || socket.changes >= MOST_CHANGES {
        *socket = Socket::new();
    }
}

/// Whether something else than a look was answered with success, at first or later on.
fn may_have_changed(input: &[u8], written: &[u8]) -> bool {
    let is_look =
        input.starts_with(b"GET ") && !input.windows(5).any(|word| word == b"POST " || word == b"DELET");
    !is_look && written.get(9) == Some(&b'2')
}

/// After so many it begins anew: what an input finds is to be known, and what piles up makes the others slow.
const MOST_CHANGES: u32 = 16;

const DOCTOR: &[u8] = b"/v1/doctor";

fn check(input: &[u8], written: &[u8]) {
    let Some(status) = written.get(9..12) else {
        return assert!(written.is_empty(), "an answer has no status");
    };
    assert!(written.starts_with(b"HTTP/1.") && status != b"500", "{}", String::from_utf8_lossy(written));
    // hyper answers by itself what it cannot read.
    let head = String::from_utf8_lossy(written).to_lowercase();
    assert!(matches!(status, b"400" | b"431") || head.contains(version::HEADER), "{head}");
    if status.starts_with(b"2") {
        let asked = String::from_utf8_lossy(input).to_lowercase().replace('\r', "");
        let asked = asked.trim_start_matches('\n').split("\n\n").next().unwrap_or_default().to_owned();
        assert!(!asked.contains("\norigin:") && !asked.contains("\nreferer:"), "a browser was served");
    }
}

struct Socket {
    stage: Stage,
    router: Router,
    connections: Connections,
    /// Looked at once: it is the same one in every connection.
    caller: Caller,
    /// What it has never heard of.
    stopping: watch::Sender<bool>,
    /// Requests that may have changed something.
    changes: u32,
}

impl Socket {
    fn new() -> Self {
        let stage = Stage::new();
        let (broker, clock) = (Arc::clone(&stage.broker), Arc::clone(&stage.clock));
        let leases = Arc::new(Leases::new(stage.vault.clone(), Arc::clone(&clock)));
        stage.runtime.block_on(leases.know_agents());
        let loopback = Loopback::new(LoopbackChoice::Off, PathBuf::new(), None, |_| Router::new());
        let pages = Pages::new(Arc::clone(&broker), Arc::clone(&clock));
        let (vault, settings) = (stage.vault.clone(), Prompting::default());
        let prompts = Prompts::new(Arc::clone(&broker), vault, Arc::clone(&clock), settings);
        let subject = || unreachable!("nobody asks the doctor");
        let doctor = Doctor::new(Arc::clone(&broker), refusing(), clock, subject);
        let told = Arc::new(Told::new(ConfigAnswer {
            settings: Vec::new(),
            sources: Vec::new(),
            egress: Vec::new(),
            applied_on: 7,
            waiting_for_restart: Vec::new(),
        }));
        let gatekeeper = Arc::new(Gatekeeper::alone(Policy::default()));
        let prompting = Prompting { notify: Setting::built_in(Notifies::Off), ..Prompting::default() };
        let consenting = (&Consenting::default(), &prompting);
        let consents =
            Consents::new(stage.vault.clone(), Arc::clone(&stage.clock), Audit::default(), consenting);
        let router =
            router(Rooms { broker, consents, doctor, gatekeeper, leases, loopback, pages, prompts, told });
        Self {
            stage,
            router,
            connections: Connections::at_most(1, Kind::Socket),
            caller: Caller::ourselves(),
            stopping: watch::Sender::new(false),
            changes: 0,
        }
    }

    /// Serves a connection that brings this and then ends, and returns what it was answered.
    fn serve(&self, input: &[u8], piece: usize) -> Vec<u8> {
        let answered: Arc<Answered> = Arc::default();
        let stream =
            Pieces { input: input.to_vec(), at: 0, piece, rests: RESTS, answered: Arc::clone(&answered) };
        let (broker, router) = (Arc::clone(&self.stage.broker), self.router.clone());
        let caller = self.caller.clone();
        let answer =
            move |request| respond(request, caller.clone(), None, Arc::clone(&broker), router.clone());
        let stopped = self.stopping.subscribe();
        let place = self.connections.place(None).map(|(place, _gone)| place);
        let Some(place) = place else { unreachable!("the one before has left") };
        let served = self.stage.runtime.block_on(async {
            let connection = connection(stream, answer, stopped, Arc::new(place));
            let served = timeout(LONGEST, async {
                tokio::select! {
                    biased;
                    () = connection => {}
                    () = answered.reader_leaves() => {}
                }
            });
            let served = served.await;
            // Sign-ins go on in tasks of their own.
            tokio::task::yield_now().await;
            served
        });
        assert!(served.is_ok(), "a connection has no end");
        std::mem::take(&mut *answered.written())
    }
}

/// What was written to the caller.
#[derive(Default)]
struct Answered {
    written: Mutex<Vec<u8>>,
    grew: Notify,
}

impl Answered {
    fn written(&self) -> MutexGuard<'_, Vec<u8>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends some time after a stream has begun. Whoever sent more than its request is not read any more, so that it is gone is seen
    /// with the next line alone, which may come after half a minute.
    async fn reader_leaves(&self) {
        while !self.written().windows(STREAM.len()).any(|part| part == STREAM) {
            self.grew.notified().await;
        }
        for _ in 0..4 * RESTS {
            tokio::task::yield_now().await;
        }
    }
}

/// The type of what goes on for as long as its reader.
const STREAM: &[u8] = b"application/x-ndjson";

/// A caller that writes in pieces, waits a little and hangs up.
struct Pieces {
    input: Vec<u8>,
    at: usize,
    piece: usize,
    rests: u32,
    answered: Arc<Answered>,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.input.len() - self.at;
        if left == 0 && self.rests > 0 {
            self.rests -= 1;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let count = self.piece.min(left).min(into.remaining());
        into.put_slice(&self.input[self.at..self.at + count]);
        self.at += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.answered.written().extend_from_slice(bytes);
        self.answered.grew.notify_one();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// As often the daemon may do something before the caller hangs up.
const RESTS: u32 = 8;

/// No caller is served for so long that writes all at once, also on a machine with other work.
const LONGEST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn committed_inputs_are_fine() {
        crate::replay::all("entrad::server::fuzzing", &[("socket", socket)]);
    }

    #[rstest]
    #[case("GET /v1/status HTTP/1.0\r\n\r\n", "HTTP/1.0 200")]
    #[case("GET /v1/status HTTP/1.1\r\nHost: entrad\r\nOrigin: null\r\n\r\n", "HTTP/1.1 403")]
    #[case(
        "POST /v1/token HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{\"resource\":\"arm\"}",
        "HTTP/1.0 401"
    )]
    #[case("GET /v1/prompts/events HTTP/1.0\r\n\r\n", "HTTP/1.0 200")]
    #[case("GET /v1/prompts/events HTTP/1.0\r\n\r\nand more than was to be read", "HTTP/1.0 200")]
    #[case("\r\n", "")]
    fn the_stage_answers(#[case] input: &str, #[case] begins: &str) {
        for piece in [7, usize::MAX] {
            let written = Socket::new().serve(input.as_bytes(), piece);
            let text = String::from_utf8_lossy(&written);
            assert!(text.starts_with(begins), "{text}");
            check(input.as_bytes(), &written);
        }
    }
}

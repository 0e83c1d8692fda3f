//! Ten thousand callers who all want the one token that has just expired.
//!
//! They wait for one request to the authority, which takes its time; what counts is how long after that the
//! last of them has its token. An echo server shows what the fan-out alone costs: it holds as many requests,
//! each on a connection of its own, and on the last one's arrival writes the same bytes to all.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use entra_sim::{Fault, Leg};
use serde_json::Value;
use tokio::sync::watch;

use super::Effort;
use super::connection::{Connection, body, token_request};
use super::crowd::{Answers, Crowd};
use super::figures::{Figures, quantile};
use super::procfs::{peak_during, quiet_since, resident};
use super::server::{self, Server};
use super::stage::{Stage, Workstation};

/// The word that makes this program the echo server.
pub(crate) const ECHO: &str = "serve-echo";

/// Callers at once.
const CALLERS: usize = 10_000;

/// How long the authority takes: enough for all callers to have asked before it answers.
const DELAY: Duration = Duration::from_secs(2);

pub(crate) fn measure(stage: &Stage, effort: Effort, figures: &mut Figures) {
    let workstation = stage.workstation();
    let resources: Vec<_> = (0..if effort.is_quick { 1 } else { 3 })
        .map(|number| format!("https://herd-{number}.example"))
        .collect();
    let before = resident(workstation.daemon.pid());
    let_expire(&workstation, &resources);
    let herds: Vec<_> = resources.iter().map(|resource| Herd::run(&workstation, resource)).collect();

    let most = |of: fn(&Herd) -> f64| herds.iter().map(of).fold(f64::MIN, f64::max);
    let median = |of: fn(&Herd) -> f64| quantile(&herds.iter().map(of).collect::<Vec<_>>(), 0.5);
    figures.target("herd of 10,000: requests to the authority", most(|herd| herd.requests), "", 1.0);
    figures.target("  callers that came after the answer", most(|herd| herd.late), "", 0.0);
    figures.target("  last answer / (1.2 × delay + echo)", median(Herd::ratio), "", 1.0);
    figures.note("  the authority's delay", millis(DELAY), "ms");
    figures.note("  first question to request at the authority", median(|herd| herd.sent), "ms");
    figures.note("  first question to everybody waiting", median(|herd| herd.asked), "ms");
    figures.note("  request at the authority to last answer", median(|herd| herd.last), "ms");
    figures.note("  of it after the authority's answer: fan-out", median(Herd::fan_out), "ms");
    figures.note("  fan-out of the echo server", median(|herd| herd.echo), "ms");
    figures.note("  resident memory before", before / 1024.0, "MiB");
    figures.note("  resident memory while they wait", most(|herd| herd.waiting) / 1024.0, "MiB");
    figures.note("  resident memory at its peak", most(|herd| herd.peak) / 1024.0, "MiB");
    figures.target("  resident memory once they are gone", most(|herd| herd.after) / 1024.0, "MiB", 16.0);
    let each = |memory: f64| (memory - before) / CALLERS as f64;
    figures.note("  a caller while it waits", each(most(|herd| herd.waiting)), "KiB");
    figures.target("  a caller at the peak", each(most(|herd| herd.peak)), "KiB", PER_CALLER);
}

/// A connection's buffers, its request and its answer, in KiB.
const PER_CALLER: f64 = 32.0;

/// Gets tokens for these resources, and waits until they have expired.
fn let_expire(workstation: &Workstation, resources: &[String]) {
    let control = workstation.env.sim().control();
    control.set_rules(|rules| rules.access_token_life = Some(Duration::from_secs(2)));
    let mut connection = Connection::open(&workstation.env.socket());
    for resource in resources {
        connection.ask(&request_for(resource));
    }
    control.set_rules(|rules| rules.access_token_life = None);
    let is_expired = |token: &Value| token["expires_on"].is_null();
    let _expired = workstation.env.status_where(|status| {
        let tokens = status["accounts"][0]["tokens"].as_array();
        tokens
            .is_some_and(|tokens| tokens.iter().filter(|token| is_expired(token)).count() == resources.len())
    });
}

fn request_for(resource: &str) -> Vec<u8> {
    token_request(&format!("{{\"resource\":\"{resource}\"}}"))
}

/// One herd. Times are in milliseconds, memory in KiB.
struct Herd {
    requests: f64,
    late: f64,
    /// From the first caller's request to the daemon's at the authority.
    sent: f64,
    /// From the first caller's request until all of them wait.
    asked: f64,
    /// From the request at the authority to the last caller's answer.
    last: f64,
    echo: f64,
    waiting: f64,
    peak: f64,
    after: f64,
}

impl Herd {
    fn ratio(&self) -> f64 {
        self.last / (1.2 * millis(DELAY) + self.echo)
    }

    fn fan_out(&self) -> f64 {
        self.last - millis(DELAY)
    }

    fn run(workstation: &Workstation, resource: &str) -> Self {
        let (env, pid) = (&workstation.env, workstation.daemon.pid());
        let control = env.sim().control();
        control.clear_requests();
        control.script(Fault::on(Leg::Refresh).delay(DELAY));
        let arrival = {
            let control = control.clone();
            thread::spawn(move || {
                control.wait_for_arrival_blocking(Leg::Refresh, 1).unwrap();
                Instant::now()
            })
        };
        let (((began, asked, arrived), waiting, answers), peak) = peak_during(pid, || {
            let crowd = Crowd::gather(&env.socket(), CALLERS);
            let began = Instant::now();
            let callers = crowd.ask(&request_for(resource));
            let arrived = arrival.join().unwrap();
            let asked = quiet_since(pid, DELAY).unwrap_or_else(Instant::now);
            let waiting = resident(pid);
            let answers = callers.join().unwrap();
            // The callers have hung up; the daemon has yet to notice.
            let _gone = quiet_since(pid, DELAY);
            ((began, asked, arrived), waiting, answers)
        });
        let tokens: Vec<Value> =
            answers.iter().map(|(_, answer)| serde_json::from_slice(body(answer)).unwrap()).collect();
        let token = &tokens[0]["access_token"];
        assert!(token.is_string() && tokens.iter().all(|answer| answer["access_token"] == *token));
        Self {
            requests: control.requests_on(Leg::Refresh).len() as f64,
            late: tokens.iter().filter(|answer| answer["source"] != "refresh").count() as f64,
            sent: millis(arrived - began),
            asked: millis(asked - began),
            last: last(&answers, arrived),
            echo: echo(env.folder(), &answers[0].1, &request_for(resource)),
            waiting,
            peak,
            after: resident(pid),
        }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn last(answers: &Answers, from: Instant) -> f64 {
    answers.iter().map(|(came, _)| millis(came.duration_since(from))).fold(0.0, f64::max)
}

/// How long the echo server needs to answer as many callers, from the last one's request, in milliseconds.
fn echo(folder: &Path, answer: &[u8], request: &[u8]) -> f64 {
    let (socket, file) = (folder.join("echo.sock"), folder.join("answer"));
    std::fs::write(&file, answer).unwrap();
    // A server of an earlier herd left its socket.
    let _none = std::fs::remove_file(&socket);
    let (count, length) = ((CALLERS + 1).to_string(), request.len().to_string());
    let words: [&OsStr; 5] = [ECHO.as_ref(), socket.as_ref(), file.as_ref(), count.as_ref(), length.as_ref()];
    let server = Server::start(&words);
    let callers = Crowd::gather(&socket, CALLERS).ask(request);
    assert!(quiet_since(server.pid(), DELAY).is_some(), "the echo server never came to rest");
    let mut caller = Connection::open(&socket);
    let start = Instant::now();
    caller.ask(request);
    last(&callers.join().unwrap(), start)
}

/// The echo server: holds the requests, each of `length` bytes, until `count` have come, and then answers them
/// all. It serves until it is killed.
pub(crate) fn serve_echo(socket: &str, answer: &str, count: &str, length: &str) {
    let answer: Arc<[u8]> = std::fs::read(answer).unwrap().into();
    let (count, length): (usize, usize) = (count.parse().unwrap(), length.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::UnixListener::bind(socket).unwrap();
        server::say_listening();
        let (arrived, all) = (Arc::new(AtomicUsize::new(0)), Arc::new(watch::Sender::new(false)));
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (answer, arrived, all) = (Arc::clone(&answer), Arc::clone(&arrived), Arc::clone(&all));
            tokio::spawn(async move {
                receive(&stream, length).await;
                let mut waiting = all.subscribe();
                if arrived.fetch_add(1, Ordering::Relaxed) + 1 == count {
                    all.send_replace(true);
                }
                waiting.wait_for(|is_everyone_here| *is_everyone_here).await.unwrap();
                send(&stream, &answer).await;
            });
        }
    });
}

async fn receive(stream: &tokio::net::UnixStream, length: usize) {
    let mut request = vec![0; length];
    let mut held = 0;
    while held < length {
        stream.readable().await.unwrap();
        match stream.try_read(&mut request[held..]) {
            Ok(count) if count > 0 => held += count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            // Closed, which the write will find as well.
            _ => return,
        }
    }
}

async fn send(stream: &tokio::net::UnixStream, answer: &[u8]) {
    let mut sent = 0;
    while sent < answer.len() {
        stream.writable().await.unwrap();
        match stream.try_write(&answer[sent..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

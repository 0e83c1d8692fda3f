//! Kills at random moments: most while refreshes are under way, some while the daemon starts on what the last
//! kill left.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use entra_tests::Daemon;
use fastrand::Rng;

use super::callers::{AT_ONCE, Callers, MOST};
use super::lane::{Lane, OnDisk};

/// What all kills brought.
#[derive(Default)]
pub(crate) struct Moments {
    pub(crate) faults: Vec<String>,
    /// Kills that fell into the window.
    pub(crate) in_window: usize,
    /// Kills that came when all refreshes were done.
    pub(crate) idle: usize,
    /// Kills that left an unfinished file.
    pub(crate) leftovers: usize,
    pub(crate) lost: usize,
    /// Starts that proved what the kills before had left.
    pub(crate) proofs: usize,
    pub(crate) refreshing: usize,
    pub(crate) starting: usize,
}

/// Over which times moments are drawn: what the like took last, since other lanes and programs come and go.
struct Spans {
    refreshing: Duration,
    starting: Duration,
}

/// Kills so often; `daemon` is the first victim.
pub(crate) fn run(lane: &mut Lane, daemon: Daemon, kills: usize, random: &mut Rng) -> Moments {
    let mut found = Moments::default();
    let refreshing = time_refreshes(lane);
    daemon.kill();
    lane.after_kill([]);
    let (mut daemon, starting) = start(lane);
    found.prove(lane);
    let mut spans = Spans { refreshing, starting };
    while found.kills() < kills {
        kill_refreshing(lane, daemon, &mut spans, random, &mut found);
        while found.kills() < kills && random.u8(..STARTS_OF.1) < STARTS_OF.0 {
            kill_starting(lane, spans.starting.mul_f64(random.f64()), &mut found);
        }
        (daemon, spans.starting) = start(lane);
        found.prove(lane);
    }
    daemon.kill();
    lane.after_kill([]);
    found
}

impl Moments {
    /// Adds what another lane of the same rotation brought.
    pub(crate) fn add(&mut self, other: Self) {
        self.faults.extend(other.faults);
        self.in_window += other.in_window;
        self.idle += other.idle;
        self.leftovers += other.leftovers;
        self.lost += other.lost;
        self.proofs += other.proofs;
        self.refreshing += other.refreshing;
        self.starting += other.starting;
    }

    pub(crate) fn kills(&self) -> usize {
        self.refreshing + self.starting
    }

    fn prove(&mut self, lane: &mut Lane) {
        let proof = lane.prove();
        self.proofs += 1;
        self.in_window += usize::from(proof.on_disk == OnDisk::OneBefore);
        self.lost += usize::from(!proof.is_kept);
        let kills = self.kills();
        self.faults.extend(proof.faults.into_iter().map(|fault| format!("after kill {kills}: {fault}")));
    }
}

fn start(lane: &Lane) -> (Daemon, Duration) {
    let begun = Instant::now();
    (lane.env.start(), begun.elapsed())
}

fn time_refreshes(lane: &Lane) -> Duration {
    let begun = Instant::now();
    let answered = Callers::start(&lane.env.socket(), SPAN / AT_ONCE).end();
    assert_eq!(answered.len(), SPAN, "every caller is answered\n{}", lane.env.log());
    begun.elapsed()
}

fn kill_refreshing(
    lane: &mut Lane,
    daemon: Daemon,
    spans: &mut Spans,
    random: &mut Rng,
    found: &mut Moments,
) {
    let callers = Callers::start(&lane.env.socket(), MOST);
    let moment = spans.refreshing.mul_f64(random.f64());
    // Not a wait for something: this is the random moment.
    thread::sleep(moment);
    daemon.kill();
    let answered = callers.end();
    if let Ok(count @ 3..) = u32::try_from(answered.len()) {
        spans.refreshing = moment * SPAN as u32 / count;
    }
    found.idle += usize::from(answered.len() == AT_ONCE * MOST);
    lane.after_kill(answered);
    found.refreshing += 1;
    found.leftovers += usize::from(lane.has_leftover());
}

fn kill_starting(lane: &mut Lane, moment: Duration, found: &mut Moments) {
    let mut command = lane.env.daemon_command();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the daemon starts");
    // The random moment.
    thread::sleep(moment);
    if let Some(status) = child.try_wait().expect("a status") {
        found.faults.push(format!("a daemon ended by itself with {status}"));
    } else {
        child.kill().expect("killed");
        child.wait().expect("a status");
    }
    lane.after_kill([]);
    found.starting += 1;
}

/// After a kill, one start in five is killed as well.
const STARTS_OF: (u8, u8) = (1, 5);

/// Refreshes in the time over which moments are drawn: a third of what the callers may make, so that the daemon
/// is still refreshing when the moment comes.
const SPAN: usize = AT_ONCE * MOST / 3;

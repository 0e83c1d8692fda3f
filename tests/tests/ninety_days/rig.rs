//! The daemon's broker and the simulator in one process and one thread, and the way to let both work.
//!
//! The hard idea: there are three times. The virtual clocks stand still while anything is under way. The runtime's
//! time is paused, and only [`drive`] moves it, when real work has come to rest: then whoever is still under way
//! sleeps, before its second try or its next poll. Real time only says that nothing has moved for a while, which
//! the vault's thread may take; a pause that is too short costs nothing, since deadlines are many steps away.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use entra_proto::account::Health;
use entra_proto::sign_in::{SignInEvent, SignInRequest};
use entra_sim::{ADA, DEFAULT_CLIENT, DEFAULT_TENANT, Fault, Leg, LoggedRequest, Options, Sim};
use entrad::access::caller::Caller;
use entrad::broker::{Broker, Parts, Rules};
use entrad::config::{Administrators, Args, Config, Places};
use entrad::entra::Entra;
use entrad::vault::{Vault, VaultOptions};
use tempfile::TempDir;
use tokio::task::yield_now;

use crate::clock::VirtualClock;
use crate::pair;
use crate::world::{Condition, DAY};

/// The broker, the simulator, and the clocks of both.
pub(crate) struct Rig {
    pub(crate) broker: Arc<Broker>,
    pub(crate) clock: Arc<VirtualClock>,
    sim: Sim,
    /// How far the simulator's time has been moved.
    moved: Duration,
    condition: Condition,
    _folder: TempDir,
}

impl Rig {
    /// Both started on the coming Monday's midnight, with nobody signed in.
    pub(crate) async fn start() -> Self {
        let mut options = Options::default();
        options.rules.interval = Duration::from_secs(1);
        let sim = Sim::start(options).await.expect("a simulator on loopback");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let monday = next_monday(now);
        sim.control().advance(monday - now);
        let clock = Arc::new(VirtualClock::new(monday));
        let folder = tempfile::tempdir().expect("a folder");
        let config = configure(&folder, sim.origin());
        let options = VaultOptions {
            state_dir: config.state_dir.value.clone(),
            choice: config.store.value.parse().expect("a store"),
            passphrase: None,
        };
        let parts = Parts {
            vault: Vault::new(options),
            entra: Entra::new(),
            clock: clock.clone(),
            rules: Rules::of(&config).expect("a profile"),
            gate: Arc::new(entrad::broker::Open),
            socket: config.socket.value,
            audit: entrad::audit::Audit::default(),
        };
        let broker = Broker::new(parts);
        tokio::spawn(Arc::clone(&broker).keep_schedule());
        tokio::spawn(Arc::clone(&broker).keep_watch());
        let (moved, condition) = (Duration::ZERO, Condition::Good);
        Self { broker, clock, sim, moved, condition, _folder: folder }
    }

    /// A person signs in by device code.
    pub(crate) async fn sign_in(&mut self) {
        let (near, _far) = pair::pair().await;
        let caller = Caller::of(&near).expect("our own process");
        let started = self.broker.start_sign_in(SignInRequest::default(), caller).await;
        let mut story = self.broker.follow_sign_in(&started.expect("a sign-in").id).expect("its story");
        loop {
            match drive(&self.sim, story.next_event()).await.expect("an end") {
                SignInEvent::Code(_) => {
                    let codes = self.sim.control().codes();
                    let code = &codes.last().expect("a code").user_code;
                    self.sim.control().approve(code, ADA).expect("an approval");
                }
                SignInEvent::Authorization(_)
                | SignInEvent::Switched { .. }
                | SignInEvent::Waiting { .. } => {}
                SignInEvent::SignedIn { .. } => return,
                SignInEvent::Failed { error } => panic!("the sign-in failed: {error}"),
            }
        }
    }

    /// Whether the person would see that a sign-in is needed.
    pub(crate) async fn needs_sign_in(&self) -> bool {
        let accounts = self.broker.accounts().await.expect("an open vault").accounts;
        accounts.iter().any(|account| matches!(account.health, Health::SignInNeeded { .. }))
    }

    /// An administrator, or a new password, revokes what the person has.
    pub(crate) fn revoke(&self) {
        assert!(self.sim.control().revoke_user(ADA) > 0, "there was something to revoke");
    }

    /// The authority's time is `boot` too, and a request to it meets this from now on.
    pub(crate) fn meet(&mut self, boot: Duration, condition: Condition) {
        let control = self.sim.control();
        control.advance(boot - self.moved);
        self.moved = boot;
        if condition == std::mem::replace(&mut self.condition, condition) {
            return;
        }
        control.clear_faults();
        let always = |leg| Fault::on(leg).times(u32::MAX);
        match condition {
            Condition::Good => {}
            Condition::Offline => control.script(always(Leg::Any).reset()),
            Condition::Silent => control.script(always(Leg::Refresh).reset()),
            Condition::Throttling(seconds) => control.script(always(Leg::Refresh).throttle(seconds)),
            Condition::Unavailable => control.script(always(Leg::Refresh).status(503)),
        }
    }

    /// Lets the daemon do what it has to do just now, until nothing is in the air. Returns the refreshes that came to
    /// the simulator.
    pub(crate) async fn settle(&self) -> Vec<LoggedRequest> {
        loop {
            rest().await;
            let mut settled = pin!(self.broker.settle());
            let is_idle = poll_fn(|context| Poll::Ready(settled.as_mut().poll(context).is_ready())).await;
            if is_idle {
                break;
            }
            drive(&self.sim, settled).await;
        }
        let refreshes = self.sim.control().requests_on(Leg::Refresh);
        self.sim.control().clear_requests();
        refreshes
    }
}

/// Lets every task that is ready run, and those that they wake.
pub(crate) async fn rest() {
    for _ in 0..TURNS {
        yield_now().await;
    }
}

/// The longest chain of wake-ups without input or output: a flight lands, the schedule learns of it, looks, and waits.
const TURNS: usize = 4;

/// Drives a future to its end. It never waits idly, since an idle runtime with paused time would run ahead to the next
/// deadline while an answer is on its way.
async fn drive<T>(sim: &Sim, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let started = Instant::now();
    let (mut patience, mut seen) = (PATIENCE, 0);
    loop {
        let (resting_since, mut turns) = (Instant::now(), 0);
        while resting_since.elapsed() < patience || turns < TURNS_AT_REST {
            turns += 1;
            let polled = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
            if let Poll::Ready(done) = polled {
                return done;
            }
            yield_now().await;
        }
        assert!(started.elapsed() < LIMIT, "what is under way does not end");
        tokio::time::advance(STEP).await;
        // One that sends nothing more may wait for real work that is slow today: it is given ever more time.
        let sent = sim.control().requests_on(Leg::Any).len();
        patience = if sent == seen { patience * 4 } else { PATIENCE };
        seen = sent;
    }
}

/// The simulator and the client are tasks of this thread and never rest before they are done; the vault's thread takes
/// a fraction of this.
const PATIENCE: Duration = Duration::from_millis(2);

/// Of a thread that is given no processor meanwhile, time alone says nothing.
const TURNS_AT_REST: u32 = 64;

/// More than the daemon sleeps before its second try (1.25 s), and a small part of any of its deadlines (5 s and more).
const STEP: Duration = Duration::from_millis(1300);

/// Real time; a test that hangs fails by it.
const LIMIT: Duration = Duration::from_secs(60);

fn configure(folder: &TempDir, origin: &str) -> Config {
    let file = folder.path().join("config.toml");
    let settings = format!(
        "store = \"memory\"\nauthority = \"{origin}\"\ntenant = \"{DEFAULT_TENANT}\"\nclient_id = \"{DEFAULT_CLIENT}\"\n"
    );
    std::fs::write(&file, settings).expect("a file");
    let (socket, state_dir) = (pair::unused_socket(folder.path()), folder.path().join("state"));
    let set = [("config", file), ("socket", socket), ("state_dir", state_dir)];
    let args = set.iter().fold(Args::default(), |args, (key, path)| args.with(key, path.to_string_lossy()));
    let administrators = Administrators::below(&folder.path().join("none"));
    let places = Places { administrators, args, variable: &|_| None };
    Config::load(&places).expect("a configuration")
}

/// 1 January 1970 was a Thursday.
fn next_monday(now: Duration) -> Duration {
    let days = u32::try_from(now.as_secs() / DAY.as_secs()).expect("days fit");
    DAY * (days + 7 - (days + 3) % 7)
}

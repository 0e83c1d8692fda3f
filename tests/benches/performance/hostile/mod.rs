//! What an honest caller waits while others do their worst.
//!
//! The daemon has one core to itself; attackers and honest callers share another, where the attackers have the lowest
//! priority. Quiet and attack take turns, and each turn gives one ratio of the two 99th percentiles, of which the median counts.
//! Once the attackers are gone nothing may be missing: no request, no sign-in that was under way, no descriptor, no memory.

mod attack;
mod honest;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use entra_proto::limits::MAX_CONNECTIONS;
use entra_tests::loopback::Lease;
use entra_tests::raw;
use serde_json::json;

use super::Effort;
use super::figures::{Figures, quantile};
use super::procfs::{descriptors, own, peak_during, quiet_since};
use super::server::Server;
use super::stage::{Place, Stage, Workstation, put};
use attack::Kind;
pub(crate) use attack::serve as serve_attack;
use honest::{Honest, Waits};

/// The word that makes this program attackers.
pub(crate) const ATTACK: &str = "attack";

pub(crate) fn measure(stage: &Stage, effort: Effort, figures: &mut Figures) {
    let workstation = stage.workstation();
    let (env, pid) = (&workstation.env, workstation.daemon.pid());
    let lease = Lease::make(&env.socket(), "bench", &["graph"]);
    open_to_others(env.folder(), &env.socket());
    put(&[pid], Place::Apart);
    let socket = || Honest::Socket(env.socket());
    let port = || Honest::Port(lease.port, identity_request(&lease));
    let is_root = rustix::process::geteuid().is_root();
    for (name, kind, count, user, honest) in [
        ("10,000 idle connections", Kind::Idle, 10_000, None, socket()),
        ("1,000 half requests", Kind::Half, 1_000, None, socket()),
        ("connections that come and go", Kind::Churn, 4, None, socket()),
        ("connections that come and go as fast as they can", Kind::Flood, 4, None, socket()),
        ("1,000 slow readers", Kind::Readers, 1_000, None, socket()),
        ("more connections than there are places", Kind::Idle, MAX_CONNECTIONS + 4_000, None, socket()),
        ("another user's, as fast as they can", Kind::Flood, 4, Some(NOBODY), socket()),
        ("loopback: 2,000 idle connections", Kind::Idle, 2_000, None, port()),
        ("loopback: 2,000 half requests", Kind::Half, 2_000, None, port()),
        ("loopback: connections that come and go", Kind::Churn, 4, None, port()),
        ("a page: 1,000 half requests", Kind::Half, 1_000, None, page(&workstation)),
    ] {
        if user.is_some() && !is_root {
            figures.skip(name, "only root can become another user");
            continue;
        }
        Siege { workstation: &workstation, effort, name, kind, count, user, honest }.measure(figures);
    }
    put(&[pid], Place::Anywhere);
}

const NOBODY: u32 = 65_534;

/// Lets other users as far as the daemon's own check.
fn open_to_others(folder: &Path, socket: &Path) {
    let mut path = socket.to_owned();
    while path.starts_with(folder) {
        let mode = if path == socket { 0o666 } else { 0o755 };
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        path.pop();
    }
}

fn identity_request(lease: &Lease) -> Vec<u8> {
    format!(
        "GET /msi/token?api-version=2019-08-01&resource=https://graph.microsoft.com HTTP/1.1\r\n\
         Host: 127.0.0.1:{}\r\nX-IDENTITY-HEADER: {}\r\n\r\n",
        lease.port, lease.secret
    )
    .into_bytes()
}

fn page(workstation: &Workstation) -> Honest {
    let opened = raw::post(&workstation.env.socket(), "/v1/pages", &json!({}));
    let url = opened.body["url"].as_str().unwrap();
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let port = host.rsplit_once(':').unwrap().1.parse().unwrap();
    Honest::Port(port, format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes())
}

/// One kind of attack.
struct Siege<'a> {
    workstation: &'a Workstation,
    effort: Effort,
    name: &'a str,
    kind: Kind,
    count: usize,
    user: Option<u32>,
    honest: Honest,
}

/// One turn of quiet and attack.
struct Turn {
    quiet: Waits,
    under: Waits,
    /// The most resident memory, in KiB.
    peak: f64,
    /// The attackers' connections, in a second.
    rate: f64,
}

impl Siege<'_> {
    fn measure(&self, figures: &mut Figures) {
        let pid = self.workstation.daemon.pid();
        let descriptors_before = descriptors(pid);
        // Without a sign-in under way, which is no part of an honest caller's wait.
        let turns: Vec<_> = (0..if self.effort.is_quick { 1 } else { 3 }).map(|_| self.turn()).collect();
        let peak_of_sign_in = self.sign_in_under_attack();
        let most = |of: fn(&Turn) -> f64| turns.iter().map(of).fold(f64::MIN, f64::max);
        println!("{}", self.name);
        for (way, is_fresh) in [("new connection", true), ("kept connection", false)] {
            let median = |of: &dyn Fn(&Turn) -> f64| quantile(&turns.iter().map(of).collect::<Vec<_>>(), 0.5);
            let ratio = median(&|turn: &Turn| turn.under.of(is_fresh, 0.99) / turn.quiet.of(is_fresh, 0.99));
            let title = format!("  {way}, p99 / quiet");
            if self.is_bounded() {
                figures.target(&title, ratio, "", 3.0);
            } else {
                figures.note(&title, ratio, "");
            }
            for (title, at) in [("p50", 0.5), ("p99", 0.99)] {
                figures.note(
                    &format!("    quiet, {title}"),
                    median(&|turn| turn.quiet.of(is_fresh, at)),
                    "µs",
                );
                figures.note(
                    &format!("    attacked, {title}"),
                    median(&|turn| turn.under.of(is_fresh, at)),
                    "µs",
                );
            }
        }
        figures.note("  the attackers' connections in a second", most(|turn| turn.rate), "");
        let lost: usize = turns.iter().map(|turn| turn.quiet.lost + turn.under.lost).sum();
        figures.target("  honest requests without an answer", lost as f64, "", 0.0);
        let peak = most(|turn| turn.peak).max(peak_of_sign_in);
        figures.target("  resident memory at its peak", peak / 1024.0, "MiB", MOST_MEMORY);
        let _gone = quiet_since(pid, SETTLE);
        figures.target("  memory of its own once they are gone", own(pid) / 1024.0, "MiB", 8.0);
        match (descriptors_before, descriptors(pid)) {
            (Some(before), Some(after)) => {
                figures.target("  descriptors left over", after.saturating_sub(before) as f64, "", 0.0);
            }
            _ => figures.skip("  descriptors left over", "only root may count them"),
        }
        assert_eq!(self.workstation.env.token(super::stage::TARGET)["source"], "cache");
    }

    /// Whether an honest caller's wait has a target: on the socket, while there are places. Beyond that, somebody comes as often as the
    /// system lets them, and it is told what that costs.
    fn is_bounded(&self) -> bool {
        matches!(self.honest, Honest::Socket(_)) && self.kind != Kind::Flood && self.count < MAX_CONNECTIONS
    }

    fn turn(&self) -> Turn {
        let pid = self.workstation.daemon.pid();
        let (quiet, attacked) = self.times();
        // The same watching on both sides.
        let (quiet, _) = peak_during(pid, || self.honest.ask_for(quiet));
        let tally = self.workstation.env.folder().join("tally");
        let count = || counted(&tally);
        let ((under, rate), peak) = peak_during(pid, || {
            let attackers = self.attack(&tally);
            let before = count();
            let under = self.honest.ask_for(attacked);
            let made = count() - before;
            drop(attackers);
            // The daemon has yet to notice.
            let _gone = quiet_since(pid, SETTLE);
            (under, made / attacked.as_secs_f64())
        });
        Turn { quiet, under, peak, rate }
    }

    /// Whoever stays is sent away after ten seconds, and all come again at once: a turn has that too.
    fn times(&self) -> (Duration, Duration) {
        let attacked = if matches!(self.kind, Kind::Churn | Kind::Flood) { 5 } else { 13 };
        (Duration::from_secs(5), Duration::from_secs(attacked))
    }

    fn attack(&self, tally: &Path) -> Server {
        let count = self.count.to_string();
        let place = match &self.honest {
            Honest::Socket(path) => path.to_str().unwrap().to_owned(),
            Honest::Port(port, _) => port.to_string(),
        };
        let _none = std::fs::remove_file(tally);
        std::fs::write(tally, "0").unwrap();
        std::fs::set_permissions(tally, PermissionsExt::from_mode(0o666)).unwrap();
        Server::start_as(
            self.user,
            &[ATTACK.as_ref(), self.kind.word().as_ref(), place.as_ref(), count.as_ref(), tally.as_ref()],
        )
    }

    /// Somebody signs in meanwhile, and hears of each step in its order. Returns the most memory.
    fn sign_in_under_attack(&self) -> f64 {
        let env = &self.workstation.env;
        let tally = env.folder().join("tally");
        let (events, peak) = peak_during(self.workstation.daemon.pid(), || {
            let _attackers = self.attack(&tally);
            let login = env.login(&[]);
            let code = env.sim().control().next_user_code_blocking().unwrap();
            env.sim().control().approve(&code, entra_tests::PERSON).unwrap();
            let events: Vec<_> =
                std::iter::from_fn(|| Some(login.event()).filter(|event| !event.is_null())).collect();
            assert_eq!(login.end().1.status, 0);
            events
        });
        let names: Vec<_> = events.iter().filter_map(|event| event["event"].as_str()).collect();
        let between = names.get(1..names.len().saturating_sub(1)).unwrap_or_default();
        let is_in_order = names.first() == Some(&"code")
            && names.last() == Some(&"signed_in")
            && between.iter().all(|name| *name == "waiting");
        assert!(is_in_order, "{names:?}");
        peak
    }
}

/// How often the attackers have connected, by their tally. It is found half written now and then.
fn counted(tally: &Path) -> f64 {
    for _ in 0..1_000 {
        if let Ok(count) = std::fs::read_to_string(tally).unwrap().parse() {
            return count;
        }
        sleep(Duration::from_millis(1));
    }
    panic!("the attackers' tally has no number");
}

/// As many connections as there can be, each with as much as one of a herd has, in MiB.
const MOST_MEMORY: f64 = (MAX_CONNECTIONS * 32 / 1024) as f64;

/// Far above what the daemon takes to notice that everybody has gone.
const SETTLE: Duration = Duration::from_secs(20);

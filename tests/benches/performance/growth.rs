//! What a daemon's cost does when it holds more: ten thousand keys for one, several accounts for few.
//!
//! A cached answer must not care how many others are cached, and a refresh must not write down more than the
//! sign-ins: access tokens stay in memory.

use std::time::{Duration, Instant};

use entra_proto::limits::MAX_ANSWER_BODY;
use entra_sim::{ADA, BOB, DEFAULT_CLIENT, Rules};

use super::Effort;
use super::connection::{Connection, body, token_request};
use super::figures::{Figures, Pairs, quantile};
use super::keys::{Keys, resource};
use super::procfs::{Written, processor_time, resident, written};
use super::stage::{Stage, hold_to_one_core};

pub(crate) fn measure(stage: &Stage, effort: Effort, figures: &mut Figures) {
    keys(stage, effort, figures);
    one_account(stage, figures);
    accounts(stage, if effort.is_quick { 2 } else { 8 }, figures);
}

/// One key beside very many.
fn keys(stage: &Stage, effort: Effort, figures: &mut Figures) {
    let count = if effort.is_quick { 1_000 } else { 10_000 };
    // Longer than the jumps of the clock take.
    let rules = Rules { access_token_life: Some(7 * 24 * HOUR), ..Rules::default() };
    let env = stage.env(rules);
    let middle = count / 2;
    let one = Keys::start(&env, middle, 1);
    let start = Instant::now();
    let many = Keys::start(&env, 0, count);
    figures.note(&format!("{count} keys: filled in"), start.elapsed().as_secs_f64(), "s");

    let servers = [one.server.pid(), many.server.pid()];
    hold_to_one_core(&servers, true);
    let rounds = if effort.is_quick { 100 } else { 1000 };
    let request = token_request(&format!("{{\"resource\":\"{}\"}}", resource(middle)));
    let mut connections = (Connection::open(&many.socket), Connection::open(&one.socket));
    let pairs = Pairs::alternate(rounds, || connections.0.time(&request), || connections.1.time(&request));
    hold_to_one_core(&servers, false);
    figures.target(&format!("cached answer, {count} keys / 1 key, p50"), pairs.ratio(), "", 1.1);
    for (name, at) in [("p50", 0.5), ("p99", 0.99)] {
        let (ours, theirs) = pairs.micros(at);
        figures.note(&format!("  {count} keys, {name}"), ours, "µs");
        figures.note(&format!("  1 key, {name}"), theirs, "µs");
    }

    for (name, keys) in [("1 key", &one), (&*format!("{count} keys"), &many)] {
        figures.note(&format!("{name}: resident memory"), resident(keys.server.pid()) / 1024.0, "MiB");
        let (time, size) = status(keys);
        figures.note("  /v1/status", time * 1e6, "µs");
        figures.target("  /v1/status, length", size / 1024.0, "KiB", LONGEST / 1024.0);
        let (whole, processor) = refreshes(keys, middle);
        figures.note("  a refresh and the first answer after it", whole * 1e6, "µs");
        figures.note("  the daemon's processor time of it", processor * 1e6, "µs");
    }
    let each = (resident(many.server.pid()) - resident(one.server.pid())) / (count - 1) as f64;
    figures.note("  a cached key", each, "KiB");
}

const HOUR: Duration = Duration::from_secs(3600);

/// A client reads no more, in bytes.
const LONGEST: f64 = MAX_ANSWER_BODY as f64;

/// How long `/v1/status` takes in seconds, and how long it is in bytes.
fn status(keys: &Keys) -> (f64, f64) {
    let mut connection = Connection::open(&keys.socket);
    let request = b"GET /v1/status HTTP/1.1\r\nHost: entrad\r\n\r\n";
    let length = body(connection.ask(request)).len() as f64;
    let times: Vec<_> = (0..STATUSES).map(|_| connection.time(request).as_secs_f64()).collect();
    (quantile(&times, 0.5), length)
}

const STATUSES: usize = 11;

/// What a forced refresh costs, with the first cached answer after it, which makes the token due to be renewed:
/// the time of the whole and the daemon's processor time, in seconds.
fn refreshes(keys: &Keys, number: usize) -> (f64, f64) {
    let mut connection = Connection::open(&keys.socket);
    let resource = resource(number);
    let forced = token_request(&format!("{{\"resource\":\"{resource}\",\"force_refresh\":true}}"));
    let cached = token_request(&format!("{{\"resource\":\"{resource}\"}}"));
    let (mut whole, mut processor) = (Vec::new(), Vec::new());
    for _ in 0..REFRESHES {
        let before = processor_time(keys.server.pid());
        whole.push((connection.time(&forced) + connection.time(&cached)).as_secs_f64());
        // Answered after whatever the answer before has left to do.
        connection.ask(b"GET /v1/accounts HTTP/1.1\r\nHost: entrad\r\n\r\n");
        processor.push((processor_time(keys.server.pid()) - before).as_secs_f64());
    }
    (quantile(&whole, 0.5), quantile(&processor, 0.5))
}

/// Fewer than the daemon's budget of a key in five minutes.
const REFRESHES: usize = 4;

/// What a refresh writes with one account, and few or many keys.
fn one_account(stage: &Stage, figures: &mut Figures) {
    let workstation = stage.workstation();
    let mut connection = Connection::open(&workstation.env.socket());
    let pid = workstation.daemon.pid();
    let graph = token_request(r#"{"resource":"graph","force_refresh":true}"#);
    write_report(figures, "1 account, 1 key", ONE_ACCOUNT, || write(pid, &mut connection, &graph));
    for number in 1..MANY {
        connection.ask(&token_request(&format!("{{\"resource\":\"{}\"}}", resource(number))));
    }
    let other = format!("{{\"resource\":\"{}\",\"force_refresh\":true}}", resource(1));
    let other = token_request(&other);
    write_report(figures, &format!("1 account, {MANY} keys"), ONE_ACCOUNT, || {
        write(pid, &mut connection, &other)
    });
}

/// With the forced refreshes fewer than the daemon's budget of a client in five minutes.
const MANY: usize = 50;

/// What a refresh writes with several accounts, which one sealed file holds.
fn accounts(stage: &Stage, count: usize, figures: &mut Figures) {
    let env = stage.env(Rules::default());
    let profile = |name: usize| {
        let origin = env.sim().origin();
        format!("[profile.p{name}]\nauthority = \"{origin}\"\nclient_id = \"{DEFAULT_CLIENT}\"\n")
    };
    env.configure(&(0..count / 2).map(profile).collect::<String>());
    let daemon = env.start();
    for name in 0..count / 2 {
        for person in [ADA, BOB] {
            let _account = env.sign_in_as(person, &["--profile", &format!("p{name}")]);
        }
    }
    let request = format!(r#"{{"resource":"graph","profile":"p0","account":"{ADA}","force_refresh":true}}"#);
    let request = token_request(&request);
    let mut connection = Connection::open(&env.socket());
    let bound = ONE_ACCOUNT + (count - 1) as f64 * FURTHER_ACCOUNT;
    write_report(figures, &format!("{count} accounts"), bound, || {
        write(daemon.pid(), &mut connection, &request)
    });
}

/// In KiB: the sealed file with one refresh token, the answer to the caller, and room to spare.
const ONE_ACCOUNT: f64 = 8.0;
const FURTHER_ACCOUNT: f64 = 2.0;

fn write_report(
    figures: &mut Figures,
    with: &str,
    bound: f64,
    write: impl FnOnce() -> Result<Written, String>,
) {
    let name = format!("a refresh writes, {with}");
    match write() {
        Ok(written) => {
            figures.target(&name, written.by_calls / 1024.0, "KiB", bound);
            figures.note("  of it pages to the disk", written.to_disk / 1024.0, "KiB");
        }
        Err(reason) => figures.skip(&name, &reason),
    }
}

/// What one refresh writes, its answer to the caller included.
fn write(pid: u32, connection: &mut Connection, request: &[u8]) -> Result<Written, String> {
    let before = written(pid)?;
    for _ in 0..REFRESHES {
        connection.ask(request);
    }
    let after = written(pid)?;
    let each = |after: f64, before: f64| (after - before) / REFRESHES as f64;
    Ok(Written {
        by_calls: each(after.by_calls, before.by_calls),
        to_disk: each(after.to_disk, before.to_disk),
    })
}

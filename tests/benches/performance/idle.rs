//! A signed-in daemon that nobody asks anything: its memory, and that it does nothing at all.
//!
//! It is first left alone until no thread of it has run for longer than its longest timer. Then two
//! witnesses watch it at the same time: the kernel's count of context switches of each thread, which any
//! user may read and which grows by one whenever a thread that waited wakes, and strace, where it may trace.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Effort;
use super::figures::Figures;
use super::procfs::{number, read, switches};
use super::stage::Stage;

pub(crate) fn measure(stage: &Stage, effort: Effort, figures: &mut Figures) {
    let workstation = stage.workstation();
    let pid = workstation.daemon.pid();
    match settle(pid) {
        Some(after) => figures.note("idle daemon: settled after", after.as_secs_f64(), "s"),
        None => figures.skip("idle daemon: settled after", "it never came to rest"),
    }
    let status = read(pid, "status");
    figures.target(
        "idle daemon, signed in: resident memory",
        number(&status, "VmRSS:") / 1024.0,
        "MiB",
        12.0,
    );
    figures.note("  of it anonymous", number(&status, "RssAnon:") / 1024.0, "MiB");
    figures.note("  of it mapped from files", number(&status, "RssFile:") / 1024.0, "MiB");
    figures.note("  threads", number(&status, "Threads:"), "");
    match std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
        Ok(rollup) => figures.note("  proportional share (PSS)", number(&rollup, "Pss:") / 1024.0, "MiB"),
        Err(error) => figures.skip("  proportional share (PSS)", &error.to_string()),
    }
    watch(pid, effort, figures);
}

/// Longer than any timer the daemon may have running after a sign-in, the HTTP pool's 20 seconds included.
const REST: Duration = Duration::from_secs(25);

const SETTLE_LIMIT: Duration = Duration::from_secs(120);

/// Waits until no thread has run for [`REST`]; returns when the last one ran.
fn settle(pid: u32) -> Option<Duration> {
    let start = Instant::now();
    let mut last = (start, switches(pid));
    while start.elapsed() < SETTLE_LIMIT {
        sleep(Duration::from_millis(200));
        let now = switches(pid);
        if now != last.1 {
            last = (Instant::now(), now);
        } else if last.0.elapsed() > REST {
            return Some(last.0 - start);
        }
    }
    None
}

fn watch(pid: u32, effort: Effort, figures: &mut Figures) {
    let window = Duration::from_secs(if effort.is_quick { 10 } else { 60 });
    let seconds = window.as_secs();
    // The unprivileged witness stands alone first: a tracer's arrival wakes what it traces.
    let before = switches(pid);
    sleep(window);
    figures.target(&format!("idle daemon: wake-ups in {seconds} s"), woken(pid, &before), "", 0.0);
    // Each start opens files of /etc, which has to be watched where it has no folder of ours.
    let before = switches(pid);
    for _ in 0..STARTS {
        let started = Command::new("/bin/true").status().unwrap();
        assert!(started.success(), "{started}");
    }
    sleep(ARRIVAL);
    figures.target(&format!("  while {STARTS} programs start"), woken(pid, &before), "", 0.0);
    let name = format!("idle daemon: system calls in {seconds} s");
    match calls(pid, window) {
        Ok(calls) => figures.target(&name, calls.len() as f64, "", 0.0),
        Err(reason) => figures.skip(&name, &reason),
    }
}

/// How often threads have run since these counts.
fn woken(pid: u32, before: &BTreeMap<u32, u64>) -> f64 {
    let woken: u64 =
        switches(pid).iter().map(|(thread, count)| count - before.get(thread).unwrap_or(&0)).sum();
    woken as f64
}

const STARTS: u32 = 200;

/// The system calls that strace saw in `window`. Those around its arrival and its leaving are its own doing.
fn calls(pid: u32, window: Duration) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("calls");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-ttt", "-o"]).arg(&log).args(["-p", &pid.to_string()]);
    let child = strace.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("strace does not start: {error}"))?;
    sleep(ARRIVAL);
    let arrived = lines(&log).len();
    sleep(window);
    let seen = lines(&log);
    if let Ok(Some(_)) = child.try_wait() {
        let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap_or_default();
        return Err(format!("strace may not trace: {}", said.trim()));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    if arrived == 0 {
        return Err("strace saw no thread".to_owned());
    }
    Ok(seen[arrived..].to_vec())
}

/// Attaching to a few threads takes milliseconds, and so does waking one.
const ARRIVAL: Duration = Duration::from_secs(2);

fn lines(log: &Path) -> Vec<String> {
    std::fs::read_to_string(log).unwrap_or_default().lines().map(str::to_owned).collect()
}

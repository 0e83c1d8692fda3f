//! What the kernel tells of a process (proc(5)): memory, switches, processor time, bytes written.

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// A file of the process; empty when it cannot be read, since a thread may end at any time.
pub(crate) fn read(pid: u32, file: &str) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
}

/// The number after `name` at the start of a line; NaN without one.
pub(crate) fn number(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(f64::NAN)
}

/// Resident memory in KiB.
pub(crate) fn resident(pid: u32) -> f64 {
    number(&read(pid, "status"), "VmRSS:")
}

/// Memory that is no file's, in KiB: of a program's file as much stays as was ever run.
pub(crate) fn own(pid: u32) -> f64 {
    number(&read(pid, "status"), "RssAnon:")
}

/// How many descriptors the process has open, where we may know.
pub(crate) fn descriptors(pid: u32) -> Option<usize> {
    Some(std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
}

/// How often each thread was switched away from, by choice or not.
pub(crate) fn switches(pid: u32) -> BTreeMap<u32, u64> {
    let by_thread = threads(pid).into_iter().map(|id| {
        let status = read(pid, &format!("task/{id}/status"));
        let by_choice = number(&status, "voluntary_ctxt_switches:");
        (id, (by_choice + number(&status, "nonvoluntary_ctxt_switches:")) as u64)
    });
    by_thread.collect()
}

/// How long its threads have run so far. The part of a thread that has ended is lost.
pub(crate) fn processor_time(pid: u32) -> Duration {
    let nanos = threads(pid).into_iter().filter_map(|id| {
        let schedule = read(pid, &format!("task/{id}/schedstat"));
        schedule.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

fn threads(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads.filter_map(|thread| thread.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// What a process has written so far, in bytes.
pub(crate) struct Written {
    /// Handed to `write` and its kin: files, the callers' sockets, the log.
    pub(crate) by_calls: f64,
    /// Pages of files that go to the disk.
    pub(crate) to_disk: f64,
}

/// What the process has written.
///
/// # Errors
/// The kernel tells it of a process that is not dumpable to root alone.
pub(crate) fn written(pid: u32) -> Result<Written, String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/io")).map_err(|error| error.to_string())?;
    Ok(Written { by_calls: number(&text, "wchar:"), to_disk: number(&text, "write_bytes:") })
}

/// Waits until no thread of the process has run for a tenth of a second, and says since when; `None` when that does
/// not come to pass within `limit`.
pub(crate) fn quiet_since(pid: u32, limit: Duration) -> Option<Instant> {
    let start = Instant::now();
    let mut last = (start, switches(pid));
    while start.elapsed() < limit {
        sleep(Duration::from_millis(5));
        let now = switches(pid);
        if now != last.1 {
            last = (Instant::now(), now);
        } else if last.0.elapsed() > Duration::from_millis(100) {
            return Some(last.0);
        }
    }
    None
}

/// The most resident memory, in KiB, that the process is seen to have while `work` runs.
pub(crate) fn peak_during<T>(pid: u32, work: impl FnOnce() -> T) -> (T, f64) {
    let (working, done) = channel::<()>();
    thread::scope(|scope| {
        let watcher = scope.spawn(move || {
            let mut peak = resident(pid);
            while done.recv_timeout(Duration::from_millis(5)) == Err(RecvTimeoutError::Timeout) {
                peak = peak.max(resident(pid));
            }
            peak
        });
        let result = work();
        drop(working);
        (result, watcher.join().unwrap())
    })
}

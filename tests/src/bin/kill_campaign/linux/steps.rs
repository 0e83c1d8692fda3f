//! Kills at each system call of one persist.
//!
//! strace attaches to the vault's thread alone and sends SIGKILL at the entry of the call that is meant; the
//! kernel then does not carry the call out, which the rename shows: its temporary file is left. What is on the
//! disk after a call is what is there before the next one, so both sides of each are tried.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use entra_tests::{Daemon, finish, raw};

use super::lane::{Lane, OnDisk, Rotation, wanted};

/// What all steps brought.
#[derive(Default)]
pub(crate) struct Steps {
    pub(crate) faults: Vec<String>,
    pub(crate) done: Vec<Step>,
}

/// One kill.
pub(crate) struct Step {
    pub(crate) call: String,
    pub(crate) has_leftover: bool,
    pub(crate) is_kept: bool,
    pub(crate) on_disk: OnDisk,
}

/// A system call of the vault's thread.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Call {
    name: String,
    /// Which call of that name since strace attached, from 1.
    count: usize,
    /// Whether it wakes the thread that waits for the vault.
    is_word: bool,
}

/// Kills at each call in turn; `daemon` is watched before.
pub(crate) fn run(lane: &mut Lane, daemon: Daemon) -> Steps {
    let mut found = Steps::default();
    let calls = calls_of_a_persist(lane, daemon);
    let renaming = calls.iter().position(|call| call.name.starts_with("rename"));
    let renaming = renaming.expect("a persist renames");
    let mut daemon = lane.env.start();
    found.faults.extend(lane.prove().faults);
    for (at, call) in calls.iter().enumerate() {
        let mut tries = 0;
        let (proof, has_leftover) = loop {
            let missed = kill_at(lane, daemon, &calls[..=at], MORE_WORDS[tries]);
            let has_leftover = lane.has_leftover();
            daemon = lane.env.start();
            let proof = lane.prove();
            tries += 1;
            let Some(missed) = missed else { break (proof, has_leftover) };
            // That was a kill as well; for the call it is tried again.
            found.faults.extend(proof.faults.iter().map(|fault| format!("beside {}: {fault}", call.name)));
            if tries == MORE_WORDS.len() {
                found.faults.push(format!("{} ({at}) was not hit: {missed}", call.name));
                break (proof, has_leftover);
            }
        };
        let expected = if at <= renaming { OnDisk::OneBefore } else { OnDisk::Newest };
        let is_kept = lane.rotation == Rotation::Entra || expected == OnDisk::Newest;
        let mut faults = proof.faults;
        if (proof.on_disk, proof.is_kept) != (expected, is_kept) {
            faults.push(format!("{:?}, sign-in kept: {}", proof.on_disk, proof.is_kept));
        }
        found.faults.extend(faults.into_iter().map(|fault| format!("at {} ({at}): {fault}", call.name)));
        let call = call.name.clone();
        found.done.push(Step { call, has_leftover, is_kept: proof.is_kept, on_disk: proof.on_disk });
    }
    daemon.kill();
    lane.after_kill([]);
    found
}

/// The calls of a persist, as two in a row agree on them: a thread that is faster or slower than usual spares or
/// needs a word to another.
fn calls_of_a_persist(lane: &mut Lane, daemon: Daemon) -> Vec<Call> {
    let mut before = watch(lane, daemon);
    for _ in 0..MORE_PERSISTS {
        let daemon = lane.env.start();
        let calls = watch(lane, daemon);
        if calls == before {
            return calls;
        }
        before = calls;
    }
    panic!("no two persists in a row make the same calls");
}

/// Watches one refresh: the calls from when Entra's answer reaches the vault's thread until it has told that the
/// token is saved.
fn watch(lane: &mut Lane, daemon: Daemon) -> Vec<Call> {
    let trace = lane.env.folder().join("persist.trace");
    let strace = attach(&daemon, &trace, None);
    let answer = raw::post(&lane.env.socket(), "/v1/token", &wanted("https://step.example"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    daemon.kill();
    let _traced = finish(strace);
    lane.after_kill([]);
    persist_in(&std::fs::read_to_string(&trace).expect("a trace"))
}

/// The calls of the job that renamed something. A job ends with a word to the thread that waits for it, unless
/// that one looks before, and then the vault's thread waits.
fn persist_in(trace: &str) -> Vec<Call> {
    let mut counts = BTreeMap::new();
    let mut calls: Vec<Call> = Vec::new();
    for line in trace.lines() {
        let call = call_in(line);
        let is_word = call.is_some_and(|(_, is_word)| is_word);
        if let Some((name, is_word)) = call {
            let count = counts.entry(name).or_insert(0);
            *count += 1;
            calls.push(Call { name: name.to_owned(), count: *count, is_word });
        }
        if is_word || line.contains("FUTEX_WAIT_BITSET") {
            if calls.iter().any(|call| call.name.starts_with("rename")) {
                return calls;
            }
            calls.clear();
        }
    }
    panic!("nothing was renamed:\n{trace}");
}

/// The name of the call in a line, and whether it is a word; nothing when it is noise.
fn call_in(line: &str) -> Option<(&str, bool)> {
    let (name, _) = line.split_once('(')?;
    (!NOISE.contains(&name)).then(|| (name, name == "write" && line.contains(EVENT)))
}

/// Has a refresh killed at the last of these calls of a persist; says what went wrong with that. The jobs before
/// it end with `more_words` more words than those that were watched did.
fn kill_at(lane: &mut Lane, daemon: Daemon, calls: &[Call], more_words: isize) -> Option<String> {
    let trace = lane.env.folder().join("kill.trace");
    let mut call = calls.last().expect("a call").clone();
    if call.name == "write" {
        call.count = call.count.saturating_add_signed(more_words).max(1);
    }
    let strace = attach(&daemon, &trace, Some(&call));
    let answer = raw::post(&lane.env.socket(), "/v1/token", &wanted("https://step.example"));
    // Ends strace as well, where it has not ended by its own kill.
    daemon.kill();
    let _killed = finish(strace);
    lane.after_kill([]);
    let trace = std::fs::read_to_string(&trace).expect("a trace");
    let was_hit = answer.status == 0 && trace.trim_end().ends_with(KILLED) && ends_with(&trace, calls);
    let last = trace.lines().rfind(|line| line.contains('(')).unwrap_or_default();
    (!was_hit).then(|| format!("answer {}, last call {last}", answer.status))
}

/// Whether a trace ends with just these calls, so that it is known which call the last one is: how many words were
/// written before it is chance.
fn ends_with(trace: &str, calls: &[Call]) -> bool {
    let made: Vec<_> = trace.lines().filter_map(call_in).collect();
    let calls: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.is_word)).collect();
    made.ends_with(&calls)
}

/// Attaches strace to the vault's thread and waits until it has.
fn attach(daemon: &Daemon, trace: &Path, kill: Option<&Call>) -> Child {
    let mut command = Command::new("strace");
    command.arg("-y").arg("-o").arg(trace).arg("-p").arg(vault_thread(daemon.pid()));
    if let Some(Call { name, count, .. }) = kill {
        command.arg("-e").arg(format!("inject={name}:signal=SIGKILL:when={count}"));
    }
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("strace starts");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    said.read_line(&mut line).expect("a line");
    assert!(line.contains("attached"), "strace: {line}");
    // So that whatever it has to say later does not end it.
    thread::spawn(move || said.read_to_end(&mut Vec::new()));
    child
}

fn vault_thread(pid: u32) -> String {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("tasks");
    let is_vault = |task: &std::fs::DirEntry| {
        std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "entrad-vault")
    };
    let task = tasks.filter_map(Result::ok).find(is_vault).expect("a thread of the vault");
    task.file_name().to_string_lossy().into_owned()
}

/// How strace shows the descriptor by which one thread wakes another.
const EVENT: &str = "<anon_inode:[eventfd]>";

/// How many more words than in the persist that was watched each try of a call reckons with.
const MORE_WORDS: [isize; 12] = [0, 1, -1, 0, 1, -1, 2, -2, 0, 1, -1, 0];

/// How many persists are compared with the one before.
const MORE_PERSISTS: usize = 5;

/// How a trace ends when strace's kill was carried out.
const KILLED: &str = "= ?\n+++ killed by SIGKILL +++";

/// Calls by which memory is had and a thread waits: they touch no file, and how many there are is chance.
const NOISE: [&str; 9] =
    ["brk", "futex", "madvise", "mlock", "mmap", "mprotect", "mremap", "munlock", "munmap"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_persist_is_the_job_that_renames() {
        let trace = "\
futex(0x1, FUTEX_WAIT) = 0
openat(3</state>, \"vault.sealed\", O_RDONLY) = 4</state/vault.sealed>
close(4</state/vault.sealed>) = 0
write(5<anon_inode:[eventfd]>, \"\\1\\0\", 8) = 8
openat(3</state>, \"vault.sealed.tmp\", O_WRONLY) = 4</state/vault.sealed.tmp>
futex(0x1, FUTEX_WAKE) = 1
write(4</state/vault.sealed.tmp>, \"entradv\", 7) = 7
renameat(3</state>, \"vault.sealed.tmp\", 3</state>, \"vault.sealed\") = 0
close(4</state/vault.sealed>) = 0
write(5<anon_inode:[eventfd]>, \"\\1\\0\", 8) = 8
openat(3</state>, \"vault.sealed\", O_RDONLY) = ?
+++ killed by SIGKILL +++
";
        let calls = persist_in(trace);
        let named: Vec<_> = calls.iter().map(|call| format!("{} {}", call.name, call.count)).collect();
        assert_eq!(named, ["openat 2", "write 2", "renameat 1", "close 2", "write 3"]);

        let until_rename = trace.split_inclusive('\n').take(8).collect::<String>();
        assert!(ends_with(&until_rename, &calls[..=2]));
        assert!(!ends_with(&until_rename, &calls[..=1]));
        let with_another_word = until_rename.replace("4</state/vault.sealed.tmp>, \"entradv\"", EVENT);
        assert!(!ends_with(&with_another_word, &calls[..=2]));
    }
}

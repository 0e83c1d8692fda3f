//! What ps(1) tells of processes.

use std::process::Command;

/// Memory in use by a process, in KiB.
///
/// # Panics
/// When there is no such process.
#[must_use]
pub fn resident(pid: u32) -> u64 {
    ask(pid, "rss=").trim().parse().expect("a number")
}

/// What the system tells the user of a process: its command line and environment, with where they stand.
///
/// # Panics
/// When there is no such process.
#[must_use]
pub fn told_of_process(pid: u32) -> Vec<(String, Vec<u8>)> {
    vec![("the output of ps".to_owned(), ask(pid, "command=").into_bytes())]
}

/// Nothing: root passes over every mode here, so the tests that need them fail for root.
pub fn give_up_privileges() {}

fn ask(pid: u32, what: &str) -> String {
    let mut command = Command::new("/bin/ps");
    let output = command.args(["-E", "-ww", "-o", what, "-p", &pid.to_string()]).output().expect("ps runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

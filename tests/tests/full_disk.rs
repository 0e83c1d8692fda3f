//! A full disk, on which neither the vault nor the log can be written.
//!
//! It is played by a limit on the size of files, which only Linux can set for another process while it runs.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::time::Duration;

use entra_sim::Options;
use entra_tests::{Daemon, Env, PERSON};
use rustix::process::{Pid, Resource, Rlimit, prlimit};

fn env() -> Env {
    let mut options = Options::default();
    options.rules.interval = Duration::from_secs(1);
    options.rules.strict_rotation = true;
    Env::with(entra_tests::programs!(), options)
}

/// Asks for a token of a resource that nobody asked for before, so that the refresh token is used.
fn refresh(env: &Env, number: usize) {
    let answer = env.token(&["--resource", &format!("https://r{number}.example")]);
    assert_eq!(answer["source"], "refresh");
}

/// A daemon for which a disk can be filled: it gets an error instead of the signal that a shell would give it.
fn start_without_size_signal(env: &Env) -> Daemon {
    let wanted = env.daemon_command();
    let mut command = env.command(Path::new("/bin/sh"));
    command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(wanted.get_program()).args(wanted.get_args());
    env.launch(command)
}

fn limit_file_size(daemon: &Daemon, bytes: Option<u64>) {
    let pid = Pid::from_raw(daemon.pid().try_into().unwrap());
    prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

#[test]
fn a_full_disk_costs_no_token_and_no_sign_in() {
    let env = env();
    let daemon = start_without_size_signal(&env);
    env.sign_in();
    limit_file_size(&daemon, Some(64));
    refresh(&env, 0);
    // The unsaved refresh token is the one that is used.
    refresh(&env, 1);
    let status = env.entra(&["status"]);
    assert_eq!(status.status, 0, "{status:?}");
    let said = status.stdout + &status.stderr;
    assert!(said.contains("only in memory") && said.contains(PERSON), "{said}");

    limit_file_size(&daemon, None);
    let _well = env.status_where(|status| status["warnings"].as_array().is_none_or(Vec::is_empty));
    daemon.kill();
    let _daemon = env.start();
    refresh(&env, 2);
    assert_eq!(env.sim().control().state().revoked_refresh_tokens, 0);
}

#[test]
fn a_full_disk_that_is_well_at_the_stop_costs_no_sign_in() {
    let env = env();
    let daemon = start_without_size_signal(&env);
    env.sign_in();
    limit_file_size(&daemon, Some(64));
    refresh(&env, 0);
    limit_file_size(&daemon, None);
    assert_eq!(daemon.stop(), 0);
    let _daemon = env.start();
    refresh(&env, 1);
}

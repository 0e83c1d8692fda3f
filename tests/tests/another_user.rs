//! A process of another user on the same machine, with every door open but the daemon's own check.
//!
//! On Windows nobody can become another user without a password; there the tests of the pipe's access list and of
//! its owner stand for it, in the daemon and in the client.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use entra_tests::loopback::Lease;
use entra_tests::{Env, programs, run};

#[test]
fn a_process_of_another_user_gets_nothing() {
    let mut as_nobody = Command::new("setpriv");
    as_nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can become another user; run this test as root to see it");
        return;
    }
    let (env, daemon) = {
        let env = Env::new(programs!());
        let daemon = env.start_in_memory(&[]);
        env.sign_in();
        (env, daemon)
    };
    // Open every door but the daemon's own check.
    let mut path = env.socket();
    while path.starts_with(env.folder()) {
        let mode = if path == env.socket() { 0o666 } else { 0o755 };
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        path.pop();
    }
    as_nobody.args(["curl", "--silent", "--show-error", "--max-time", "20", "--unix-socket"]);
    as_nobody.arg(env.socket()).arg("http://entrad/v1/status").env_clear().env("PATH", "/usr/bin:/bin");
    let ran = run(as_nobody);
    assert!(ran.status != 0 && ran.stdout.is_empty(), "{ran:?}");
    // The doors were open; the daemon itself closed the connection.
    assert!(env.log().contains("a process of user 65534 connected"), "{}", env.log());
    // Who tries without end fills no log: after the first there is a line for each time that the number doubles.
    let mut as_nobody = Command::new("setpriv");
    as_nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", AGAIN, "sh"]);
    as_nobody.arg(env.socket()).env_clear().env("PATH", "/usr/bin:/bin");
    let _refused = run(as_nobody);
    let lines = env.log().matches("a process of user 65534 connected").count();
    assert_eq!(lines, 32, "the first of 41: {}", env.log());
    // The loopback port is open to everybody, and a lease's secret is not.
    let lease = Lease::make(&env.socket(), "one", &["graph"]);
    let port = lease.port;
    let mut as_nobody = Command::new("setpriv");
    as_nobody.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "curl",
        "--silent",
        "--max-time",
        "20",
    ]);
    as_nobody.arg(format!("http://127.0.0.1:{port}/msi/token?resource=https://graph.microsoft.com"));
    as_nobody.env_clear().env("PATH", "/usr/bin:/bin");
    let ran = run(as_nobody);
    assert!(ran.status == 0 && ran.stdout.contains("no lease's") && !ran.stdout.contains("access_token"));
    assert_eq!(lease.identity("https://graph.microsoft.com").status, 200);
    assert_eq!(env.token(&["--for", "graph"])["source"], "cache");
    assert_eq!(daemon.stop(), 0);
}

/// Forty times.
const AGAIN: &str = "for time in $(seq 40); do curl --silent --max-time 20 --unix-socket \"$1\" http://entrad/v1/status; done";

/// The address may be read from a browser's command line, by everybody.
#[cfg(target_os = "linux")]
#[test]
fn another_user_who_knows_a_pages_address_is_told_no_more_than_who_does_not() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can become another user; run this test as root to see it");
        return;
    }
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let opened = entra_tests::raw::post(&env.socket(), "/v1/pages", &serde_json::json!({}));
    let url = opened.body["url"].as_str().unwrap();
    let ask = |become_somebody: &[&str], url: &str| {
        let words = [become_somebody, &["curl", "--silent", "--max-time", "20", url]].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env_clear().env("PATH", "/usr/bin:/bin");
        run(command)
    };
    let stranger = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let unknowing = ask(&stranger, &format!("{url}x"));
    let ran = ask(&stranger, url);
    assert!(ran.status == 0 && !ran.stdout.contains("<form") && !ran.stdout.is_empty(), "{ran:?}");
    assert_eq!(ran.stdout, unknowing.stdout, "it is told no more than who does not know the address");
    assert!(env.log().contains("a process of user 65534 asked for a sign-in page"), "{}", env.log());
    let ran = ask(&[], url);
    assert!(ran.status == 0 && ran.stdout.contains("value=\"begin\""), "{ran:?}");
}

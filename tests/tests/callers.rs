//! Who asks, as the daemon sees it: `entra whoami`, and a process that becomes another program after it has connected.
//!
//! What else a process may do to be taken for another is played at the look itself, in `daemon/src/access/caller`.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use entra_tests::{Env, programs, raw};
use serde_json::Value;

fn ends_with_us(path: &Value) -> bool {
    let us = std::env::current_exe().unwrap();
    path.as_str().is_some_and(|path| path.ends_with(us.file_name().unwrap().to_str().unwrap()))
}

#[test]
fn whoami_tells_who_started_the_client_and_how_sure_that_is() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let ran = env.entra(&["whoami", "--json"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(told["certainty"], "weak", "{told}");
    if cfg!(target_os = "linux") {
        assert_eq!(told["pid"], std::process::id());
        assert!(ends_with_us(&told["program"]), "{told}");
        assert!(told["through"].as_str().unwrap().contains("entra-under-test"), "{told}");
        assert!(told["reasons"][0].as_str().unwrap().contains("asked through entra"), "{told}");
    }
    let table = env.entra(&["whoami"]);
    assert!(table.status == 0 && table.stdout.contains("Certainty   weak"), "{table:?}");
}

#[test]
fn who_asks_without_the_client_is_seen_itself() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let told = raw::get(&env.socket(), "/v1/caller").body;
    assert_eq!(told["pid"], std::process::id(), "{told}");
    assert!(ends_with_us(&told["program"]) && told["through"].is_null(), "{told}");
    assert!(told["container"].is_null() && told["forwarded"].is_null(), "{told}");
}

/// It connects, becomes a shell, and asks as that over the connection that it has.
#[cfg(target_os = "linux")]
const TURNCOAT: &str = r#"
use Socket;
$^F = 255;
socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or die;
connect($socket, pack_sockaddr_un($ARGV[0])) or die;
my $number = fileno $socket;
$| = 1;
print "connected\n";
<STDIN>;
exec "sh", "-c", "printf '$ARGV[1]' >&$number; cat <&$number";
"#;

#[cfg(target_os = "linux")]
#[test]
fn who_becomes_another_program_is_not_known_and_noted_as_both() {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::process::{Command, Stdio};

    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    env.sign_in();
    let ask = |request: &str| {
        let mut command = Command::new("perl");
        command.args(["-e", TURNCOAT]).arg(env.socket()).arg(request);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut from = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        from.read_line(&mut said).unwrap();
        assert_eq!(said, "connected\n");
        // Connections are taken in their order, so once this one is served that one was taken.
        assert_eq!(raw::get(&env.socket(), "/v1/metrics").status, 200);
        child.stdin.take().unwrap().write_all(b"\n").unwrap();
        said.clear();
        from.read_to_string(&mut said).unwrap();
        child.wait().unwrap();
        said
    };
    let seen = ask("GET /v1/caller HTTP/1.0\\r\\nHost: entrad\\r\\n\\r\\n");
    assert!(seen.contains(r#""certainty":"unknown""#), "{seen}");
    assert!(seen.contains("another program than when it connected"), "{seen}");

    let asked = r#"{"resource":"graph"}"#;
    let head = "POST /v1/token HTTP/1.0\\r\\nHost: entrad\\r\\nContent-Type: application/json\\r\\n";
    let seen = ask(&format!("{head}Content-Length: {}\\r\\n\\r\\n{asked}", asked.len()));
    assert!(seen.contains("access_token"), "the answer has {} bytes", seen.len());
    let log = env.entra(&["log", "--json"]);
    let entry = log.stdout.lines().find(|line| line.contains(r#""event":"issued""#)).unwrap();
    let caller = serde_json::from_str::<Value>(entry).unwrap()["caller"].clone();
    assert!(caller["program"].as_str().unwrap().contains("perl"), "{caller}");
    assert!(caller["became"].is_string(), "{caller}");
}

//! A daemon that the kernel holds to its own files, though it was started by hand: it sees who asks, and what the user writes.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::time::{Duration, Instant};

use entra_tests::{Env, programs, raw};

#[test]
fn who_asks_is_known_by_the_looker() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&["--confine=always"]);
    let told = raw::get(&env.socket(), "/v1/caller").body;
    assert_eq!(told["pid"], std::process::id(), "{told}");
    assert_eq!(told["program"].as_str(), std::env::current_exe().unwrap().to_str(), "{told}");
    assert!(told["container"].is_null(), "{told}");
}

#[test]
fn settings_that_are_first_written_while_it_runs_are_read() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&["--confine=always"]);
    env.configure("snooze = \"2h\"\n");
    let begun = Instant::now();
    loop {
        let config = raw::get(&env.socket(), "/v1/config").body;
        let settings = config["settings"].as_array().unwrap();
        let snooze = settings.iter().find(|it| it["key"] == "snooze").unwrap();
        if snooze["value"] == "2h" {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{snooze}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

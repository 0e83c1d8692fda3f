//! A desktop that hangs: a session bus that takes connections and never answers. It delays nobody's token.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::os::unix::net::UnixListener;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use entra_sim::{ADA, BOB};
use entra_tests::{Env, programs, raw};
use serde_json::json;

const LONG: Duration = Duration::from_secs(30);

#[test]
fn a_session_bus_that_never_answers_delays_nobody() {
    let env = Env::new(programs!());
    let bus = env.folder().join("bus");
    let listener = UnixListener::bind(&bus).unwrap();
    let (tell, connected) = channel();
    thread::spawn(move || {
        // Held, and never answered.
        for stream in listener.incoming().map_while(Result::ok) {
            if tell.send(stream).is_err() {
                break;
            }
        }
    });
    let mut command = env.bare_daemon_command();
    command.arg(format!("--authority={}", env.sim().origin())).arg("--store=memory");
    command.arg(format!("--client-id={}", entra_sim::DEFAULT_CLIENT));
    let address = format!("unix:path={}", bus.display());
    let daemon = env.launch(command.env("DBUS_SESSION_BUS_ADDRESS", &address));
    env.sign_in_as(ADA, &[]);
    env.sign_in_as(BOB, &[]);
    env.sim().control().revoke_user(ADA);
    assert!(connected.try_recv().is_err(), "nothing is to be asked, so the bus is left alone");
    let ask = |who: &str| raw::post(&env.socket(), "/v1/token", &json!({"resource": "arm", "account": who}));
    assert_eq!(ask(ADA).status, 401);
    let held = connected.recv_timeout(LONG).expect("the desktop is asked");

    // While that hangs, a thousand requests of another account are answered, and those of this one are refused at once.
    let begun = Instant::now();
    for _ in 0..500 {
        assert_eq!((ask(BOB).status, ask(ADA).status), (200, 401));
    }
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    let deadline = Instant::now() + 2 * LONG;
    let prompts = || raw::get(&env.socket(), "/v1/prompts").body["prompts"].clone();
    while prompts()[0]["held_back"]["by"] != "no_desktop" {
        assert!(Instant::now() < deadline, "it is given up: {:#}", prompts());
        thread::sleep(Duration::from_millis(50));
    }
    assert!(prompts()[0]["shown_on"].is_null());
    drop(held);
    let told = env.log().matches("could not be told").count();
    assert_eq!(told, 1, "{}", env.log());
    assert_eq!(daemon.stop(), 0);
}

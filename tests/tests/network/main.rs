//! Every way in which a network can fail: each is one clear sentence, signs nobody out, withholds nothing that is
//! held, and is over seconds after it is mended.
//!
//! Nothing here can reach a real host: the authority is on loopback, or stands behind a proxy on loopback, and
//! what needs names or routes of its own runs in a network namespace that has no other interface.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod scene;
#[cfg(target_os = "linux")]
mod trust_linux;
#[cfg(target_os = "linux")]
mod world_linux;

use std::thread;
use std::time::Instant;

use entra_sim::Leg;
use entra_tests::{Env, Relay, Weather, programs};
use serde_json::json;

use scene::{RECOVERY, Scene, address, says};

pub(crate) const PORTAL: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html><title>Hotel</title>Sign in</html>";
const REDIRECT: &str = "HTTP/1.1 302 Found\r\nlocation: http://portal.invalid/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[test]
fn a_network_that_is_off_or_a_portal_signs_nobody_out() {
    let direct = [
        (Weather::Off, "No connection to 127.0.0.1.", "entrad tries again by itself"),
        (says(PORTAL), "is not Entra's", "entrad tries again by itself"),
        (says(REDIRECT), "redirects 127.0.0.1 elsewhere (HTTP 302)", "sign in to the network"),
    ];
    // Side by side, since each waits for a pause to end.
    thread::scope(|scope| {
        for (weather, message, hint) in direct {
            scope.spawn(move || Scene::plain().survives(weather, [message, hint]));
        }
    });
}

#[test]
fn offline_at_boot_the_daemon_starts_and_serves_as_soon_as_it_can() {
    let env = Env::new(programs!());
    env.sim().control().set_rules(|rules| rules.strict_rotation = true);
    let relay = Relay::to(address(env.sim()));
    let authority = format!("--authority={}", format_args!("http://{}", relay.address()));
    let start = || {
        let mut command = env.bare_daemon_command();
        command.args(env.options().into_iter().skip(1)).arg(&authority);
        env.launch(command)
    };
    let daemon = start();
    env.sign_in();
    assert_eq!(daemon.stop(), 0);
    relay.set(Weather::Off);
    let daemon = start();
    let scene = Scene { env, relay, _daemon: daemon, _trusted: None };
    let ran = scene.env.entra(&["token", "--for", "foundry"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (6, ""), "{ran:?}");
    let accounts = scene.env.entra(&["accounts"]);
    assert_eq!(accounts.stdout.matches("good").count(), 1, "{accounts:?}");
    assert_eq!(scene.env.entra(&["status"]).status, 0);
    scene.relay.set(Weather::Clear);
    let mended_at = Instant::now();
    assert_eq!(scene.wait_for_token(&json!({"resource": "foundry"}))["source"], "refresh");
    assert!(mended_at.elapsed() < RECOVERY);
    assert_eq!(scene.env.sim().control().requests_on(Leg::Devicecode).len(), 1);
}

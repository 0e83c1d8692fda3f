//! Certificates and proxies: who may stand between the daemon and Entra.
//!
//! Linux lets a variable name what is trusted. Elsewhere it is the system's own store, which no test may change.

use std::path::PathBuf;
use std::time::Duration;

use entra_sim::{Fault, Leg, Options, Sim};
use entra_tests::{Certificates, Env, Relay, Weather, programs};
use serde_json::json;

use crate::scene::{Scene, Told, address, in_memory, says};

const PROXY_AUTHENTICATION: &str =
    "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const NO_TLS: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";

impl Scene {
    /// The authority by https, with nothing trusted but what the file says.
    pub(crate) fn tls(certificates: &Certificates, trust: &PathBuf) -> Self {
        let env = Env::with(programs!(), https(certificates));
        let relay = Relay::to(address(env.sim()));
        let mut command = in_memory(&env);
        command.arg(format!("--authority=https://{}", relay.address())).env("SSL_CERT_FILE", trust);
        let daemon = env.launch(command);
        Self::signed_in(env, relay, daemon, None)
    }

    /// The public cloud's own host, by a proxy of this name that takes every host for the simulator.
    pub(crate) fn proxied(proxy: &str) -> Self {
        let certificates = Certificates::new("behind a proxy");
        let env = Env::with(programs!(), https(&certificates));
        let relay = Relay::proxy_to(address(env.sim()));
        let mut command = in_memory(&env);
        command.env("SSL_CERT_FILE", certificates.trust(&[]));
        command.env("HTTPS_PROXY", format!("http://{proxy}:{}", relay.address().port()));
        let daemon = env.launch(command);
        Self::signed_in(env, relay, daemon, Some(certificates))
    }
}

fn https(certificates: &Certificates) -> Options {
    let mut options = Options { tls: Some(certificates.server()), ..Options::default() };
    options.rules.interval = Duration::from_secs(1);
    options
}

#[test]
fn a_proxy_that_is_off_signs_nobody_out() {
    let words = [", which HTTPS_PROXY names, does not answer.", "`entra status` shows when"];
    Scene::proxied("127.0.0.1").survives(Weather::Off, words);
}

#[test]
fn a_server_that_is_not_entra_gets_nothing_by_tls_and_signs_nobody_out() {
    let certificates = Certificates::new("ours");
    let scene = Scene::tls(&certificates, &certificates.trust(&[]));
    scene.survives(says(NO_TLS), ["No safe connection to 127.0.0.1", "stands in between"]);
}

#[test]
fn a_box_that_inspects_traffic_is_refused_until_it_is_trusted_and_then_needs_no_restart() {
    let (ours, theirs) = (Certificates::new("ours"), Certificates::new("theirs"));
    let scene = Scene::tls(&ours, &ours.trust(&[]));
    // The same service in other hands: a refresh token would be as good there.
    let spy = Sim::start_blocking(https(&theirs)).unwrap();
    scene.relay.set(Weather::Elsewhere(address(&spy)));
    let words = ["No safe connection to 127.0.0.1", "inspects traffic"];
    scene.is_broken(&Told { code: "unavailable", exit: 6, words });
    assert_eq!(spy.control().requests(), [], "no byte of a request reached it");
    // The administrator installs the box's root. Two connections failed, so the HTTP client that has read the
    // trusted certificates is gone, and the next reads them anew.
    assert!(ours.trust(&[&theirs]).exists());
    spy.control().script(Fault::on(Leg::Refresh).throttle(1));
    let heard =
        scene.wait_until(&json!({"resource": "foundry"}), |answer| answer.body["code"] != "unavailable");
    assert_eq!(heard.body["code"], "throttled", "the box was heard: {heard:?}");
    scene.relay.set(Weather::Clear);
    scene.recovers();
}

#[test]
fn a_proxy_that_asks_for_a_password_is_said_and_holds_nothing_back_once_it_is_content() {
    let scene = Scene::proxied("127.0.0.1");
    let hosts = scene.relay.asked();
    assert!(
        !hosts.is_empty() && hosts.iter().all(|host| host == "login.microsoftonline.com:443"),
        "{hosts:?}"
    );
    scene.relay.set(says(PROXY_AUTHENTICATION));
    let words = [" asks for a user name and password.", "HTTPS_PROXY"];
    scene.is_broken(&Told { code: "misconfigured", exit: 5, words });
    scene.relay.set(Weather::Clear);
    scene.recovers();
}

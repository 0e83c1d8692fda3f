//! Every way in which a network can fail: each is one clear sentence, signs nobody out, withholds nothing that is
//! held, and is over seconds after it is mended.
//!
//! Nothing here can reach a real host: the authority is on loopback, or stands behind a proxy on loopback, and
//! what needs names or routes of its own runs in a network namespace that has no other interface.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use entra_sim::{DEFAULT_CLIENT, Fault, Leg, Options, Sim};
use entra_tests::{Certificates, Daemon, Env, Relay, Weather, programs, raw, run};
use rustix::thread::UnshareFlags;
use serde_json::{Value, json};

/// A workstation whose way to Entra can be broken.
struct Scene {
    env: Env,
    relay: Relay,
    _daemon: Daemon,
    /// What the daemon trusts, for as long as it runs.
    _trusted: Option<Certificates>,
}

/// What a caller is told while the way is broken.
struct Told {
    code: &'static str,
    exit: i32,
    /// Words of the message and of the hint.
    words: [&'static str; 2],
}

const PORTAL: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html><title>Hotel</title>Sign in</html>";
const REDIRECT: &str = "HTTP/1.1 302 Found\r\nlocation: http://portal.invalid/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const PROXY_AUTHENTICATION: &str =
    "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const NO_TLS: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";

/// From mending to a token, for a caller that waits as long as it is told to: the first pause of a key is five
/// seconds and a jitter.
const RECOVERY: Duration = Duration::from_secs(10);

impl Scene {
    /// The authority by plain http.
    fn plain() -> Self {
        let env = Env::new(programs!());
        let relay = Relay::to(address(env.sim()));
        let mut daemon = in_memory(&env);
        let daemon = daemon.arg(format!("--authority=http://{}", relay.address())).arg("--log=entrad=debug");
        let daemon = env.launch(daemon);
        Self::signed_in(env, relay, daemon, None)
    }

    /// The authority by https, with nothing trusted but what the file says.
    fn tls(certificates: &Certificates, trust: &PathBuf) -> Self {
        let env = Env::with(programs!(), https(certificates));
        let relay = Relay::to(address(env.sim()));
        let mut command = in_memory(&env);
        command.arg(format!("--authority=https://{}", relay.address())).env("SSL_CERT_FILE", trust);
        let daemon = env.launch(command);
        Self::signed_in(env, relay, daemon, None)
    }

    /// The public cloud's own host, by a proxy of this name that takes every host for the simulator.
    fn proxied(proxy: &str) -> Self {
        let certificates = Certificates::new("behind a proxy");
        let env = Env::with(programs!(), https(&certificates));
        let relay = Relay::proxy_to(address(env.sim()));
        let mut command = in_memory(&env);
        command.env("SSL_CERT_FILE", certificates.trust(&[]));
        command.env("HTTPS_PROXY", format!("http://{proxy}:{}", relay.address().port()));
        let daemon = env.launch(command);
        Self::signed_in(env, relay, daemon, Some(certificates))
    }

    fn signed_in(env: Env, relay: Relay, daemon: Daemon, trusted: Option<Certificates>) -> Self {
        env.sign_in();
        assert_eq!(env.token(&["--for", "arm"])["source"], "refresh");
        Self { env, relay, _daemon: daemon, _trusted: trusted }
    }

    fn ask(&self, body: &Value) -> raw::RawAnswer {
        raw::post(&self.env.socket(), "/v1/token", body)
    }

    fn refreshes(&self) -> usize {
        self.env.sim().control().requests_on(Leg::Refresh).len()
    }

    /// The way is broken now: whoever needs Entra is told so, and nobody else notices.
    fn is_broken(&self, told: &Told) {
        let before = self.refreshes();
        for arguments in
            [["token", "--for", "foundry"].as_slice(), &["token", "--for", "arm", "--force-refresh"]]
        {
            let ran = self.env.entra(arguments);
            assert_eq!((ran.status, ran.stdout.as_str()), (told.exit, ""), "{ran:?}");
            let one_line = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(one_line.matches("Error: ").count(), 1, "{ran:?}");
            assert!(one_line.contains("Hint: Try again in "), "{ran:?}");
            for words in told.words {
                assert!(one_line.contains(words), "`{words}` is not in {ran:?}");
            }
        }
        let error = self.ask(&json!({"resource": "foundry"}));
        assert_eq!(error.body["code"], told.code, "{error:?}");
        assert!((1..=6).contains(&error.body["retry_after"].as_u64().unwrap()), "{error:?}");
        assert_eq!(self.refreshes(), before, "none of it reached Entra");
        self.is_well();
    }

    /// Nobody is signed out, and what is held is served.
    fn is_well(&self) {
        let accounts = raw::get(&self.env.socket(), "/v1/accounts");
        assert_eq!(accounts.body["accounts"][0]["health"]["state"], "good", "{accounts:?}");
        assert_eq!(self.env.token(&["--for", "arm"])["source"], "cache");
    }

    /// The way was mended: a caller that waits as it is told has its token within seconds.
    fn recovers(&self) {
        let mended_at = Instant::now();
        let token = self.wait_for_token(&json!({"resource": "foundry"}));
        assert_eq!(token["source"], "refresh");
        assert!(mended_at.elapsed() < RECOVERY, "{:?}", mended_at.elapsed());
        self.is_well();
        assert_eq!(self.env.sim().control().requests_on(Leg::Devicecode).len(), 1, "without a sign-in");
    }

    fn wait_for_token(&self, body: &Value) -> Value {
        self.wait_until(body, |answer| answer.status == 200).body
    }

    /// Asks as often as it is told to, until the answer is so.
    fn wait_until(&self, body: &Value, is_so: impl Fn(&raw::RawAnswer) -> bool) -> raw::RawAnswer {
        let deadline = Instant::now() + RECOVERY;
        loop {
            let answer = self.ask(body);
            if is_so(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{answer:?}");
            let after = answer.body["retry_after"].as_u64();
            thread::sleep(Duration::from_secs(
                after.unwrap_or_else(|| panic!("no time to wait: {answer:?}")),
            ));
        }
    }
}

fn address(sim: &Sim) -> SocketAddr {
    sim.origin().split_once("://").unwrap().1.parse().unwrap()
}

fn https(certificates: &Certificates) -> Options {
    let mut options = Options { tls: Some(certificates.server()), ..Options::default() };
    options.rules.interval = Duration::from_secs(1);
    options
}

fn in_memory(env: &Env) -> Command {
    let mut command = env.bare_daemon_command();
    command.arg("--store=memory").arg(format!("--client-id={DEFAULT_CLIENT}"));
    command
}

fn says(text: &str) -> Weather {
    Weather::Says(text.to_owned())
}

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
            scope.spawn(move || is_survived(&Scene::plain(), weather, [message, hint]));
        }
        scope.spawn(|| {
            let words = ["No connection to login.microsoftonline.com.", "entrad tries again by itself"];
            is_survived(&Scene::proxied("127.0.0.1"), Weather::Off, words);
        });
    });
}

fn is_survived(scene: &Scene, weather: Weather, words: [&'static str; 2]) {
    scene.relay.set(weather);
    scene.is_broken(&Told { code: "unavailable", exit: 6, words });
    scene.relay.set(Weather::Clear);
    scene.recovers();
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

#[test]
fn a_server_that_is_not_entra_gets_nothing_by_tls_and_signs_nobody_out() {
    let certificates = Certificates::new("ours");
    let scene = Scene::tls(&certificates, &certificates.trust(&[]));
    is_survived(&scene, says(NO_TLS), ["No safe connection to 127.0.0.1", "inspects traffic"]);
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
    let words = ["The proxy asks for a user name and password.", "HTTPS_PROXY"];
    scene.is_broken(&Told { code: "misconfigured", exit: 5, words });
    scene.relay.set(Weather::Clear);
    scene.recovers();
}

#[test]
fn a_name_that_does_not_resolve_is_looked_up_again_without_a_restart() {
    on_an_island(|| {
        // A hosts file of our own over the machine's, for this thread and what it starts.
        let hosts = tempfile::NamedTempFile::new().unwrap();
        let known = "127.0.0.1 localhost\n127.0.0.1 proxy.invalid\n";
        std::fs::write(&hosts, known).unwrap();
        system("mount", &["--bind", &hosts.path().to_string_lossy(), "/etc/hosts"]);
        let scene = Scene::proxied("proxy.invalid");
        std::fs::write(&hosts, "127.0.0.1 localhost\n").unwrap();
        // What is connected needs no name.
        scene.relay.set(Weather::Clear);
        let words = ["No connection to login.microsoftonline.com.", "entrad tries again by itself"];
        scene.is_broken(&Told { code: "unavailable", exit: 6, words });
        std::fs::write(&hosts, known).unwrap();
        scene.recovers();
    });
}

#[test]
fn a_change_of_the_network_drops_the_http_client_with_its_connections() {
    on_an_island(|| {
        let scene = Scene::plain();
        let force = json!({"resource": "arm", "force_refresh": true});
        assert_eq!(scene.ask(&force).status, 200);
        let before = scene.relay.taken();
        assert_eq!(scene.ask(&force).status, 200);
        assert_eq!(scene.relay.taken(), before, "a connection is kept for a while");
        change_network(&scene);
        assert_eq!(scene.ask(&force).status, 200);
        assert_eq!(scene.relay.taken(), before + 1, "and is not trusted on another network");
    });
}

#[test]
fn a_network_that_is_back_is_used_within_seconds_and_not_by_all_keys_at_once() {
    on_an_island(|| {
        let scene = Scene::plain();
        let resources = ["foundry", "storage", "sql", "batch", "cosmos", "search", "monitor", "keyvault"];
        let control = scene.env.sim().control();
        // Due a second after each came, once somebody asks for it again; and short enough to come without jitter.
        control.set_rules(|rules| rules.access_token_life = Some(Duration::from_secs(1_000)));
        control
            .script(Fault::on(Leg::Refresh).times(resources.len().try_into().unwrap()).with("refresh_in", 1));
        let source = |resource: &&str| scene.ask(&json!({"resource": resource})).body["source"].clone();
        assert!(resources.iter().map(source).all(|source| source == "refresh"));
        let before = scene.refreshes();
        let taken = scene.relay.taken();
        scene.relay.set(says(PORTAL));
        assert!(resources.iter().map(source).all(|source| source == "cache"));
        // One key tries for all. After its second failure the pause is ten seconds at least.
        scene.relay.wait_for(taken + 2);
        let failed_at = Instant::now();
        scene.relay.set(Weather::Clear);
        change_network(&scene);
        let all = control.wait_for_requests_blocking(Leg::Refresh, before + resources.len()).unwrap();
        assert!(failed_at.elapsed() < Duration::from_millis(4_900), "long before the pause is over");
        let at: Vec<u64> = all[before..].iter().map(|request| request.at_ms).collect();
        assert_eq!(at.len(), resources.len());
        let apart = at.windows(2).filter(|pair| pair[1] - pair[0] >= 100).count();
        assert!(apart >= resources.len() - 2, "one after the other: {at:?}");
        scene.is_well();
    });
}

#[test]
fn a_request_in_the_air_when_the_network_changed_is_given_up_and_made_anew() {
    on_an_island(|| {
        let scene = Scene::plain();
        let taken = scene.relay.taken();
        scene.relay.set(Weather::Swallows);
        thread::scope(|scope| {
            let asked_at = Instant::now();
            let socket = scene.env.socket();
            let caller =
                scope.spawn(move || raw::post(&socket, "/v1/token", &json!({"resource": "foundry"})));
            scene.relay.wait_for(taken + 1);
            scene.relay.set(Weather::Clear);
            change_network(&scene);
            let answer = caller.join().unwrap();
            assert_eq!((answer.status, &answer.body["source"]), (200, &json!("refresh")), "{answer:?}");
            assert!(asked_at.elapsed() < Duration::from_secs(15), "{:?}", asked_at.elapsed());
        });
    });
}

/// Runs the test on a thread of its own whose network has nothing but loopback, and whose mounts are its own; what
/// it starts lives there as well.
#[expect(clippy::print_stderr, reason = "whoever reads the test's output must know")]
fn on_an_island(test: impl FnOnce() + Send) {
    let island = || {
        #[expect(deprecated, reason = "its unsafe successor is about descriptors, which stay shared here")]
        if rustix::thread::unshare(UnshareFlags::NEWNET | UnshareFlags::NEWNS).is_err() {
            eprintln!("SKIPPED: no network can be made here; run this test as root to see it");
            return;
        }
        system("mount", &["--make-rprivate", "/"]);
        system("ip", &["link", "set", "lo", "up"]);
        test();
    };
    thread::scope(|scope| scope.spawn(island).join())
        .unwrap_or_else(|cause| std::panic::resume_unwind(cause));
}

/// Gives loopback one more address, which the kernel tells to whoever listens, and waits until the daemon noticed.
fn change_network(scene: &Scene) {
    let count = || scene.env.log().matches("the network changed").count();
    let before = count();
    system("ip", &["address", "add", &format!("127.0.1.{}/8", before + 1), "dev", "lo"]);
    let deadline = Instant::now() + Duration::from_secs(10);
    while count() == before {
        assert!(Instant::now() < deadline, "{}", scene.env.log());
        thread::sleep(Duration::from_millis(10));
    }
}

fn system(program: &str, arguments: &[&str]) {
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let ran = run(command);
    assert_eq!(ran.status, 0, "{program} {arguments:?}: {ran:?}");
}

//! Changes of the network itself, in a network namespace that has nothing but loopback.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use entra_sim::{Fault, Leg};
use entra_tests::{Weather, raw, run};
use rustix::thread::UnshareFlags;
use serde_json::json;

use crate::PORTAL;
use crate::scene::{Scene, Told, says};

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
        let words = ["which HTTPS_PROXY names, has a name that is not known.", "Join the network"];
        scene.is_broken(&Told { code: "unavailable", exit: 6, words });
        std::fs::write(&hosts, known).unwrap();
        scene.recovers();
    });
}

#[test]
fn no_connection_outlives_its_answer() {
    on_an_island(|| {
        let scene = Scene::plain();
        let force = json!({"resource": "arm", "force_refresh": true});
        assert_eq!(scene.ask(&force).status, 200);
        let before = scene.relay.taken();
        assert_eq!(scene.ask(&force).status, 200);
        assert_eq!(scene.relay.taken(), before + 1, "its buffers held a refresh token");
        change_network(&scene);
        assert_eq!(scene.ask(&force).status, 200);
        assert_eq!(scene.relay.taken(), before + 2, "and on another network none is waited for");
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

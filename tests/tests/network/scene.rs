//! A workstation whose way to Entra can be broken.

use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use entra_sim::{DEFAULT_CLIENT, Leg, Sim};
use entra_tests::{Certificates, Daemon, Env, Relay, Weather, programs, raw};
use serde_json::{Value, json};

/// A workstation whose way to Entra can be broken.
pub(crate) struct Scene {
    pub(crate) env: Env,
    pub(crate) relay: Relay,
    pub(crate) _daemon: Daemon,
    /// What the daemon trusts, for as long as it runs.
    pub(crate) _trusted: Option<Certificates>,
}

/// What a caller is told while the way is broken.
pub(crate) struct Told {
    pub(crate) code: &'static str,
    pub(crate) exit: i32,
    /// Words of the message and of the hint.
    pub(crate) words: [&'static str; 2],
}

impl Scene {
    /// The authority by plain http.
    pub(crate) fn plain() -> Self {
        let env = Env::new(programs!());
        let relay = Relay::to(address(env.sim()));
        let mut daemon = in_memory(&env);
        // On an island a caller is a thread of ours that lives where the daemon does, and the process elsewhere.
        let daemon = daemon.args(["--log=entrad=debug", "--policy=allow"]);
        let daemon = daemon.arg(format!("--authority=http://{}", relay.address()));
        let daemon = env.launch(daemon);
        Self::signed_in(env, relay, daemon, None)
    }

    pub(crate) fn signed_in(env: Env, relay: Relay, daemon: Daemon, trusted: Option<Certificates>) -> Self {
        env.sign_in();
        assert_eq!(env.token(&["--for", "arm"])["source"], "refresh");
        Self { env, relay, _daemon: daemon, _trusted: trusted }
    }

    pub(crate) fn ask(&self, body: &Value) -> raw::RawAnswer {
        raw::post(&self.env.socket(), "/v1/token", body)
    }

    pub(crate) fn refreshes(&self) -> usize {
        self.env.sim().control().requests_on(Leg::Refresh).len()
    }

    /// In this weather nobody is signed out, and what is held is served; after it all is well.
    pub(crate) fn survives(&self, weather: Weather, words: [&'static str; 2]) {
        self.relay.set(weather);
        self.is_broken(&Told { code: "unavailable", exit: 6, words });
        self.relay.set(Weather::Clear);
        self.recovers();
    }

    /// The way is broken now: whoever needs Entra is told so, and nobody else notices.
    pub(crate) fn is_broken(&self, told: &Told) {
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
    pub(crate) fn is_well(&self) {
        let accounts = raw::get(&self.env.socket(), "/v1/accounts");
        assert_eq!(accounts.body["accounts"][0]["health"]["state"], "good", "{accounts:?}");
        assert_eq!(self.env.token(&["--for", "arm"])["source"], "cache");
    }

    /// The way was mended: a caller that waits as it is told has its token within seconds.
    pub(crate) fn recovers(&self) {
        let mended_at = Instant::now();
        let token = self.wait_for_token(&json!({"resource": "foundry"}));
        assert_eq!(token["source"], "refresh");
        assert!(mended_at.elapsed() < RECOVERY, "{:?}", mended_at.elapsed());
        self.is_well();
        assert_eq!(self.env.sim().control().requests_on(Leg::Devicecode).len(), 1, "without a sign-in");
    }

    pub(crate) fn wait_for_token(&self, body: &Value) -> Value {
        self.wait_until(body, |answer| answer.status == 200).body
    }

    /// Asks as often as it is told to, until the answer is so.
    pub(crate) fn wait_until(&self, body: &Value, is_so: impl Fn(&raw::RawAnswer) -> bool) -> raw::RawAnswer {
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

pub(crate) fn address(sim: &Sim) -> SocketAddr {
    sim.origin().split_once("://").unwrap().1.parse().unwrap()
}

pub(crate) fn in_memory(env: &Env) -> Command {
    let mut command = env.bare_daemon_command();
    command.arg("--store=memory").arg(format!("--client-id={DEFAULT_CLIENT}"));
    command
}

pub(crate) fn says(text: &str) -> Weather {
    Weather::Says(text.to_owned())
}

/// From mending to a token, for a caller that waits as long as it is told to: the first pause of a key is five
/// seconds and a jitter.
pub(crate) const RECOVERY: Duration = Duration::from_secs(10);

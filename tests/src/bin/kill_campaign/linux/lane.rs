//! One workstation under one kind of rotation, through kills and starts.
//!
//! What a kill did is told by the simulator's log alone: the first refresh after it shows which refresh token was
//! on the disk. Where that token is the one that the last refresh before the kill had used up, the kill fell
//! between Entra's answer and the disk: into the window. Under Entra's rotation that costs nothing; under strict
//! rotation it costs the sign-in, and nothing else may.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use entra_sim::{Leg, Options};
use entra_tests::{Daemon, Env, Programs, raw};
use serde_json::{Value, json};

/// What becomes of a refresh token that has been used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// It stays valid.
    Entra,
    /// It is void, and its reuse voids the new one as well.
    Strict,
}

/// Whether the daemon keeps its audit log, whose thread makes system calls of its own, and has the vault remember its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuditLog {
    /// As it is shipped.
    Kept,
    /// For counting the calls of a persist.
    Off,
}

/// See the module.
pub(crate) struct Lane {
    pub(crate) env: Env,
    pub(crate) rotation: Rotation,
    log: AuditLog,
    /// Every refresh since the last sign-in that was answered, by the digest of the token that it used up.
    used_up: Vec<Refresh>,
    /// The resources of which a caller got a token since the last proof.
    answered: BTreeSet<String>,
}

struct Refresh {
    token: String,
    scopes: Vec<String>,
}

/// What the first refresh after a kill showed.
pub(crate) struct Proof {
    pub(crate) is_kept: bool,
    pub(crate) on_disk: OnDisk,
    /// What should not be; empty when all is well.
    pub(crate) faults: Vec<String>,
}

/// Which refresh token the kill left on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnDisk {
    /// The newest one that Entra gave.
    Newest,
    /// The one before it: the kill fell into the window.
    OneBefore,
    /// None that could be read, or one that was replaced before the last refresh began.
    Wrong,
}

impl Lane {
    /// A workstation on which a person has signed in.
    pub(crate) fn begin(programs: &Programs, rotation: Rotation, log: AuditLog) -> (Self, Daemon) {
        let mut options = Options::default();
        options.rules.interval = Duration::from_secs(1);
        options.rules.strict_rotation = rotation == Rotation::Strict;
        let env = Env::with(programs.clone(), options);
        if log == AuditLog::Off {
            env.configure("audit_sinks = []\n");
        }
        let daemon = env.start();
        env.sign_in();
        (Self { env, rotation, log, used_up: Vec::new(), answered: BTreeSet::new() }, daemon)
    }

    /// What is wrong with the audit log after all those kills.
    pub(crate) fn fault_of_log(&self) -> Option<String> {
        let daemon = self.env.start();
        let verified = self.env.entra(&["log", "--verify"]);
        daemon.kill();
        (verified.status != 0).then(|| format!("the audit log: {}{}", verified.stdout, verified.stderr))
    }

    /// Asks a daemon that has just started for a token from Entra; where the sign-in is lost, signs in again.
    pub(crate) fn prove(&mut self) -> Proof {
        let answer = raw::post(&self.env.socket(), "/v1/token", &wanted(PROOF));
        let is_kept = answer.status == 200;
        let mut faults = Vec::new();
        if !is_kept && answer.body["code"] != "sign_in_needed" {
            faults.push(format!("the daemon answered {} {}", answer.status, answer.body));
        }
        let (on_disk, early) = self.on_disk();
        faults.extend(early);
        faults.extend(self.contradiction(is_kept, on_disk));
        self.answered.clear();
        if is_kept {
            self.answered.insert(PROOF.to_owned());
        } else {
            self.env.sign_in();
            self.used_up.clear();
            self.env.sim().control().clear_requests();
        }
        // By now something was written, in either case.
        let expected: &[&str] = match self.log {
            AuditLog::Kept => &["audit", "entrad.lock", "vault.sealed"],
            AuditLog::Off => &["entrad.lock", "vault.sealed"],
        };
        // The next write may be under way; what an earlier one left would stay.
        let until = Instant::now() + LONGEST_WRITE;
        let mut files = names(&self.env.state_dir());
        while files != expected && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
            files = names(&self.env.state_dir());
        }
        if files != expected {
            faults.push(format!("the state folder holds {files:?}"));
        }
        Proof { is_kept, on_disk, faults }
    }

    /// Takes down what the simulator saw until a kill, and what the callers got.
    pub(crate) fn after_kill(&mut self, answered: impl IntoIterator<Item = String>) {
        self.let_simulator_finish();
        let control = self.env.sim().control();
        let requests = control.requests_on(Leg::Refresh);
        control.clear_requests();
        let is_answered = |status: Option<u16>| status == Some(200);
        self.used_up.extend(requests.iter().filter(|request| is_answered(request.status)).map(|request| {
            Refresh {
                token: request.form["refresh_token"].clone(),
                scopes: request.scopes().into_iter().map(str::to_owned).collect(),
            }
        }));
        self.answered.extend(answered);
    }

    /// Whether a write was cut short.
    pub(crate) fn has_leftover(&self) -> bool {
        names(&self.env.state_dir()).iter().any(|name| name.ends_with(".tmp"))
    }

    /// The token that the first refresh since the kill presented; and a fault when a caller had an answer that was
    /// ahead of the disk.
    fn on_disk(&self) -> (OnDisk, Option<String>) {
        let requests = self.env.sim().control().requests_on(Leg::Refresh);
        let Some(first) = requests.first() else { return (OnDisk::Wrong, None) };
        let presented = &first.form["refresh_token"];
        match self.used_up.iter().rposition(|refresh| refresh.token == *presented) {
            None => (OnDisk::Newest, None),
            Some(at) if at + 1 == self.used_up.len() => {
                let scopes = &self.used_up[at].scopes;
                let is_its = |resource: &&String| scopes.iter().any(|scope| scope.starts_with(*resource));
                let early = self.answered.iter().find(is_its);
                let early = early.map(|resource| format!("{resource} was answered before the disk had it"));
                (OnDisk::OneBefore, early)
            }
            Some(_) => (OnDisk::Wrong, None),
        }
    }

    fn contradiction(&self, is_kept: bool, on_disk: OnDisk) -> Option<String> {
        let fault = match (self.rotation, on_disk, is_kept) {
            (_, OnDisk::Wrong, _) => "the disk does not hold one of the last two tokens",
            (Rotation::Entra, _, true) => return None,
            (Rotation::Entra, _, false) => "a sign-in was lost",
            (Rotation::Strict, OnDisk::Newest, true) | (Rotation::Strict, OnDisk::OneBefore, false) => {
                return None;
            }
            (Rotation::Strict, OnDisk::Newest, false) => "a sign-in was lost outside the window",
            (Rotation::Strict, OnDisk::OneBefore, true) => "a void token was accepted",
        };
        Some(fault.to_owned())
    }

    /// A request of the killed daemon may still lie in the simulator's socket. The simulator has one thread: when
    /// it has answered others that came later, it has dealt with that one as well.
    fn let_simulator_finish(&self) {
        let address = self.env.sim().origin().trim_start_matches("http://");
        for _ in 0..2 {
            let mut stream = TcpStream::connect(address).expect("the simulator listens");
            stream.set_read_timeout(Some(SIMULATOR_LIMIT)).expect("a limit");
            stream.write_all(b"GET /_sim/state HTTP/1.0\r\n\r\n").expect("the simulator reads");
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).expect("the simulator answers");
            assert!(!answer.is_empty(), "the simulator closed without an answer");
        }
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entra => "Entra's rotation",
            Self::Strict => "strict rotation",
        })
    }
}

/// A request for a token that only Entra can answer.
pub(crate) fn wanted(resource: &str) -> Value {
    json!({"resource": resource, "force_refresh": true})
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<_> = entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The resource of a proof.
const PROOF: &str = "https://proof.example";

/// Far above what a write takes.
const LONGEST_WRITE: Duration = Duration::from_secs(20);

/// Far above what the simulator takes.
const SIMULATOR_LIMIT: Duration = Duration::from_secs(20);

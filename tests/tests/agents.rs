//! AI agents as a class of caller, through the real programs: declared by a lease and by what runs below its process, detected by a
//! name and by a variable; Foundry alone, a budget, and an end at once.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use entra_tests::loopback::Lease;
use entra_tests::{Daemon, Env, Ran, programs, raw, run, system};
use rstest::rstest;
use serde_json::{Value, json};

struct Desk {
    env: Env,
    daemon: Daemon,
}

impl Desk {
    fn new(more: &[&str]) -> Self {
        let env = Env::new(programs!());
        let daemon = env.start_in_memory(more);
        env.sign_in();
        Self { env, daemon }
    }

    fn entra(&self, line: &str) -> Ran {
        self.entra_with(line, &[])
    }

    /// The client with these variables besides.
    fn entra_with(&self, line: &str, variables: &[(&str, &str)]) -> Ran {
        let mut command = self.env.entra_command(&line.split(' ').collect::<Vec<_>>());
        command.envs(variables.iter().copied());
        run(command)
    }

    /// What this script of a shell prints, where the shell is a program of this name.
    fn shell(&self, name: &str, script: &str) -> Ran {
        let program = self.env.folder().join(name);
        if !program.exists() {
            symlink("/bin/sh", &program).unwrap();
        }
        let mut command = self.env.command(&program);
        // Another command follows, so that the shell stays what it is.
        command.args(["-c", &format!("{script}; exit $?")]);
        command.env("ENTRA", programs!().entra);
        run(command)
    }

    /// Runs the script as `entra run --agent=mybot` does.
    fn declared(&self, script: &str) -> Ran {
        self.run_by(&["run", "--agent=mybot", "--for", "foundry", "--"], script)
    }

    /// Runs it by a lease that is no agent's.
    fn lent(&self, script: &str) -> Ran {
        self.run_by(&["run", "--for", "foundry", "--"], script)
    }

    fn run_by(&self, words: &[&str], script: &str) -> Ran {
        let mut command = self.env.entra_command(words);
        command.args(["sh", "-c", &format!("{script}; exit $?")]).env("PATH", "/usr/bin:/bin");
        command.env("ENTRA", programs!().entra);
        run(command)
    }

    fn agents(&self) -> Value {
        raw::get(&self.env.socket(), "/v1/agents").body
    }

    fn agent(&self, name: &str) -> Value {
        let agents = self.agents();
        let found = agents["agents"].as_array().unwrap().iter().find(|agent| agent["name"] == name);
        found.unwrap_or_else(|| panic!("no {name}: {agents}")).clone()
    }

    fn log(&self) -> Vec<Value> {
        let logged = self.entra("log --json");
        logged.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

const GRAPH: &str = "$ENTRA token --for graph";
const FOUNDRY: &str = "$ENTRA token --for foundry";

/// By the rule that is built in.
fn is_refused(ran: &Ran) {
    assert_eq!(ran.status, 4, "{ran:?}");
    assert!(ran.stderr.contains("deny agent resource=!foundry"), "{ran:?}");
}

fn of_agent(name: &str, resources: &[&str]) -> Value {
    json!({ "name": name, "resources": resources, "agent": name })
}

#[test]
fn a_declared_agent_has_foundry_alone_whatever_it_takes_off() {
    let desk = Desk::new(&[]);
    assert_eq!(desk.declared(FOUNDRY).status, 0);
    // Neither its lease nor the variable is there, and its process still is.
    for way in ["", "env -u ENTRA_AGENT -u IDENTITY_HEADER "] {
        is_refused(&desk.declared(&format!("{way}{GRAPH}")));
        let seen = desk.declared(&format!("{way}$ENTRA whoami"));
        assert!(seen.stdout.contains("Agent       mybot (declared: a lease says so)"), "{seen:?}");
    }
    assert_eq!(desk.entra("token --for graph").status, 0, "nobody else is one");
    let seen = desk.entra("whoami --json");
    let seen: Value = serde_json::from_str(&seen.stdout).unwrap();
    assert!(seen["agent"].is_null() && seen["agent_known_by"].is_null(), "{seen}");
    let refused = desk.log().into_iter().find(|entry| entry["event"] == "refused").unwrap();
    assert_eq!(refused["agent"], "mybot", "{refused}");
}

#[test]
fn the_lease_of_an_agent_is_that_agent_over_every_way_in() {
    let desk = Desk::new(&[]);
    let socket = desk.env.socket();
    let lease = Lease::of(&socket, &of_agent("mybot", &["foundry", "cognitive"]));
    assert_eq!(lease.grant["lease"]["agent"], "mybot");
    assert_eq!(lease.identity("https://ai.azure.com").status, 200);
    assert_eq!(lease.identity("https://cognitiveservices.azure.com").status, 200, "as Claude Code asks");
    assert_eq!(lease.azd(&json!({"scopes": ["https://ai.azure.com/.default"]})).body["status"], "success");
    let over_socket = raw::post(&socket, "/v1/token", &json!({"resource": "foundry", "lease": lease.secret}));
    assert_eq!(over_socket.status, 200);
    let seen = desk.agent("mybot");
    assert_eq!((&seen["known_by"], &seen["tokens"]), (&json!("declared"), &json!(4)), "{seen}");
    assert_eq!(seen["leases"], json!([lease.id]));
    // More is not lent to one, unless a rule says so first.
    for resources in [&["graph"][..], &["foundry", "arm"], &["*"]] {
        let refused = raw::post(&socket, "/v1/leases", &of_agent("other", resources));
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("refused")), "{refused:?}");
        assert!(refused.body["rule"].as_str().unwrap().contains("deny agent"), "{refused:?}");
    }
    let bad =
        raw::post(&socket, "/v1/leases", &json!({"name": "a", "resources": ["foundry"], "agent": "a b"}));
    assert_eq!(bad.status, 400);
}

#[test]
fn a_rule_lets_a_declared_agent_in_and_none_that_only_says_so() {
    let env = Env::new(programs!());
    env.configure("policy = '''\nallow agent=mybot resource=graph\n'''\n");
    let daemon = env.start_in_memory(&[]);
    env.sign_in();
    let desk = Desk { env, daemon };
    let lease = Lease::of(&desk.env.socket(), &of_agent("mybot", &["graph"]));
    assert_eq!(lease.identity("https://graph.microsoft.com").status, 200);
    is_refused(&desk.entra_with("token --for graph", &[("AI_AGENT", "mybot")]));
    is_refused(&desk.entra_with("token --for graph", &[("AI_AGENT", "codex")]));
    drop(desk.daemon);
}

#[rstest]
#[case("CLAUDECODE", "1", "claude")]
#[case("GEMINI_CLI", "1", "gemini")]
#[case("AI_AGENT", "Own-Bot", "own-bot")]
#[case("AI_AGENT", "two words", "agent")]
fn a_variable_narrows(#[case] variable: &str, #[case] value: &str, #[case] name: &str) {
    let desk = Desk::new(&[]);
    let with = |line: &str| desk.entra_with(line, &[(variable, value)]);
    is_refused(&with("token --for graph"));
    assert_eq!(with("token --for foundry").status, 0);
    let seen = with("whoami");
    assert!(seen.stdout.contains(&format!("Agent       {name} (detected: its own word)")), "{seen:?}");
    // A tool's helper says so as well.
    let mut helper = desk.env.entra_command(&["helper", "az", "account", "get-access-token"]);
    helper.env(variable, value);
    assert_ne!(run(helper).status, 0, "Azure is not Foundry");
    assert_eq!(desk.agent(name)["known_by"], "told");
}

#[test]
fn a_program_s_name_narrows_whoever_it_starts() {
    let desk = Desk::new(&[]);
    is_refused(&desk.shell("claude", GRAPH));
    is_refused(&desk.shell("claude", &format!("sh -c '{GRAPH}; exit $?'")));
    assert_eq!(desk.shell("claude", FOUNDRY).status, 0);
    assert_eq!(desk.shell("claude-desktop", GRAPH).status, 0, "it is another");
    let seen = desk.shell("claude", "$ENTRA whoami --json");
    let seen: Value = serde_json::from_str(&seen.stdout).unwrap();
    assert_eq!((&seen["agent"], &seen["agent_known_by"]), (&json!("claude"), &json!("named")), "{seen}");
}

#[test]
fn a_lease_that_an_agent_makes_is_its_own() {
    let desk = Desk::new(&[]);
    let make = "$ENTRA lease make x --for foundry --json";
    for ran in [desk.declared(make), desk.shell("claude", &format!("{make} --agent=harmless"))] {
        let grant: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
        let agent = grant["lease"]["agent"].as_str().unwrap();
        assert!(["mybot", "claude"].contains(&agent), "{grant}");
    }
    is_refused(&desk.declared("$ENTRA lease make y --for graph"));
    // What it starts by a lease of its own is that agent too.
    let inner = desk.declared("$ENTRA run --for foundry -- sh -c 'echo $ENTRA_AGENT'");
    assert_eq!(inner.stdout.trim(), "mybot", "{inner:?}");
}

/// A connection that is kept, and asks again and again.
struct Kept(raw::Connection, String);

impl Kept {
    fn of_agent(socket: &Path, name: &str) -> Self {
        let body = json!({"resource": "foundry"}).to_string();
        let head = format!("Host: entrad\r\nEntra-Agent: {name}\r\nContent-Type: application/json\r\n");
        let text = format!("POST /v1/token HTTP/1.1\r\n{head}Content-Length: {}\r\n\r\n{body}", body.len());
        Self(raw::connect(socket), text)
    }

    fn status(&mut self) -> u16 {
        self.0.write_all(self.1.as_bytes()).unwrap();
        let mut reader = BufReader::new(&mut self.0);
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(number) = line.strip_prefix("http/1.1 ") {
                status = number[..3].parse().unwrap();
            }
            if let Some(number) = line.strip_prefix("content-length: ") {
                length = number.parse().unwrap();
            }
        }
        reader.read_exact(&mut vec![0; length]).unwrap();
        status
    }
}

#[test]
fn stopped_is_stopped_at_once_for_all_that_they_have_and_over_a_restart() {
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();
    let desk = Desk { env, daemon };
    let socket = desk.env.socket();
    let lease = Lease::of(&socket, &of_agent("mybot", &["foundry"]));
    let other = Lease::make(&socket, "az", &["foundry"]);
    let mut kept = Kept::of_agent(&socket, "claude");
    assert_eq!((kept.status(), lease.identity("https://ai.azure.com").status), (200, 200));
    // A declared one that runs on, and has no lease of its own at hand.
    let mut command =
        desk.env.entra_command(&["run", "--agent=night", "--for", "foundry", "--", "/bin/sh", "-c"]);
    command.arg("unset ENTRA_AGENT IDENTITY_HEADER; echo up; while read line; do $ENTRA token --for graph >&2; echo $?; done");
    command.env("ENTRA", programs!().entra).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut night = command.stderr(Stdio::null()).spawn().unwrap();
    let (mut ask, mut told) = (night.stdin.take().unwrap(), BufReader::new(night.stdout.take().unwrap()));
    let mut line = || {
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        line.trim().to_owned()
    };
    assert_eq!(line(), "up");

    let stopped = desk.entra("agents stop claude");
    assert_eq!(stopped.status, 0, "{stopped:?}");
    assert_eq!((kept.status(), lease.identity("https://ai.azure.com").status), (403, 200));
    assert_eq!(desk.entra("agents stop").status, 0);
    assert_eq!(lease.identity("https://ai.azure.com").status, 403);
    assert_eq!(Kept::of_agent(&socket, "anybody").status(), 403);
    assert_eq!(other.identity("https://ai.azure.com").status, 200, "it is nobody's agent's");
    assert_eq!(desk.entra("token --for foundry").status, 0);
    writeln!(ask, "now").unwrap();
    assert_eq!(line(), "4", "its lease is gone, and what it is stays");
    let refused = desk.declared("true");
    assert!(refused.status == 4 && refused.stderr.contains("is stopped"), "{refused:?}");
    let leases = raw::get(&socket, "/v1/leases").body;
    assert_eq!(leases["leases"].as_array().unwrap().len(), 1, "{leases}");
    let warnings = raw::get(&socket, "/v1/status").body["warnings"].to_string();
    assert!(warnings.contains("AI agents are stopped"), "{warnings}");
    drop(ask);
    night.wait().unwrap();

    let Desk { env, daemon } = desk;
    assert_eq!(daemon.stop(), 0);
    let desk = Desk { daemon: env.start(), env };
    assert_eq!(Kept::of_agent(&desk.env.socket(), "claude").status(), 403);
    assert_eq!(desk.entra("agents resume").status, 0);
    assert_eq!(Kept::of_agent(&desk.env.socket(), "claude").status(), 200);
    assert_eq!(lease.identity("https://ai.azure.com").status, 403, "what was revoked stays so");
    let events: Vec<Value> =
        desk.log().into_iter().map(|entry| json!([entry["event"], entry["agent"]])).collect();
    for wanted in [
        json!(["agents_stopped", "claude"]),
        json!(["agents_stopped", null]),
        json!(["agents_resumed", null]),
    ] {
        assert!(events.contains(&wanted), "{wanted} in {events:?}");
    }
}

#[test]
fn no_agent_lets_agents_ask_again() {
    let desk = Desk::new(&[]);
    assert_eq!(desk.entra("agents stop claude").status, 0);
    let ways = [
        desk.entra_with("agents resume", &[("CLAUDECODE", "1")]),
        desk.shell("claude", "$ENTRA agents resume claude"),
        desk.shell("codex", "$ENTRA agents resume"),
        desk.declared("$ENTRA agents resume"),
        desk.declared("env -u ENTRA_AGENT -u IDENTITY_HEADER $ENTRA agents resume"),
    ];
    for ran in &ways {
        assert!(ran.status == 4 && ran.stderr.contains("it is an AI agent"), "{ran:?}");
    }
    // Nor does what runs on a lease, although it is no agent.
    let lent = desk.lent("$ENTRA agents resume");
    assert!(lent.status == 4 && lent.stderr.contains("it is one that runs on a lease"), "{lent:?}");
    // Nor does somebody who speaks for another machine.
    let sshd = desk.env.folder().join("sshd");
    system::copy_program(programs!().entra, &sshd);
    let mut command = desk.env.command(&sshd);
    command.args(["agents", "resume"]);
    let foreign = run(command);
    assert!(foreign.status == 4 && foreign.stderr.contains("it is one of another machine"), "{foreign:?}");
    assert_eq!(desk.agent("claude")["is_stopped"], true);
    let refused = desk.log().into_iter().filter(|entry| entry["event"] == "refused").count();
    assert!(refused >= 7, "each is noted");
    let unknown = desk.entra("agents resume codex");
    assert!(
        unknown.status == 2 && unknown.stderr.contains("No AI agent of this name is stopped"),
        "{unknown:?}"
    );
    assert_eq!(desk.entra("agents resume claude").status, 0);
    let listed = desk.entra("agents");
    assert!(listed.stdout.is_empty() || !listed.stdout.contains("stopped"), "{listed:?}");
}

#[test]
fn what_is_a_persons_is_refused_to_every_agent() {
    let desk = Desk::new(&[]);
    for line in
        ["panic --yes", "consent allow 00000000", "consent deny 00000000 --never", "consent revoke 00000000"]
    {
        let script = format!("$ENTRA {line}");
        let refused = [
            desk.entra_with(line, &[("CLAUDECODE", "1")]),
            desk.shell("claude", &script),
            desk.declared(&script),
        ];
        for ran in refused {
            assert!(ran.status == 4 && ran.stderr.contains("AI agent"), "{line}: {ran:?}");
        }
    }
    assert_eq!(desk.entra("consent revoke 00000000").status, 2, "a person is told that there is none");
    assert_eq!(desk.entra("token --for graph").status, 0, "nothing was erased");
    // Rules come from files alone.
    for method in ["POST", "PUT"] {
        for path in ["/v1/policy", "/v1/config"] {
            let answer = raw::exchange(&desk.env.socket(), &raw::request(method, path, &[], "{}"));
            assert_eq!(answer.status, 405, "{method} {path}");
        }
    }
    // What an agent may lock it may not open.
    let locked = desk.declared("$ENTRA lock && $ENTRA unlock");
    assert!(locked.status == 4 && locked.stderr.contains("(`mybot`) may not unlock entrad"), "{locked:?}");
    let named = desk.shell("claude", "$ENTRA unlock");
    assert!(named.status == 4 && named.stderr.contains("(`claude`) may not unlock entrad"), "{named:?}");
    assert_eq!(desk.entra("token --for foundry").status, 6, "it is locked");
    assert_eq!(desk.entra("unlock").status, 0);
}

#[test]
fn no_lease_makes_a_detected_agent_surer() {
    let env = Env::new(programs!());
    env.configure("policy = '''\nallow agent=claude resource=graph\n'''\n");
    let daemon = env.start_in_memory(&[]);
    env.sign_in();
    let desk = Desk { env, daemon };
    is_refused(&desk.shell("claude", GRAPH));
    is_refused(&desk.shell("claude", "$ENTRA lease make x --for graph"));
    // Below the process of its own lease, with that and without.
    for way in ["", "env -u ENTRA_AGENT -u IDENTITY_HEADER "] {
        is_refused(&desk.shell("claude", &format!("$ENTRA run --for foundry -- {way}{GRAPH}")));
        let mut told = desk.env.entra_command(&["run", "--for", "foundry", "--", "sh", "-c"]);
        told.arg(format!("unset CLAUDECODE; {way}{GRAPH}; exit $?"));
        told.env("CLAUDECODE", "1").env("ENTRA", programs!().entra);
        is_refused(&run(told));
    }
    let seen = desk.shell("claude", "$ENTRA run --for foundry -- $ENTRA whoami");
    assert!(seen.stdout.contains("claude (detected: by its name)"), "{seen:?}");
    // Where a person declares it, the rule lets it in.
    let declared = desk.run_by(&["run", "--agent=claude", "--for", "graph", "--"], GRAPH);
    assert_eq!(declared.status, 0, "{declared:?}");
    drop(desk.daemon);
}

#[test]
fn each_agent_has_a_budget_of_its_own() {
    let desk = Desk::new(&["--agent-budget=2"]);
    let ask = |name: &str| {
        let headers = [("Entra-Agent", name)];
        let body = json!({"resource": "foundry"}).to_string();
        raw::exchange(&desk.env.socket(), &raw::request("POST", "/v1/token", &headers, &body))
    };
    assert_eq!((ask("claude").status, ask("claude").status), (200, 200));
    let spent = ask("claude");
    assert_eq!((spent.status, &spent.body["code"]), (429, &json!("throttled")), "{spent:?}");
    assert!(spent.head.contains("retry-after: ") && spent.body["hint"].to_string().contains("agent_budget"));
    assert_eq!((ask("codex").status, desk.entra("token --for foundry").status), (200, 0));
    let lease = Lease::of(&desk.env.socket(), &of_agent("codex", &["foundry"]));
    assert_eq!(lease.identity("https://ai.azure.com").status, 200);
    let over = lease.identity("https://ai.azure.com");
    assert_eq!((over.status, &over.body["error"]), (403, &json!("temporarily_unavailable")), "{over:?}");
    let seen = desk.agent("codex");
    assert_eq!((&seen["tokens"], &seen["known_by"]), (&json!(2), &json!("declared")), "{seen}");
    assert_eq!(desk.agents()["budget"], 2);
    let listed = desk.entra("agents ls");
    assert!(listed.stdout.contains("2 of 2"), "{listed:?}");
}

#[test]
fn what_claude_code_is_set_up_with_is_an_agent_s() {
    let desk = Desk::new(&[]);
    let home: PathBuf = desk.env.folder().to_owned();
    let ran = desk.entra("setup claude-code --foundry contoso");
    assert_eq!(ran.status, 0, "{ran:?} {}", fs::exists(home).unwrap());
    let leases = raw::get(&desk.env.socket(), "/v1/leases").body;
    assert_eq!(leases["leases"][0]["agent"], "claude", "{leases}");
}

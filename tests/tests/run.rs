//! `entra run` and `entra env` with the real daemon: what a program gets, for how long, and what it does not get.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::LazyLock;

use entra_tests::loopback::{Answer, get};
use entra_tests::{Daemon, Env, programs, raw};
use serde_json::{Value, json};

fn signed_in() -> (Env, Daemon) {
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();
    (env, daemon)
}

/// A shell under `entra run` that says what it was given and ends with its input.
struct Program {
    child: Child,
    input: ChildStdin,
    given: Vec<String>,
}

impl Program {
    fn start(env: &Env, words: &[&str]) -> Self {
        let words = [&["run"], words, &["--"], &shell(SAY_AND_WAIT)[..]].concat();
        let mut command = env.entra_command(&words);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let given = lines.take_while(|line| line != "ready").collect();
        Self { child, input, given }
    }

    fn identity(&self, resource: &str) -> Answer {
        let (port, path) = port_and_path(&self.given[0]);
        get(port, &format!("{path}?resource={resource}"), &[("X-IDENTITY-HEADER", &self.given[1])])
    }

    /// Lets it end.
    fn end(mut self) -> (Option<i32>, Vec<String>) {
        self.input.write_all(b"\n").unwrap();
        (self.child.wait().unwrap().code(), self.given)
    }
}

fn port_and_path(endpoint: &str) -> (u16, String) {
    let (port, path) = endpoint.strip_prefix("http://127.0.0.1:").unwrap().split_once('/').unwrap();
    (port.parse().unwrap(), format!("/{path}"))
}

fn leases(env: &Env) -> Value {
    raw::get(&env.socket(), "/v1/leases").body["leases"].clone()
}

/// A line for the system's shell. Tests have no PATH.
fn shell(line: &str) -> [&str; 4] {
    static OF_WINDOWS: LazyLock<String> = LazyLock::new(|| std::env::var("ComSpec").unwrap());
    if cfg!(windows) { [&OF_WINDOWS, "/d", "/c", line] } else { ["/bin/sh", "-eu", "-c", line] }
}

/// What a lease for it is called.
const SHELL: &str = if cfg!(windows) { "cmd" } else { "sh" };

/// Says what it was given, and ends with its input.
const SAY_AND_WAIT: &str = if cfg!(windows) {
    "echo %IDENTITY_ENDPOINT%& echo %IDENTITY_HEADER%& echo %ARM_MSI_ENDPOINT%& echo %MINE%& echo ready& \
     set /p line=& exit 7"
} else {
    r#"printf '%s\n' "$IDENTITY_ENDPOINT" "$IDENTITY_HEADER" "${ARM_MSI_ENDPOINT-}" "${MINE-}" ready; read -r line; exit 7"#
};

const FOUNDRY: &str = "https://ai.azure.com";

#[test]
fn a_program_gets_what_its_lease_is_for_until_it_ends() {
    let (env, daemon) = signed_in();
    let program = Program::start(&env, &["--for", "foundry"]);
    assert_eq!(program.identity(FOUNDRY).status, 200);
    let refused = program.identity("https://management.azure.com");
    assert!(
        refused.status == 403 && refused.text.contains(&format!("The lease `{SHELL}` is not for")),
        "{refused:?}"
    );
    let listed = leases(&env);
    assert_eq!((&listed[0]["process"], &listed[0]["uses"]), (&json!(program.child.id()), &json!(2)));
    assert_eq!(daemon.stop(), 0);
    let _daemon = env.start();
    assert_eq!(program.identity(FOUNDRY).status, 200, "also after a restart of the daemon");
    let (port, path) = port_and_path(&program.given[0]);
    let (status, given) = program.end();
    assert_eq!(status, Some(7), "its status is the program's");
    let over = get(port, &format!("{path}?resource={FOUNDRY}"), &[("X-IDENTITY-HEADER", &given[1])]);
    assert!(over.status == 403 && over.text.contains("is over"), "{over:?}");
    assert_eq!(leases(&env), json!([]));
}

#[test]
fn a_revoked_program_is_refused_at_once() {
    let (env, _daemon) = signed_in();
    let program = Program::start(&env, &["--for", "foundry", "--name", "mine"]);
    assert_eq!(program.identity(FOUNDRY).status, 200);
    assert!(env.entra(&["lease", "ls"]).stdout.contains("mine"));
    assert_eq!(env.entra(&["lease", "revoke", "mine"]).status, 0);
    assert_eq!(program.identity(FOUNDRY).status, 403);
    let _ended = program.end();
}

#[test]
fn a_token_in_a_variable_is_the_leases_own() {
    let (env, _daemon) = signed_in();
    let program = Program::start(&env, &["--env", "MINE=postgres", "--in-path"]);
    assert_eq!(program.given[3], env.token(&["--for", "postgres"])["access_token"]);
    let (port, path) = port_and_path(&program.given[2]);
    let query = format!("{path}?api-version=2018-02-01&resource=https://ossrdbms-aad.database.windows.net");
    assert_eq!(get(port, &query, &[("Metadata", "true")]).status, 200);
    assert_eq!(program.identity(FOUNDRY).status, 403, "it is for that resource alone");
    let _ended = program.end();
}

#[test]
fn without_a_sign_in_nothing_runs_that_needs_a_token_and_no_lease_stays() {
    let env = Env::new(programs!());
    let _daemon = env.start();
    let ran = env.entra(&[&["run", "--env", "MINE=postgres", "--"], &shell("echo ran")[..]].concat());
    assert!(ran.status == 3 && ran.stdout.is_empty() && ran.stderr.contains("entra login"), "{ran:?}");
    assert_eq!(leases(&env), json!([]));
    let ran = env.entra(&[&["run", "--for", "foundry", "--"], &shell("echo ran")[..]].concat());
    assert!(ran.status == 0 && ran.stdout.trim_end() == "ran", "{ran:?}");
}

#[test]
fn one_shells_lease_takes_the_place_of_the_former_unless_it_is_bound_to_a_process() {
    let (env, _daemon) = signed_in();
    let secret = |more: &[&str]| {
        let ran = env.entra(&[&["env", "--for", "foundry", "--shell", "json"], more].concat());
        assert_eq!(ran.status, 0, "{ran:?}");
        let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
        printed["set"]["IDENTITY_HEADER"].as_str().unwrap().to_owned()
    };
    let is_good = |secret: &str| {
        let asked = json!({"resource": "foundry", "lease": secret});
        raw::post(&env.socket(), "/v1/token", &asked).status == 200
    };
    let first = secret(&[]);
    assert!(is_good(&first));
    let second = secret(&[]);
    assert!(!is_good(&first) && is_good(&second));
    let pid = std::process::id().to_string();
    let bound = secret(&["--process", &pid]);
    assert!(is_good(&second) && is_good(&bound));
}

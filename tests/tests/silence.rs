//! Secrets are where they belong and nowhere else: a whole story is played with the most talkative log, and
//! then everything that anybody could have overheard is searched for everything that Entra said in secret.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use entra_sim::{ADA, Action, Fault, Leg};
use entra_tests::{Env, Wiretap, finish, programs, raw, system};
use serde_json::json;

/// What was overheard: where, and the bytes.
type Overheard = Vec<(String, Vec<u8>)>;

const PASSPHRASE: &str = "correct horse battery staple";

/// Stands in answers of Entra that the daemon must not repeat into its log.
const MARK: &str = "eyJhbGciOiJub25lIn0MARK.eyJzdWIiOiJtYXJrIn0MARK.c2ln";

/// Plays the story and returns what was overheard and the secrets that were spoken.
fn play(filter: &str) -> (Overheard, Vec<(&'static str, String)>) {
    let env = Env::new(programs!());
    let wiretap = Wiretap::new(&env);
    let log = format!("--log={filter}");
    let daemon = env.start_through(&wiretap, &[&log]);
    let control = env.sim().control();
    let mut overheard = Overheard::new();
    let mut run = |args: &[&str]| {
        let ran = env.entra(args);
        if args[0] != "token" || ran.status != 0 {
            overheard.push((format!("stdout of {args:?}"), ran.stdout.into_bytes()));
        }
        overheard.push((format!("stderr of {args:?}"), ran.stderr.into_bytes()));
    };

    let login = env.login(&[]);
    let code = control.next_user_code_blocking().unwrap();
    control.script(Fault::on(Leg::Poll).act(html()));
    control.approve(&code, ADA).unwrap();
    let ended = login.end();
    assert_eq!(ended.1.status, 0, "{ended:?}");
    run(&["token", "--for", "foundry"]);
    run(&["token", "--for", "foundry", "--output", "header"]);
    for fault in [
        Fault::on(Leg::Refresh).times(2).act(html()),
        Fault::on(Leg::Refresh).times(2).act(Action::HalfBody),
        Fault::on(Leg::Refresh).with("expires_in", json!({"no": "number"})),
        Fault::on(Leg::Refresh).with("access_token", json!([MARK])),
        Fault::on(Leg::Refresh).act(Action::Oversize { bytes: 4 << 20 }),
        Fault::on(Leg::Refresh).act(Action::Refuse {
            error: "invalid_grant".to_owned(),
            code: 50076,
            status: 400,
            suberror: None,
            claims: Some(format!("{{\"access_token\":{{\"x\":{{\"value\":\"{MARK}\"}}}}}}")),
            description: Some(format!("The token {MARK} of ada@example.com was refused.")),
        }),
    ] {
        control.clear_faults();
        control.script(fault);
        run(&["token", "--for", "arm", "--force-refresh"]);
        run(&["token", "--resource", "https://vault.azure.net", "--force-refresh"]);
    }
    control.clear_faults();
    for args in
        [&["status"][..], &["status", "--json"], &["accounts", "--json"], &["token", "--for", "nothing"]]
    {
        run(args);
    }
    run(&["token", "--for", "graph"]);
    // A caller that puts a secret where none belongs gets no echo into the log either.
    let misplaced = raw::post(&env.socket(), "/v1/token", &json!({"resource": "arm", "account": MARK}));
    assert_eq!(misplaced.status, 401);
    let _refused = raw::get(&env.socket(), &format!("/v1/{MARK}"));
    overheard.extend(system::told_of_process(daemon.pid()));
    for (path, bytes) in env.files() {
        overheard.push((path.display().to_string(), bytes));
    }
    let daemon_said = |daemon: entra_tests::Daemon| {
        let (status, said) = daemon.stop_and_listen();
        assert_eq!(status, 0);
        said.into_bytes()
    };
    overheard.push(("the daemon's stdout".to_owned(), daemon_said(daemon)));
    let daemon = env.start_through(&wiretap, &[&log]);
    let mut child = env.entra_command(&["logout"]);
    child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let ran = finish(child.spawn().unwrap());
    assert_eq!(ran.status, 0, "{ran:?}");
    overheard.push(("stdout of logout".to_owned(), (ran.stdout + &ran.stderr).into_bytes()));
    overheard.push(("the daemon's stdout".to_owned(), daemon_said(daemon)));
    for (path, bytes) in env.files() {
        overheard.push((path.display().to_string(), bytes));
    }
    (overheard, wiretap.secrets())
}

fn html() -> Action {
    let body = format!("<html><body>{MARK} access_token={MARK}</body></html>");
    Action::Html { status: 502, body: Some(body) }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The first text like `eyJ….`: the beginning of a JSON Web Token.
fn token_shaped(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let is_base64url = |char: char| char.is_ascii_alphanumeric() || char == '-' || char == '_';
    text.match_indices("eyJ").find_map(|(at, _)| {
        let rest = &text[at..];
        let end = rest.find(|char| !is_base64url(char))?;
        (end >= 13 && rest[end..].starts_with('.')).then(|| rest[..end].to_owned())
    })
}

fn is_silent(filter: &str) {
    let (overheard, secrets) = play(filter);
    for name in ["access_token", "refresh_token", "id_token", "client_info", "device_code", "user_code"] {
        assert!(secrets.iter().any(|(known, value)| *known == name && value.len() >= 8), "{name}");
    }
    let log = overheard.iter().find(|(place, _)| place.ends_with("entrad.log")).unwrap();
    // Our own code has little to say; hyper and its kin have much.
    assert!(contains(&log.1, if filter == "trace" { "TRACE hyper" } else { "INFO entrad" }), "the log talks");
    for (place, bytes) in &overheard {
        for (name, secret) in &secrets {
            let part = &secret[..secret.len().min(60)];
            assert!(!contains(bytes, part), "{filter}: {name} in {place}");
            let tail = &secret[secret.len().saturating_sub(40)..];
            assert!(!contains(bytes, tail), "{filter}: the end of {name} in {place}");
        }
        assert!(!contains(bytes, PASSPHRASE), "{filter}: the passphrase in {place}");
        assert_eq!(token_shaped(bytes), None, "{filter}: {place}");
        assert!(!contains(bytes, "MARK"), "{filter}: words of an answer in {place}");
    }
}

#[test]
fn our_own_trace_holds_no_secret() {
    is_silent("entrad=trace");
}

#[test]
fn the_trace_of_every_library_holds_no_secret() {
    is_silent("trace");
}

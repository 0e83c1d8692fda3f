//! Sign-ins that come to a good end: their events, what they carry to Entra, and what they survive on the
//! way. Those that end badly are in `sign_in_ends.rs`.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use entra_proto::sign_in::SignInEvent;
use entra_sim::{
    ADA, AZURE_CLI_CLIENT, Action, BOB, DEFAULT_CLIENT, DEFAULT_TENANT, Fault, Leg, LoggedRequest, Options,
    PARTNER_TENANT,
};
use entra_tests::{Env, finish, programs, raw};
use serde_json::{Value, json};

/// The requests of a sign-in, first that for the code, then the polls.
fn requests(env: &Env) -> (LoggedRequest, Vec<LoggedRequest>) {
    let control = env.sim().control();
    let codes = control.requests_on(Leg::Devicecode);
    assert_eq!(codes.len(), 1, "one code, never renewed by itself");
    (codes[0].clone(), control.requests_on(Leg::Poll))
}

/// Approves the newest code.
fn approve(env: &Env, who: &str) {
    let control = env.sim().control();
    control.approve(&control.next_user_code_blocking().unwrap(), who).unwrap();
}

#[test]
fn the_events_tell_the_story_in_order() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let login = env.login(&["--tenant", DEFAULT_TENANT]);
    let code = login.event();
    let user_code = env.sim().control().next_user_code_blocking().unwrap();
    assert_eq!(code["event"], "code");
    assert_eq!(code["user_code"], user_code);
    assert_eq!(code["is_trusted_uri"], true, "{code}");
    assert_eq!(code["client_id"], DEFAULT_CLIENT);
    assert_eq!(code["tenant"], DEFAULT_TENANT);
    assert_eq!(code["profile"], "default");
    assert_eq!(code["flow"], "device_code");
    assert_eq!(code["scopes"], json!(["https://graph.microsoft.com/.default"]));
    assert!((890..=900).contains(&code["expires_in"].as_u64().unwrap()), "{code}");
    let program = format!("entra-under-test{} (process ", std::env::consts::EXE_SUFFIX);
    assert!(code["program"].as_str().unwrap().contains(&program), "{code}");
    assert!(code["verification_uri"].as_str().unwrap().starts_with(env.sim().origin()), "{code}");
    assert!(code["message"].as_str().unwrap().contains(&user_code), "{code}");
    let waiting = login.event();
    assert_eq!(waiting["event"], "waiting");
    assert_eq!(waiting["expires_on"], code["expires_on"]);
    env.sim().control().approve(&user_code, ADA).unwrap();
    let (last, ran) = login.end();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert_eq!(last["event"], "signed_in");
    assert_eq!(last["account"]["username"], ADA);
    assert_eq!(last["account"]["name"], "Ada Example");
    assert_eq!(last["account"]["health"]["state"], "good");
    assert_eq!(last["account"]["provenance"]["flow"], "device_code");
    for event in [code, waiting, last] {
        serde_json::from_value::<SignInEvent>(event).expect("an event of the contract");
    }

    let (asked, polls) = requests(&env);
    let id = &asked.headers["client-request-id"];
    assert!(polls.len() >= 2 && polls.iter().all(|poll| poll.headers["client-request-id"] == *id));
    assert_eq!(asked.tenant, DEFAULT_TENANT);
    assert!(asked.scopes().contains(&"offline_access"), "{:?}", asked.form);
    // The token that came with the sign-in is in the cache already.
    assert_eq!(env.token(&["--for", "graph"])["source"], "cache");
    assert!(env.sim().control().requests_on(Leg::Refresh).is_empty());
}

#[test]
fn without_a_terminal_it_is_told_in_plain_lines() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let mut command = env.entra_command(&["login"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let code = env.sim().control().next_user_code_blocking().unwrap();
    env.sim().control().approve(&code, ADA).unwrap();
    let ran = finish(child);
    assert_eq!(ran.status, 0, "{ran:?}");
    for words in
        [&code, "Nobody from IT or support will ever send you a code.", "Signed in as ada@example.com"]
    {
        assert!(ran.stdout.contains(words), "{words}: {ran:?}");
    }
    assert!(!ran.stdout.contains('\u{1b}'), "no escapes in a pipe");
}

#[test]
fn what_the_person_asks_for_reaches_the_wire() {
    let env = Env::new(programs!());
    let work = format!(
        "[profile.work]\nauthority = \"{}\"\nclient_id = \"{AZURE_CLI_CLIENT}\"\ntenant = \"example.com\"\n",
        env.sim().origin()
    );
    env.configure(&work);
    let _daemon = env.start_in_memory(&[]);
    let scope = "https://ai.azure.com/user_impersonation";
    env.sign_in_as(ADA, &["--tenant", PARTNER_TENANT, "--client-id", AZURE_CLI_CLIENT, "--scope", scope]);
    env.sign_in_as(BOB, &["--profile", "work"]);
    let codes = env.sim().control().requests_on(Leg::Devicecode);
    assert_eq!(codes[0].tenant, PARTNER_TENANT);
    assert_eq!(codes[0].form["client_id"], AZURE_CLI_CLIENT);
    assert!(codes[0].scopes().contains(&scope), "{:?}", codes[0].form);
    assert_eq!(codes[1].tenant, "example.com");
    assert_eq!(codes[1].form["client_id"], AZURE_CLI_CLIENT);
    let accounts = raw::get(&env.socket(), "/v1/accounts").body;
    let profiles: Vec<_> = accounts["accounts"].as_array().unwrap().iter().map(|a| &a["profile"]).collect();
    assert_eq!(profiles, ["default", "work"]);
}

#[test]
fn the_dev_client_is_azure_cli_and_says_so() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let login = env.login(&["--dev-client"]);
    let code = login.event();
    assert_eq!(
        (&code["client_id"], &code["app_name"]),
        (&json!(AZURE_CLI_CLIENT), &json!("Microsoft Azure CLI"))
    );
    approve(&env, ADA);
    let (last, ran) = login.end();
    assert_eq!((ran.status, &last["event"]), (0, &json!("signed_in")), "{ran:?}");
    assert!(ran.stderr.contains("Use your own app registration"), "{ran:?}");
    assert_eq!(env.sim().control().requests_on(Leg::Devicecode)[0].form["client_id"], AZURE_CLI_CLIENT);
}

#[test]
fn claims_are_carried_on_both_legs() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let claims = r#"{"access_token":{"acrs":{"essential":true,"value":"c25"}}}"#;
    env.sign_in_as(ADA, &["--claims", claims]);
    let (asked, polls) = requests(&env);
    for request in polls.iter().chain([&asked]) {
        let carried: Value = serde_json::from_str(&request.form["claims"]).unwrap();
        assert_eq!(carried["access_token"]["acrs"]["value"], "c25", "{:?}", request.form);
    }
}

#[test]
fn outages_are_waited_out_and_told() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let control = env.sim().control();
    control.script(Fault::on(Leg::Poll).act(Action::Html { status: 503, body: None }));
    control.script(Fault::on(Leg::Poll).throttle(3));
    control.script(Fault::on(Leg::Poll).reset());
    let login = env.login(&[]);
    approve(&env, ADA);
    let mut notices = Vec::new();
    loop {
        let event = login.event();
        match event["event"].as_str() {
            Some("waiting") => notices.extend(event["notice"].as_str().map(str::to_owned)),
            Some("signed_in") => break,
            Some("code") => {}
            _ => panic!("{event}"),
        }
    }
    assert_eq!(login.end().1.status, 0);
    assert_eq!(notices.len(), 3, "{notices:?}");
    assert!(notices.iter().all(|notice| notice.contains("Asking again in ")), "{notices:?}");
    let polls = requests(&env).1;
    let faults: Vec<usize> = polls.iter().map(|poll| poll.faults.len()).collect();
    assert_eq!(faults, [1, 1, 1, 0], "and no poll more");
    assert!(polls[2].at_ms - polls[1].at_ms >= 3_000, "Retry-After is obeyed");
}

#[test]
fn slow_down_slows_down_and_is_told() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    env.sim().control().script(Fault::on(Leg::Poll).act(Action::SlowDown));
    let login = env.login(&[]);
    let waiting = login.event_where(|event| event["event"] == "waiting");
    assert!(waiting["notice"].as_str().unwrap().contains("every 6 seconds"), "{waiting}");
}

#[test]
fn a_late_reader_misses_nothing() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let started = raw::post(&env.socket(), "/v1/sign-ins", &json!({}));
    assert_eq!(started.status, 200, "{started:?}");
    let events = format!("/v1/sign-ins/{}/events", started.body["id"].as_str().unwrap());
    env.sim().control().wait_for_requests_blocking(Leg::Poll, 1).unwrap();
    let mut late = raw::connect(&env.socket());
    std::io::Write::write_all(&mut late, &raw::request("GET", &events, &[], "")).unwrap();
    approve(&env, ADA);
    let lines: Vec<String> = BufReader::new(late).lines().map(Result::unwrap).collect();
    let told: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let names: Vec<_> = told.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!((names[0], *names.last().unwrap()), ("code", "signed_in"));
    let too_late = raw::get(&env.socket(), &events);
    assert_eq!(too_late.body["event"], "signed_in", "the end is still told, the code no more");
}

/// The address that a daemon without a configured authority asks a proxy for. Nothing leaves the machine.
fn host_asked_for(cloud: &[&str]) -> String {
    let env = Env::new(programs!());
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = env.bare_daemon_command();
    command.args(["--store=memory", "--client-id", DEFAULT_CLIENT]);
    command.env("HTTPS_PROXY", format!("http://{}", proxy.local_addr().unwrap()));
    let _daemon = env.launch(command);
    let login = env.login(cloud);
    let (stream, _) = proxy.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    drop(login);
    line.trim().to_owned()
}

#[test]
fn without_an_authority_a_sign_in_goes_to_the_clouds_own_host() {
    assert!(host_asked_for(&[]).starts_with("CONNECT login.microsoftonline.com:443 "));
    let government = host_asked_for(&["--cloud", "us-government"]);
    assert!(government.starts_with("CONNECT login.microsoftonline.us:443 "), "{government}");
    let china = host_asked_for(&["--cloud", "china"]);
    assert!(china.starts_with("CONNECT login.partner.microsoftonline.cn:443 "), "{china}");
}

#[test]
fn a_code_of_a_foreign_page_is_marked() {
    let mut options = Options::default();
    options.rules.interval = Duration::from_secs(1);
    options.rules.verification_uri = Some("https://microsoft.com.evil.example/devicelogin".to_owned());
    let env = Env::with(programs!(), options);
    let _daemon = env.start_in_memory(&[]);
    let code = env.login(&[]).event();
    assert_eq!((&code["event"], &code["is_trusted_uri"]), (&json!("code"), &json!(false)));
}

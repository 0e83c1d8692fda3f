//! `entra run` and `entra env` on every system: what they ask of the daemon, and how they end.

mod support;

use std::process::Stdio;

use rstest::rstest;
use support::leases::{SECRET, TOKEN, grant, granting};
use support::{FakeDaemon, NOWHERE, entra, err, out, reply};

/// This very program, which prints and ends as it is told to.
const PROGRAM: &str = env!("CARGO_BIN_EXE_entra");

#[rstest]
#[case("--version", 0)]
#[case("explain AADSTS1", 2)]
fn the_status_is_the_programs(#[case] words: &str, #[case] status: i32) {
    let daemon = granting();
    let output = daemon.run(&format!("run --for foundry -- {PROGRAM} {words}"));
    assert_eq!(output.status.code(), Some(status), "{}", err(&output));
}

#[test]
fn on_success_nothing_but_the_program_is_heard() {
    let output = granting().run(&format!("run --for foundry -- {PROGRAM} --version"));
    let version = format!("entra {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((out(&output), err(&output)), (version.as_str(), ""));
}

#[test]
fn the_lease_is_bound_to_the_process_that_was_started() {
    let daemon = granting();
    let line = format!("run --for Foundry --resource api://a --env X=postgres -- {PROGRAM} --version");
    let mut child = daemon.entra(&line).stdout(Stdio::null()).spawn().unwrap();
    let asked = daemon.asked();
    assert_eq!(asked.line, "POST /v1/leases");
    let process = child.id();
    assert_eq!(
        asked.body,
        format!(r#"{{"name":"entra","resources":["foundry","api://a","postgres"],"process":{process}}}"#)
    );
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let asked = daemon.asked();
    assert_eq!(asked.line, "POST /v1/token");
    assert_eq!(asked.body, format!(r#"{{"resource":"postgres","min_validity":1800,"lease":"{SECRET}"}}"#));
}

#[test]
fn each_option_is_sent() {
    let daemon = granting();
    daemon.run(&format!(
        "run --all-resources --account ada --profile work --in-path --name x {PROGRAM} --version"
    ));
    let body = daemon.asked().body;
    let (head, rest) = body.split_once(r#","process":"#).unwrap();
    assert_eq!(head, r#"{"name":"x","resources":["*"],"account":"ada","profile":"work""#);
    assert!(rest.ends_with(r#","in_path":true}"#), "{rest}");
    daemon.run("env --for arm --shell bash --name y --expires-in 30m --process 7");
    assert_eq!(daemon.asked().body, r#"{"name":"y","resources":["arm"],"expires_in":1800,"process":7}"#);
    daemon.run("env --for arm --shell bash");
    assert_eq!(daemon.asked().body, r#"{"name":"env","resources":["arm"]}"#);
}

#[rstest]
#[case("run --for foundry -- no-such-program", 127)]
#[case("run --for foundry -- ./no/such/program", 127)]
fn a_program_that_is_not_there_ends_as_in_a_shell(#[case] line: &str, #[case] status: i32) {
    let output = granting().run(line);
    assert_eq!((output.status.code(), out(&output)), (Some(status), ""));
    assert!(err(&output).starts_with("Error: There is no program `"), "{}", err(&output));
}

#[rstest]
#[case("run --for foundry -- PROGRAM --version")]
#[case("env --for foundry --shell bash")]
#[case("lease ls")]
fn without_a_daemon_nothing_is_run_and_nothing_printed(#[case] line: &str) {
    let line = line.replace("PROGRAM", PROGRAM);
    let output = entra(&line).env("ENTRAD_SOCKET", NOWHERE).output().unwrap();
    assert_eq!((output.status.code(), out(&output)), (Some(7), ""));
    assert_eq!(err(&output).matches("Error:").count(), 1, "{}", err(&output));
}

#[rstest]
#[case("run --env X=arm -- PROGRAM --version")]
#[case("env --env X=arm --shell bash")]
fn a_token_that_is_refused_leaves_no_lease_behind(#[case] line: &str) {
    let daemon = FakeDaemon::new(|asked, stream| {
        if asked.line == "POST /v1/token" {
            let refusal =
                r#"{"code":"sign_in_needed","message":"Nobody is signed in.","hint":"Run `entra login`."}"#;
            reply(stream, 401, refusal);
        } else {
            grant(asked, stream);
        }
    });
    let output = daemon.run(&line.replace("PROGRAM", PROGRAM));
    assert_eq!((output.status.code(), out(&output)), (Some(3), ""));
    assert_eq!(err(&output), "Error: Nobody is signed in.\nHint: Run `entra login`.\n");
    assert_eq!(daemon.asked().line, "POST /v1/leases");
    assert_eq!(daemon.asked().line, "POST /v1/token");
    assert_eq!(daemon.asked().line, "DELETE /v1/leases/0a1b2c3d4e5f");
}

#[test]
fn an_answer_that_a_shell_would_obey_is_not_printed() {
    let daemon = FakeDaemon::new(|_, stream| {
        let grant = r#"{"lease":{"id":"i","name":"env","resources":["arm"],"made_on":0,"uses":0},"secret":"$(exit 9)","identity_endpoint":"http://127.0.0.1:7/","azd_endpoint":"http://127.0.0.1:7/"}"#;
        reply(stream, 200, grant);
    });
    let output = daemon.run("env --for arm --shell bash");
    assert_eq!((output.status.code(), out(&output)), (Some(1), ""));
    assert!(!err(&output).contains("exit 9") && err(&output).contains("IDENTITY_HEADER"), "{}", err(&output));
}

#[rstest]
#[case("environment.d")]
#[case("launchctl")]
#[case("setx")]
fn no_token_is_put_where_variables_stay(#[case] shell: &str) {
    let output =
        entra(&format!("env --env X=arm --shell {shell}")).env("ENTRAD_SOCKET", NOWHERE).output().unwrap();
    assert_eq!((output.status.code(), out(&output)), (Some(2), ""));
    assert!(err(&output).contains("about an hour") && err(&output).contains("entra run"), "{}", err(&output));
}

#[test]
fn a_program_is_given_an_object() {
    let daemon = granting();
    let mut command = daemon.entra("env --env X=arm --keep azure_client_id --shell json");
    let output = command.env("NO_PROXY", ".corp").env("AZURE_TOKEN_CREDENTIALS", "prod").output().unwrap();
    let json: serde_json::Value = serde_json::from_str(out(&output)).unwrap();
    let set = &json["set"];
    assert_eq!(set["IDENTITY_ENDPOINT"], "http://127.0.0.1:7777/msi/token");
    assert_eq!(set["AZD_AUTH_ENDPOINT"], "http://127.0.0.1:7777/azd");
    assert_eq!(
        (&set["IDENTITY_HEADER"], &set["AZD_AUTH_KEY"], &set["X"]),
        (&SECRET.into(), &SECRET.into(), &TOKEN.into())
    );
    assert_eq!(set["NO_PROXY"], ".corp,127.0.0.1,localhost");
    let unset = json["unset"].as_array().unwrap();
    assert!(unset.contains(&"AZURE_CLIENT_SECRET".into()), "{json}");
    assert!(!unset.contains(&"AZURE_CLIENT_ID".into()), "{json}");
    assert!(!unset.contains(&"AZURE_TOKEN_CREDENTIALS".into()), "{json}");
    assert_eq!(err(&output), "", "it is no terminal");
}

#[test]
fn an_unknown_shell_is_refused_before_a_lease_is_made() {
    let output =
        entra("env --for arm").env("ENTRAD_SOCKET", NOWHERE).env("SHELL", "/bin/tcsh").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("`tcsh`") && err(&output).contains("--shell"), "{}", err(&output));
}

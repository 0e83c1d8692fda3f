//! One request, one answer: what each command prints and how it exits.

mod support;

use std::io::Write;

use entra_proto::error::TABLE;
use rstest::rstest;
use support::{FakeDaemon, HOW_TO_START, NOWHERE, entra, err, out, reply};

const TOKEN: &str = r#"{"access_token":"eyJ0.e30.sig","token_type":"Bearer","expires_on":1795231440,"scopes":["https://graph.microsoft.com/.default"],"account":"u.t","tenant":"t","source":"cache","refresh_due_on":1795231000}"#;

const ACCOUNTS: &str = r#"{"accounts":[
    {"id":"ada.t","username":"ada@contoso.com","profile":"default","cloud":"public","tenant":"contoso.com","client_id":"c","provenance":{"flow":"device_code","signed_in_on":1795231440},"health":{"state":"good"}},
    {"id":"grace.t","username":"grace@contoso.com","profile":"work","cloud":"public","tenant":"contoso.com","client_id":"c","provenance":{"flow":"browser","signed_in_on":1795231440},"health":{"state":"good"}}]}"#;

#[rstest]
#[case("", "eyJ0.e30.sig\n")]
#[case("--output raw", "eyJ0.e30.sig\n")]
#[case("--output header", "Authorization: Bearer eyJ0.e30.sig\n")]
#[case("-o env", "export ENTRA_TOKEN='eyJ0.e30.sig'\nexport ENTRA_TOKEN_EXPIRES_ON='1795231440'\n")]
fn a_token_is_printed_in_each_form(#[case] options: &str, #[case] text: &str) {
    let daemon = FakeDaemon::saying(200, TOKEN);
    let output = daemon.run(&format!("token --for graph {options}"));
    assert_eq!((out(&output), err(&output), output.status.code()), (text, "", Some(0)));
}

#[test]
fn a_token_as_json_is_the_whole_answer() {
    let daemon = FakeDaemon::saying(200, TOKEN);
    let output = daemon.run("token --for graph --output json");
    assert_eq!(out(&output), format!("{TOKEN}\n"));
}

#[test]
fn each_option_of_a_token_is_sent() {
    let daemon = FakeDaemon::saying(200, TOKEN);
    daemon.run("token --for Graph");
    let asked = daemon.asked();
    assert_eq!((asked.line.as_str(), asked.body.as_str()), ("POST /v1/token", r#"{"resource":"graph"}"#));
    daemon.run(
        "token --scope a b --account ada --profile work --tenant t --claims {} --cae --min-validity 600 --force-refresh",
    );
    assert_eq!(
        daemon.asked().body,
        r#"{"scopes":["a","b"],"account":"ada","profile":"work","tenant":"t","claims":"{}","cae":true,"min_validity":600,"force_refresh":true}"#
    );
}

#[test]
fn every_code_of_the_table_ends_with_its_exit_status() {
    for row in TABLE {
        let body = format!(r#"{{"code":"{}","message":"It is so.","hint":"Do this."}}"#, row.name);
        let output = FakeDaemon::saying(row.status, &body).run("token --for graph");
        assert_eq!(output.status.code(), Some(i32::from(row.exit)), "{}", row.name);
        assert_eq!((out(&output), err(&output)), ("", "Error: It is so.\nHint: Do this.\n"));
    }
}

#[test]
fn a_refusal_ends_with_what_a_help_desk_asks_for() {
    let body = r#"{"code":"sign_in_needed","message":"More is \u001b[31mneeded.","hint":"Run `entra login`.","aadsts":50076,"suberror":"basic_action","correlation_id":"c-1","trace_id":"t-1"}"#;
    let output = FakeDaemon::saying(401, body).run("token --for graph");
    assert_eq!(
        err(&output),
        "Error: More is needed.\nHint: Run `entra login`.\n\
         AADSTS50076 \u{b7} basic_action \u{b7} correlation c-1 \u{b7} trace t-1\n"
    );
}

#[rstest]
#[case("token --for graph")]
#[case("login")]
#[case("status")]
#[case("accounts")]
#[case("logout")]
fn without_a_daemon_the_command_that_starts_it_is_named(#[case] line: &str) {
    let output = entra(line).env("ENTRAD_SOCKET", NOWHERE).output().unwrap();
    assert_eq!((output.status.code(), out(&output)), (Some(7), ""));
    assert!(err(&output).starts_with("Error: No entrad is running"), "{}", err(&output));
    assert!(err(&output).ends_with(&format!("Hint: {HOW_TO_START}\n")), "{}", err(&output));
}

#[test]
fn a_path_that_is_none_is_refused_with_the_way_out() {
    let output = entra("status --socket relative").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("; give "), "{}", err(&output));
}

#[rstest]
#[case("SSH-2.0-OpenSSH\r\n\r\n", 1, "does not begin as HTTP/1")]
#[case("HTTP/1.0 200 OK\r\n\r\n<html>", 1, "body does not parse")]
#[case("HTTP/1.0 502 Bad\r\n\r\n<html>", 1, "error does not parse")]
#[case("HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n{}", 7, "before its answer was complete")]
#[case("", 7, "before its answer was complete")]
fn a_foreign_answer_is_named_as_such(#[case] bytes: &'static str, #[case] status: i32, #[case] words: &str) {
    let daemon = FakeDaemon::new(|_, stream| stream.write_all(bytes.as_bytes()).unwrap());
    let output = daemon.run("token --for graph");
    assert_eq!((output.status.code(), out(&output)), (Some(status), ""));
    assert!(err(&output).contains(words), "{}", err(&output));
}

#[test]
fn another_version_is_named_on_standard_error() {
    let daemon = FakeDaemon::new(|_, stream| {
        stream.write_all(b"HTTP/1.0 200 OK\r\nentrad-version: 99.0.0\r\n\r\n{\"accounts\":[]}").unwrap();
    });
    let output = daemon.run("accounts");
    assert_eq!(out(&output), "No account is signed in; run `entra login`.\n");
    assert!(err(&output).contains("99.0.0") && err(&output).contains("restart entrad"), "{}", err(&output));
}

#[test]
fn a_tool_that_asks_for_a_token_is_spared_the_notice() {
    let daemon = FakeDaemon::new(|_, stream| {
        stream
            .write_all(format!("HTTP/1.0 200 OK\r\nentrad-version: 99.0.0\r\n\r\n{TOKEN}").as_bytes())
            .unwrap();
    });
    let output = daemon.run("token --for graph");
    assert_eq!((out(&output), err(&output)), ("eyJ0.e30.sig\n", ""));
}

#[test]
fn accounts_are_a_table_or_json() {
    let daemon = FakeDaemon::saying(200, ACCOUNTS);
    let table = daemon.run("accounts");
    assert_eq!(out(&table).lines().count(), 3, "{}", out(&table));
    assert!(out(&table).starts_with("ACCOUNT            PROFILE  TENANT"), "{}", out(&table));
    let json: serde_json::Value = serde_json::from_str(out(&daemon.run("accounts --json"))).unwrap();
    assert_eq!(json["accounts"][1]["username"], "grace@contoso.com");
}

#[test]
fn one_of_two_accounts_is_signed_out_by_name() {
    let daemon = FakeDaemon::saying(200, ACCOUNTS);
    let output = daemon.run("logout Grace@contoso.com");
    assert_eq!(daemon.asked().line, "GET /v1/accounts");
    assert_eq!(daemon.asked().line, "DELETE /v1/accounts/grace.t?profile=work");
    assert!(out(&output).starts_with("Signed out grace@contoso.com (profile work)"), "{}", out(&output));
    assert!(out(&output).contains("not revoked") && out(&output).contains("myaccount.microsoft.com"));
}

#[test]
fn in_doubt_nobody_is_signed_out() {
    let daemon = FakeDaemon::new(|asked, stream| {
        assert_eq!(asked.line, "GET /v1/accounts");
        reply(stream, 200, ACCOUNTS);
    });
    let output = daemon.run("logout");
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("`entra logout ada.t --profile default`"), "{}", err(&output));
}

#[test]
fn all_accounts_are_signed_out_on_request() {
    let daemon = FakeDaemon::saying(200, ACCOUNTS);
    let output = daemon.run("logout --all");
    assert_eq!(out(&output).matches("Signed out").count(), 2, "{}", out(&output));
}

#[test]
fn status_is_a_report_or_json() {
    let body = r#"{"version":"0.1.0","pid":7,"socket":"/s","started_on":0,"store":{"home":"memory","is_open":true},"accounts":[],"open_sign_ins":1,"warnings":["Mind the gap."]}"#;
    let daemon = FakeDaemon::saying(200, body);
    let report = daemon.run("status");
    assert!(out(&report).starts_with("Warning: Mind the gap.\nentrad 0.1.0, process 7"), "{}", out(&report));
    assert_eq!(out(&daemon.run("status --json")), format!("{body}\n"));
}

#[test]
fn explain_needs_no_daemon() {
    let known = entra("explain store_locked").output().unwrap();
    assert_eq!(known.status.code(), Some(0));
    assert!(out(&known).contains("The key's home is locked."), "{}", out(&known));
    let json = entra("explain --json store_locked").output().unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(out(&json)).unwrap()["exit"], 6);
    let unknown = entra("explain AADSTS1").output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    assert!(err(&unknown).contains("https://login.microsoftonline.com/error?code=1"), "{}", err(&unknown));
}

#[rstest]
#[case("token", 2)]
#[case("token --for nothing", 2)]
#[case("", 2)]
#[case("--version", 0)]
#[case("help token", 0)]
#[case("open-page http://127.0.0.1/", 2)]
fn the_command_line_exits_as_documented(#[case] line: &str, #[case] status: i32) {
    assert_eq!(entra(line).output().unwrap().status.code(), Some(status));
}

#[test]
fn a_closed_pipe_ends_quietly_and_an_output_that_takes_nothing_does_not() {
    let daemon = FakeDaemon::saying(200, TOKEN);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = daemon.entra("token --for graph").stdout(writer).output().unwrap();
    assert_eq!((err(&output), output.status.code()), ("", Some(0)));
    let unwritable = std::fs::File::open(env!("CARGO_BIN_EXE_entra")).unwrap();
    let output = daemon.entra("token --for graph").stdout(unwritable).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("could not be written"), "{}", err(&output));
}

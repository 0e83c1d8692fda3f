//! `entra lease`: the table, making one by hand, revoking.

mod support;

use rstest::rstest;
use support::leases::{SECRET, granting};
use support::{FakeDaemon, NOWHERE, entra, err, out, reply};

const LEASES: &str = r#"{"leases":[
    {"id":"0a1b2c3d4e5f","name":"claude","resources":["foundry","cognitive"],"account":"ada.t","made_on":0,"uses":12},
    {"id":"0123456789ab","name":"psql","resources":["postgres"],"made_on":0,"process":4242,"uses":0}],"strangers":3}"#;

const ACCOUNTS: &str = r#"{"accounts":[{"id":"ada.t","username":"ada@contoso.com","profile":"default","cloud":"public","tenant":"contoso.com","client_id":"c","provenance":{"flow":"device_code","signed_in_on":1795231440},"health":{"state":"good"}}]}"#;

fn with_leases() -> FakeDaemon {
    FakeDaemon::new(|asked, stream| match asked.line.as_str() {
        "GET /v1/accounts" => reply(stream, 200, ACCOUNTS),
        "DELETE /v1/leases/nothing" => {
            reply(stream, 404, r#"{"code":"not_found","message":"There is no lease `nothing`."}"#);
        }
        _ => reply(stream, 200, LEASES),
    })
}

#[rstest]
#[case("lease")]
#[case("lease ls")]
fn leases_are_a_table_with_what_asked_without_one(#[case] line: &str) {
    let output = with_leases().run(line);
    assert_eq!(
        out(&output),
        "NAME    ID            FOR                 SPEAKS FOR       ENDS               LAST USED  USES\n\
         claude  0a1b2c3d4e5f  foundry, cognitive  ada@contoso.com  when revoked       -          12\n\
         psql    0123456789ab  postgres            -                with process 4242  -          0\n\
         Warning: 3 requests presented no lease's secret since entrad started: a tool has an old one, or something else asks.\n"
    );
    assert_eq!((err(&output), output.status.code()), ("", Some(0)));
}

#[rstest]
#[case("lease --json")]
#[case("lease ls --json")]
fn leases_as_json_are_the_daemons_answer(#[case] line: &str) {
    let json: serde_json::Value = serde_json::from_str(out(&with_leases().run(line))).unwrap();
    assert_eq!((&json["leases"][1]["process"], &json["strangers"]), (&4242.into(), &3.into()));
}

#[test]
fn without_leases_that_is_said() {
    let output = FakeDaemon::saying(200, r#"{"leases":[],"strangers":0}"#).run("lease");
    assert_eq!(out(&output), "There is no lease: no tool may ask over loopback.\n");
}

#[test]
fn a_lease_is_made_as_it_was_asked_for_and_its_secret_shown_once() {
    let daemon = granting();
    let output = daemon.run(
        "lease make nightly --for Arm --resource api://a --account ada --profile work --expires-in 8h --in-path",
    );
    let asked = daemon.asked();
    assert_eq!(asked.line, "POST /v1/leases");
    assert_eq!(
        asked.body,
        r#"{"name":"nightly","resources":["arm","api://a"],"account":"ada","profile":"work","expires_in":28800,"in_path":true}"#
    );
    let text = out(&output);
    assert!(text.contains(&format!("IDENTITY_HEADER    {SECRET}\n")), "{text}");
    assert!(text.contains("ARM_MSI_ENDPOINT   http://127.0.0.1:7777/in/"), "{text}");
    assert!(text.contains("shown only this once"), "{text}");
    assert_eq!((err(&output), output.status.code()), ("", Some(0)));
    let json = daemon.run("lease make nightly --all-resources --json");
    assert_eq!(daemon.asked().body, r#"{"name":"nightly","resources":["*"]}"#);
    let json: serde_json::Value = serde_json::from_str(out(&json)).unwrap();
    assert_eq!(json["secret"], SECRET);
}

#[test]
fn a_name_that_is_none_is_refused_before_anybody_is_asked() {
    let output = entra("lease make a/b --for arm").env("ENTRAD_SOCKET", NOWHERE).output().unwrap();
    assert_eq!((output.status.code(), out(&output)), (Some(2), ""));
    assert!(err(&output).contains("letters, digits"), "{}", err(&output));
}

#[test]
fn leases_are_revoked_by_name_and_id_and_one_that_is_missing_stops_none() {
    let daemon = with_leases();
    let output = daemon.run("lease revoke claude nothing 0123456789ab");
    for named in ["claude", "nothing", "0123456789ab"] {
        assert_eq!(daemon.asked().line, format!("DELETE /v1/leases/{named}"));
    }
    assert_eq!(out(&output), "Revoked claude.\nRevoked 0123456789ab.\n");
    assert_eq!(err(&output), "Error: There is no lease `nothing`.\n");
    assert_ne!(output.status.code(), Some(0));
}

#[test]
fn all_are_revoked_by_their_ids() {
    let daemon = with_leases();
    let output = daemon.run("lease revoke --all");
    let lines = [daemon.asked().line, daemon.asked().line, daemon.asked().line];
    assert_eq!(lines, ["GET /v1/leases", "DELETE /v1/leases/0a1b2c3d4e5f", "DELETE /v1/leases/0123456789ab"]);
    assert_eq!(out(&output), "Revoked claude (0a1b2c3d4e5f).\nRevoked psql (0123456789ab).\n");
}

#[test]
fn one_that_ended_by_itself_meanwhile_is_as_good_as_revoked() {
    let daemon = FakeDaemon::new(|asked, stream| {
        if asked.line.starts_with("DELETE") {
            reply(stream, 404, r#"{"code":"not_found","message":"There is no lease."}"#);
        } else {
            reply(stream, 200, LEASES);
        }
    });
    let output = daemon.run("lease revoke --all");
    assert_eq!((out(&output).lines().count(), err(&output), output.status.code()), (2, "", Some(0)));
}

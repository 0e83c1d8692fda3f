//! `azd`, as the SDKs call it.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use rstest::rstest;
use serde_json::Value;
use support::links::Link;
use support::{FakeDaemon, NOWHERE, err, out};

const TOKEN: &str = r#"{"access_token":"eyJ0.e30.sig","token_type":"Bearer","expires_on":1795231445,"scopes":["https://a/.default"],"account":"u.t","tenant":"t","source":"cache","refresh_due_on":1795231000}"#;

#[rstest]
#[case("--output json --no-prompt --scope a --scope b", r#"{"scopes":["a","b"],"min_validity":900}"#)]
#[case("-o json --no-prompt --scope a --tenant-id t", r#"{"scopes":["a"],"tenant":"t","min_validity":900}"#)]
#[case("--output json --scope a --claims eyJ9==", r#"{"scopes":["a"],"claims":"eyJ9==","min_validity":900}"#)]
fn each_command_line_of_an_sdk_gets_a_token(#[case] words: &str, #[case] asked: &str) {
    let (daemon, azd) = (FakeDaemon::saying(200, TOKEN), Link::new("azd"));
    let output = azd.at(&daemon, &format!("auth token {words}")).output().unwrap();
    let answer = "{\"token\":\"eyJ0.e30.sig\",\"expiresOn\":\"2026-11-21T03:24:05Z\"}\n";
    assert_eq!((out(&output), err(&output), output.status.code()), (answer, "", Some(0)));
    assert_eq!(daemon.asked().body, asked);
}

#[test]
fn a_person_gets_the_bare_token() {
    let (daemon, azd) = (FakeDaemon::saying(200, TOKEN), Link::new("azd"));
    assert_eq!(out(&azd.at(&daemon, "auth token").output().unwrap()), "eyJ0.e30.sig\n");
    assert_eq!(daemon.asked().body, r#"{"resource":"arm","min_validity":900}"#);
}

#[test]
fn the_signed_out_are_recognised() {
    let body =
        r#"{"code":"sign_in_needed","message":"It is over (AADSTS700082).","hint":"Run `entra login`."}"#;
    let (daemon, azd) = (FakeDaemon::saying(401, body), Link::new("azd"));
    let output = azd.at(&daemon, "auth token --output json --no-prompt --scope a").output().unwrap();
    assert_eq!((out(&output), output.status.code()), ("", Some(1)));
    let told: Value = serde_json::from_str(err(&output)).unwrap();
    let error = told["error"].as_str().unwrap();
    assert!(error.starts_with("not logged in, run `azd auth login` to login"), "{error}");
    assert!(err(&output).contains("`entra login`") && !err(&output).contains("AADSTS"), "{}", err(&output));
}

#[test]
fn a_challenge_that_needs_a_person_names_its_handle() {
    let body = r#"{"code":"sign_in_needed","message":"A second factor is required (AADSTS50076).","hint":"Run `entra login --claims-handle h-1`.","claims_handle":"h-1"}"#;
    let (daemon, azd) = (FakeDaemon::saying(401, body), Link::new("azd"));
    let output = azd.at(&daemon, "auth token -o json --scope a --claims eyJ9").output().unwrap();
    let told: Value = serde_json::from_str(err(&output)).unwrap();
    assert_eq!(
        told["error"],
        "A second factor is required (AADSTS50076). Run `entra login --claims-handle h-1`."
    );
    assert!(!err(&output).contains("not logged in"), "{}", err(&output));
}

#[test]
fn other_failures_are_one_line() {
    let azd = Link::new("azd");
    let output = azd.command("auth token").env("ENTRAD_SOCKET", NOWHERE).output().unwrap();
    assert!(err(&output).starts_with("ERROR: No entrad is running"), "{}", err(&output));
    assert_eq!((err(&output).lines().count(), output.status.code()), (1, Some(1)));
}

#[test]
fn the_version_is_one_with_claims() {
    let azd = Link::new("azd");
    assert!(out(&azd.command("version").output().unwrap()).starts_with("azd version 1.24.0"));
    let output = azd.command("version --output json").output().unwrap();
    let version: Value = serde_json::from_str(out(&output)).unwrap();
    assert_eq!(version["azd"]["version"], "1.24.0");
}

#[cfg(unix)]
#[test]
fn the_rest_is_the_next_azds() {
    let (azd, other) = (Link::new("azd"), tempfile::tempdir().unwrap());
    support::links::script(&other.path().join("azd"), r#"echo "real $*"; exit 3"#);
    let path = std::env::join_paths([azd.folder(), other.path()]).unwrap();
    let output = azd.command("auth login --check-status").env("PATH", path).output().unwrap();
    assert_eq!((out(&output), output.status.code()), ("real auth login --check-status\n", Some(3)));
    let alone = azd.command("up").env("PATH", azd.folder()).output().unwrap();
    assert!(err(&alone).starts_with("ERROR: entra answers for azd here"), "{}", err(&alone));
}

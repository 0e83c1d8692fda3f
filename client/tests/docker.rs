//! `docker-credential-entra` as docker calls it.

mod support;

use rstest::rstest;
use support::tools::{SIGNED_OUT, SIGNED_OUT_LINE, fed, feed};
use support::{FakeDaemon, entra, err, out};

const ANSWER: &str = r#"{"refresh_token":"eyJ0.registry.sig","expires_on":1795239874}"#;

#[rstest]
#[case("contoso.azurecr.io")]
#[case("https://contoso.azurecr.io\n")]
fn a_registry_gets_its_own_refresh_token(#[case] server: &str) {
    let daemon = FakeDaemon::saying(200, ANSWER);
    let output = fed(&daemon, "docker-credential-entra get", server);
    assert_eq!(
        (out(&output), err(&output), output.status.code()),
        (
            format!(
                "{{\"ServerURL\":\"{}\",\"Username\":\"00000000-0000-0000-0000-000000000000\",\"Secret\":\"eyJ0.registry.sig\"}}\n",
                server.trim()
            )
            .as_str(),
            "",
            Some(0)
        )
    );
    let asked = daemon.asked();
    assert_eq!(asked.line, "POST /v1/registry-token");
    assert_eq!(asked.body, r#"{"registry":"contoso.azurecr.io"}"#);
}

#[rstest]
#[case("https://registry.example/v1/", "credentials not found in native keychain\n")]
#[case("localhost:5000", "credentials not found in native keychain\n")]
#[case("contoso.azurecr.io.evil.example", "credentials not found in native keychain\n")]
#[case("\n", "no credentials server URL\n")]
fn another_registry_s_credentials_are_not_here(#[case] server: &str, #[case] said: &str) {
    let output = feed(entra("helper docker-credential-entra get"), server);
    assert_eq!((out(&output), err(&output), output.status.code()), (said, "", Some(1)));
}

#[test]
fn without_a_sign_in_both_streams_say_so() {
    let daemon = FakeDaemon::saying(401, SIGNED_OUT);
    let output = fed(&daemon, "docker-credential-entra get", "contoso.azurecr.io");
    assert_eq!(
        (out(&output), err(&output), output.status.code()),
        (SIGNED_OUT_LINE, SIGNED_OUT_LINE, Some(1))
    );
}

#[test]
fn another_registry_s_password_is_not_lost_in_silence() {
    let credentials = r#"{"ServerURL":"https://registry.example/v1/","Username":"u","Secret":"a-password"}"#;
    for (input, said) in [(credentials, "not as `credsStore`"), ("a-password", "does not parse")] {
        let output = feed(entra("helper docker-credential-entra store"), input);
        assert_eq!(output.status.code(), Some(1));
        assert!(out(&output).contains(said) && err(&output).contains(said), "{}", err(&output));
        assert!(!out(&output).contains("a-password") && !err(&output).contains("a-password"));
    }
}

#[test]
fn a_registry_on_this_machine_is_answered_where_it_is_named() {
    let daemon = FakeDaemon::saying(200, ANSWER);
    let mut command = daemon.entra("helper docker-credential-entra get");
    command.env("ENTRA_LOOPBACK_HOSTS", "localhost:5000");
    assert_eq!(feed(command, "localhost:5000").status.code(), Some(0));
    assert_eq!(daemon.asked().body, r#"{"registry":"localhost:5000"}"#);
}

#[test]
fn nothing_is_kept_listed_or_forgotten() {
    let run = |word: &str, input: &str| feed(entra(&format!("helper docker-credential-entra {word}")), input);
    let credentials = r#"{"ServerURL":"contoso.azurecr.io","Username":"u","Secret":"s"}"#;
    for (word, input) in [("store", credentials), ("erase", "contoso.azurecr.io")] {
        let output = run(word, input);
        assert_eq!((out(&output), err(&output), output.status.code()), ("", "", Some(0)), "{word}");
    }
    let output = run("list", "unused");
    assert_eq!((out(&output), output.status.code()), ("{}\n", Some(0)));
    assert!(out(&run("version", "")).starts_with("docker-credential-entra (entrad) "));
    let output = run("get more", "");
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("credHelpers"), "{}", err(&output));
}

//! `keyring` as pip and uv call it, and `pnpm-token-entra` as pnpm does.

mod support;

use rstest::rstest;
use support::tools::{ANSWER, SIGNED_OUT, SIGNED_OUT_LINE};
use support::{FakeDaemon, entra, err, out};

const URL: &str = "https://pkgs.dev.azure.com/org/_packaging/feed/pypi/simple/";

#[rstest]
#[case::pip("--mode=creds --output=json get URL", "{\"username\":\"entra\",\"password\":\"eyJ0.e30.sig\"}\n")]
#[case::pip_with_a_name(
    "--mode=creds --output=json get URL me",
    "{\"username\":\"me\",\"password\":\"eyJ0.e30.sig\"}\n"
)]
#[case::uv("get URL VssSessionToken", "eyJ0.e30.sig\n")]
#[case::uv_without_a_name("get URL --mode creds", "entra\neyJ0.e30.sig\n")]
fn an_index_of_azure_artifacts_gets_a_token_for_its_password(#[case] words: &str, #[case] text: &str) {
    let daemon = FakeDaemon::saying(200, ANSWER);
    let output = daemon.run(&format!("helper keyring {}", words.replace("URL", URL)));
    assert_eq!((out(&output), err(&output), output.status.code()), (text, "", Some(0)));
    assert_eq!(daemon.asked().body, r#"{"resource":"devops","min_validity":900}"#);
}

#[test]
fn without_a_sign_in_the_sentence_is_on_standard_error() {
    let daemon = FakeDaemon::saying(401, SIGNED_OUT);
    let output = daemon.run(&format!("helper keyring get {URL} me"));
    assert_eq!((out(&output), err(&output), output.status.code()), ("", SIGNED_OUT_LINE, Some(3)));
}

#[rstest]
#[case("get https://index.example/simple/ me")]
#[case("get http://pkgs.dev.azure.com/org/ me")]
#[case("get pkgs.dev.azure.com me")]
#[case("--mode=creds --output=json get https://index.example/simple/")]
fn without_another_keyring_other_passwords_are_absent_in_silence(#[case] words: &str) {
    let output = entra(&format!("helper keyring {words}")).output().unwrap();
    assert_eq!((out(&output), err(&output), output.status.code()), ("", "", Some(1)));
}

#[test]
fn without_another_keyring_nothing_can_be_kept() {
    for words in ["set service me", "del service me", "diagnose"] {
        let output = entra(&format!("helper keyring {words}")).output().unwrap();
        assert_eq!((out(&output), output.status.code()), ("", Some(2)));
        assert!(err(&output).contains("Install the `keyring` package"), "{}", err(&output));
    }
    let output = entra("helper keyring --list-backends").output().unwrap();
    assert_eq!((out(&output), output.status.code()), ("entra (Azure Artifacts alone)\n", Some(0)));
}

#[test]
fn pnpm_gets_the_value_of_its_header() {
    let daemon = FakeDaemon::saying(200, ANSWER);
    let output = daemon.run("helper pnpm-token-entra");
    assert_eq!((out(&output), err(&output), output.status.code()), ("Bearer eyJ0.e30.sig\n", "", Some(0)));
    let output = FakeDaemon::saying(401, SIGNED_OUT).run("helper pnpm-token-entra");
    assert_eq!((out(&output), err(&output), output.status.code()), ("", SIGNED_OUT_LINE, Some(3)));
    assert_eq!(entra("helper pnpm-token-entra get").output().unwrap().status.code(), Some(2));
}

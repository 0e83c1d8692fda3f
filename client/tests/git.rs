//! `git-credential-entra` as git calls it.

mod support;

use rstest::rstest;
use support::tools::{ANSWER, SIGNED_OUT, SIGNED_OUT_LINE, TOKEN, fed, feed};
use support::{FakeDaemon, NOWHERE, entra, err, out, reply};

const ASKED: &str = "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=dev.azure.com\n\
    wwwauth[]=Bearer authorization_uri=https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47\n\
    wwwauth[]=Basic realm=\"https://tfsprodcus.visualstudio.com/\"\nwwwauth[]=TFS-Federated\n\n";

#[test]
fn a_newer_git_gets_a_bearer_token_of_the_repository_s_tenant() {
    let daemon = FakeDaemon::saying(200, ANSWER);
    let output = fed(&daemon, "git-credential-entra get", ASKED);
    assert_eq!(
        (out(&output), err(&output), output.status.code()),
        (
            "capability[]=authtype\nauthtype=Bearer\ncredential=eyJ0.e30.sig\nephemeral=1\npassword_expiry_utc=1795229074\n",
            "",
            Some(0)
        )
    );
    assert_eq!(
        daemon.asked().body,
        r#"{"resource":"devops","tenant":"72f988bf-86f1-41af-91ab-2d7cd011db47","min_validity":900}"#
    );
}

#[test]
fn an_older_git_gets_a_password_under_the_name_it_has() {
    let daemon = FakeDaemon::saying(200, ANSWER);
    let output = fed(
        &daemon,
        "git-credential-entra get",
        "protocol=https\nhost=contoso.visualstudio.com\nusername=contoso\n",
    );
    assert_eq!(out(&output), "username=contoso\npassword=eyJ0.e30.sig\npassword_expiry_utc=1795229074\n");
}

#[rstest]
#[case("protocol=https\nhost=github.com\n")]
#[case("protocol=http\nhost=dev.azure.com\n")]
#[case("protocol=http\nhost=127.0.0.1:8080\n")]
#[case("host=dev.azure.com\n")]
#[case("")]
fn another_host_is_answered_with_nothing_and_the_daemon_is_not_asked(#[case] input: &str) {
    for word in ["get", "store", "erase", "a-later-word"] {
        let command = entra(&format!("helper git-credential-entra {word}"));
        let output = feed(command, input);
        assert_eq!((out(&output), err(&output), output.status.code()), ("", "", Some(0)), "{word}");
    }
}

#[test]
fn a_server_on_this_machine_is_answered_where_it_is_named() {
    let daemon = FakeDaemon::saying(200, ANSWER);
    let mut command = daemon.entra("helper git-credential-entra get");
    command.env("ENTRA_LOOPBACK_HOSTS", "127.0.0.1:8080");
    let output = feed(command, "protocol=http\nhost=127.0.0.1:8080\n");
    assert!(out(&output).contains("password=eyJ0.e30.sig\n"), "{}", out(&output));
}

#[test]
fn without_a_sign_in_git_is_told_to_stop_and_a_person_why() {
    let daemon = FakeDaemon::saying(401, SIGNED_OUT);
    let output = fed(&daemon, "git-credential-entra get", ASKED);
    assert_eq!((out(&output), err(&output)), ("quit=1\n", SIGNED_OUT_LINE));
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn without_a_daemon_git_is_told_to_stop_too() {
    let mut command = entra("helper git-credential-entra get");
    command.env("ENTRAD_SOCKET", NOWHERE);
    let output = feed(command, ASKED);
    assert_eq!((out(&output), output.status.code()), ("quit=1\n", Some(7)));
    assert!(err(&output).starts_with("entrad: No entrad is running"), "{}", err(&output));
}

#[test]
fn what_is_stored_is_neither_kept_nor_asked_about() {
    let output = feed(entra("helper git-credential-entra store"), &format!("{ASKED}password={TOKEN}\n"));
    assert_eq!((out(&output), err(&output), output.status.code()), ("", "", Some(0)));
}

#[rstest]
#[case("authtype=Bearer\ncredential=eyJ0.e30.sig\n", true)]
#[case("username=entra\npassword=eyJ0.e30.sig\n", true)]
#[case("username=entra\npassword=of-another-helper\n", false)]
fn a_refused_token_is_renewed_if_it_is_the_one_that_would_be_served(
    #[case] refused: &str,
    #[case] is_ours: bool,
) {
    let daemon = FakeDaemon::new(|asked, stream| {
        let answer = if asked.body.contains("force_refresh") {
            ANSWER.replace("e30", "e31")
        } else {
            ANSWER.to_owned()
        };
        reply(stream, 200, &answer);
    });
    let output =
        fed(&daemon, "git-credential-entra erase", &format!("protocol=https\nhost=dev.azure.com\n{refused}"));
    assert_eq!((out(&output), err(&output), output.status.code()), ("", "", Some(0)));
    assert!(!daemon.asked().body.contains("force_refresh"));
    assert_eq!(daemon.heard().iter().any(|asked| asked.body.contains(r#""force_refresh":true"#)), is_ours);
}

#[test]
fn nothing_to_erase_asks_nothing() {
    let output = feed(entra("helper git-credential-entra erase"), "protocol=https\nhost=dev.azure.com\n");
    assert_eq!((out(&output), err(&output), output.status.code()), ("", "", Some(0)));
}

#[test]
fn its_capability_is_told_and_a_person_how_to_configure_it() {
    let output = entra("helper git-credential-entra capability").output().unwrap();
    assert_eq!(out(&output), "version 0\ncapability authtype\n");
    let output = entra("helper git-credential-entra").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("git config"), "{}", err(&output));
}

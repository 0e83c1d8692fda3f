//! `entra config` against a daemon's scripted answer, and against a daemon's program where none runs.

mod support;

use std::process::Command;

use rstest::rstest;
use support::links::alone;
use support::{FakeDaemon, NOWHERE, err, out};

/// What a daemon tells whose administrator locked the tenant.
const ANSWER: &str = r#"{"settings":[
    {"key":"config","kind":"path","value":"/home/ada/c.toml","origin":{"layer":"environment","place":"ENTRAD_CONFIG"},"summary":"Configuration file."},
    {"key":"socket","kind":"path","value":"/run/s","origin":{"layer":"command_line","place":"--socket"},"summary":"Socket or pipe to listen on."},
    {"key":"tenant","kind":"text","value":"contoso.com","origin":{"layer":"managed","place":"/etc/entrad/managed.d/10-it.toml:3"},"is_locked":true,"overrides":[{"value":"fabrikam.com","origin":{"layer":"user","place":"/home/ada/c.toml:1"}}],"summary":"Tenant of the profile.","default":"organizations"},
    {"key":"flows","kind":"choices","choices":["device_code","browser"],"value":["browser"],"origin":{"layer":"user","place":"/home/ada/c.toml:2"},"summary":"Ways to sign in."},
    {"key":"log","kind":"text","value":"entrad=info","origin":{"layer":"built_in","place":"built in"},"summary":"What to log."}],
    "sources":[{"layer":"user","place":"/home/ada/c.toml","settings":2},{"layer":"managed","place":"/etc/entrad/managed.d","settings":1}],
    "egress":[{"host":"login.microsoftonline.com","port":443,"purpose":"Signing in, and tokens."}],
    "applied_on":1795200000,"waiting_for_restart":["socket"]}"#;

#[test]
fn settings_are_a_table_or_json() {
    let daemon = FakeDaemon::saying(200, ANSWER);
    let shown = daemon.run("config show");
    assert_eq!(
        out(&shown),
        "KEY     VALUE             FROM\n\
         config  /home/ada/c.toml  environment: ENTRAD_CONFIG\n\
         socket  /run/s            command line: --socket\n\
         tenant  contoso.com       managed, locked: /etc/entrad/managed.d/10-it.toml:3\n\
         \x20       instead of fabrikam.com, user file: /home/ada/c.toml:1\n\
         flows   browser           user file: /home/ada/c.toml:2\n\
         \nWaits for entrad's next start: socket.\n"
    );
    assert_eq!(daemon.asked().line, "GET /v1/config");
    assert!(out(&daemon.run("config show --all")).contains("\nlog     entrad=info       built in\n"));
    let json: serde_json::Value = serde_json::from_str(out(&daemon.run("config show --json"))).unwrap();
    assert_eq!(json["settings"][2]["is_locked"], true);
}

#[rstest]
#[case("config explain tenant", 0, "Locked    By your administrator, in /etc/entrad/managed.d/10-it.toml:3")]
#[case("config explain --json ENTRAD_TENANT", 0, r#""key":"tenant""#)]
#[case("config explain socket", 0, "Restart   A new value waits")]
#[case("config explain tennant", 2, "did you mean `tenant`?")]
#[case("config egress", 0, "login.microsoftonline.com  443    Signing in, and tokens.")]
#[case("config egress --json", 0, r#"[{"host":"login.microsoftonline.com","port":443,"#)]
#[case("config report", 0, "tenant = contoso.com | managed, locked: /etc/entrad/managed.d/10-it.toml:3")]
#[case("config export --format toml", 0, "# Tenant of the profile.\ntenant = \"contoso.com\"\n")]
#[case("config export --format toml", 0, "Left out, since it is this machine's own: socket.")]
#[case("config export --format toml --all", 0, "socket = \"/run/s\"")]
#[case("config export --format mobileconfig", 0, "<string>dev.entrad</string>")]
#[case("config export --format admx", 0, "==> en-US/entrad.adml <==")]
#[case(
    "config export --format intune-json",
    0,
    "<enabled/><data id=\\\"tenant\\\" value=\\\"contoso.com\\\"/>"
)]
#[case("config export --format json-schema", 0, "https://json-schema.org/draft/2020-12/schema")]
fn each_command_answers(#[case] line: &str, #[case] status: i32, #[case] words: &str) {
    let daemon = FakeDaemon::saying(200, ANSWER);
    let output = daemon.run(line);
    assert_eq!(output.status.code(), Some(status), "{}", err(&output));
    let said = format!("{}{}", out(&output), err(&output));
    assert!(said.contains(words), "{said}");
}

#[test]
fn an_export_is_written_where_it_is_wanted() {
    let daemon = FakeDaemon::saying(200, ANSWER);
    let folder = tempfile::tempdir().unwrap();
    let export = |format: &str, name: &str| {
        let output = daemon
            .entra(&format!("config export --format {format} --output {name}"))
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!((output.status.code(), out(&output)), (Some(0), ""), "{}", err(&output));
    };
    export("reg", "entrad.reg");
    let bytes = std::fs::read(folder.path().join("entrad.reg")).unwrap();
    assert_eq!(&bytes[..4], [0xff, 0xfe, b'W', 0]);
    assert_eq!(out(&daemon.run("config export --format mobileconfig")), {
        export("mobileconfig", "a.mobileconfig");
        std::fs::read_to_string(folder.path().join("a.mobileconfig")).unwrap()
    });
    export("admx", "policies");
    assert!(folder.path().join("policies/entrad.admx").is_file());
    assert!(folder.path().join("policies/en-US/entrad.adml").is_file());
    // A second one takes the place of the first.
    export("reg", "entrad.reg");
    assert_eq!(std::fs::read(folder.path().join("entrad.reg")).unwrap(), bytes);
}

#[test]
fn what_is_printed_for_the_registry_is_what_its_editor_takes() {
    let daemon = FakeDaemon::saying(200, ANSWER);
    let output = daemon.run("config export --format reg");
    assert_eq!(&output.stdout[..4], [0xff, 0xfe, b'W', 0]);
}

#[test]
fn a_password_is_never_exported() {
    let proxy = r#"{"key":"https_proxy","kind":"text","value":"http://ada:***@proxy","origin":{"layer":"user","place":"/c:1"},"summary":"Proxy."}"#;
    let answer = format!(r#"{{"settings":[{proxy}],"sources":[],"egress":[],"applied_on":1}}"#);
    let daemon = FakeDaemon::saying(200, &answer);
    let folder = tempfile::tempdir().unwrap();
    for format in ["mobileconfig", "reg", "intune-json", "toml"] {
        let output = daemon
            .entra(&format!("config export --format {format} --output x"))
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!((output.status.code(), out(&output)), (Some(4), ""));
        assert!(err(&output).contains("`https_proxy` holds a password"), "{}", err(&output));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn nothing_is_no_export() {
    let daemon = FakeDaemon::saying(200, r#"{"settings":[],"sources":[],"egress":[],"applied_on":1}"#);
    let output = daemon.run("config export --format reg");
    assert_eq!((output.status.code(), out(&output)), (Some(2), ""));
    assert!(err(&output).contains("nothing to export"), "{}", err(&output));
}

#[test]
fn a_daemons_refusal_is_no_reason_to_ask_its_program() {
    let body = r#"{"code":"not_found","message":"There is no such route."}"#;
    let output = FakeDaemon::saying(404, body).run("config show");
    assert_eq!(err(&output), "Error: There is no such route.\n");
}

#[test]
fn without_a_daemon_and_its_program_the_missing_program_is_named() {
    let (_folder, program) = alone();
    for words in [["config", "show"], ["config", "check"]] {
        let output =
            Command::new(&program).args(words).env_clear().env("ENTRAD_SOCKET", NOWHERE).output().unwrap();
        assert_eq!(output.status.code(), Some(5));
        assert!(err(&output).contains("There is no entrad"), "{}", err(&output));
    }
}

//! `entra-claude-helper`, as Claude Desktop runs it.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use rstest::rstest;
use support::links::Link;
use support::{FakeDaemon, NOWHERE, err, out, reply};

const TOKEN: &str = r#"{"access_token":"eyJ0.e30.sig","token_type":"Bearer","expires_on":1795231445,"scopes":["https://a/.default"],"account":"u.t","tenant":"t","source":"cache","refresh_due_on":1795231000}"#;

const SIGNED_OUT: &str =
    r#"{"code":"sign_in_needed","message":"Nobody is signed in.","hint":"Sign in: `entra login`."}"#;

#[test]
fn the_bare_token_is_all_there_is() {
    let (daemon, helper) = (FakeDaemon::saying(200, TOKEN), Link::new("entra-claude-helper"));
    let output = helper.at(&daemon, "").output().unwrap();
    assert_eq!((out(&output), err(&output), output.status.code()), ("eyJ0.e30.sig\n", "", Some(0)));
    assert_eq!(daemon.asked().body, r#"{"resource":"cognitive","min_validity":960}"#);
}

#[test]
fn another_resource_may_be_named() {
    let (daemon, helper) = (FakeDaemon::saying(200, TOKEN), Link::new("entra-claude-helper"));
    let mut command = helper.at(&daemon, "");
    assert!(command.env("ENTRA_CLAUDE_RESOURCE", "foundry").output().unwrap().status.success());
    assert_eq!(daemon.asked().body, r#"{"resource":"foundry","min_validity":960}"#);
}

#[rstest]
#[case(None)]
#[case(Some("mid-session-refresh"))]
#[case(Some("scheduled-task"))]
#[case(Some("setup-test"))]
#[case(Some("background"))]
fn in_no_other_context_a_person_is_asked(#[case] context: Option<&str>) {
    let daemon = FakeDaemon::new(|asked, stream| {
        assert_eq!(asked.line, "POST /v1/token");
        reply(stream, 401, SIGNED_OUT);
    });
    let helper = Link::new("entra-claude-helper");
    let mut command = helper.at(&daemon, "");
    command.envs(context.map(|context| ("CLAUDE_HELPER_CONTEXT", context)));
    let output = command.env("CLAUDE_HELPER_MANUAL_RUN", "1").output().unwrap();
    let sentence = "entrad: Nobody is signed in. Sign in: `entra login`.\n";
    assert_eq!((out(&output), err(&output), output.status.code()), ("", sentence, Some(3)));
}

#[test]
fn what_no_sign_in_mends_starts_none() {
    let body = r#"{"code":"unavailable","message":"Entra cannot be reached."}"#;
    let daemon = FakeDaemon::new(move |asked, stream| {
        assert_eq!(asked.line, "POST /v1/token");
        reply(stream, 503, body);
    });
    let helper = Link::new("entra-claude-helper");
    let output = helper.at(&daemon, "").env("CLAUDE_HELPER_CONTEXT", "interactive").output().unwrap();
    assert_eq!((err(&output), output.status.code()), ("entrad: Entra cannot be reached.\n", Some(6)));
}

#[test]
fn words_and_a_missing_daemon_are_told() {
    let helper = Link::new("entra-claude-helper");
    let output = helper.command("--help").output().unwrap();
    assert!(err(&output).contains("takes no arguments"), "{}", err(&output));
    let output = helper.command("").env("ENTRAD_SOCKET", NOWHERE).output().unwrap();
    assert!(err(&output).contains("Start it with") && output.status.code() == Some(7), "{}", err(&output));
}

/// On Linux alone a test can stand in for the desktop: its programs are found on PATH.
#[cfg(target_os = "linux")]
mod interactive {
    use std::io::{Read, Write};
    use std::path::{Path, PathBuf};
    use std::process::{Command, Output};
    use std::time::Instant;

    use super::*;
    use crate::support::links::script;
    use crate::support::sign_ins::{CODE, SIGNED_IN};
    use crate::support::{Asked, Connection, PATIENCE, begin_events};

    /// A desktop: its window shows what it is given, until `end`; its browser opens pages.
    struct Desktop(tempfile::TempDir);

    impl Desktop {
        fn new(end: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let place = folder.path().display();
            let window = format!("cat > {place}/new-text; mv {place}/new-text {place}/text; {end}");
            script(&folder.path().join("zenity"), &window);
            script(
                &folder.path().join("browser"),
                &format!("printf %s \"$1\" > {place}/new-page; mv {place}/new-page {place}/page"),
            );
            Self(folder)
        }

        fn file(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn run(&self, daemon: &FakeDaemon, helper: &Link) -> Output {
            self.command(daemon, helper).output().unwrap()
        }

        fn command(&self, daemon: &FakeDaemon, helper: &Link) -> Command {
            let mut command = helper.at(daemon, "");
            let path = format!("{}:/usr/bin:/bin", self.0.path().display());
            command.env("PATH", path).env("BROWSER", self.file("browser"));
            command.env("CLAUDE_HELPER_CONTEXT", "interactive");
            command
        }
    }

    fn until(path: &Path) {
        let end = Instant::now() + PATIENCE;
        while !path.exists() && Instant::now() < end {
            std::thread::yield_now();
        }
    }

    /// Signed out until the sign-in has gone well, which it does once `seen` is there.
    fn daemon(seen: Vec<PathBuf>) -> FakeDaemon {
        let done = std::sync::atomic::AtomicBool::new(false);
        FakeDaemon::new(move |asked: &Asked, stream: &mut Connection| match asked.line.as_str() {
            "POST /v1/token" if done.load(std::sync::atomic::Ordering::SeqCst) => reply(stream, 200, TOKEN),
            "POST /v1/token" => reply(stream, 401, SIGNED_OUT),
            "POST /v1/sign-ins" => reply(stream, 201, r#"{"id":"s-1"}"#),
            "GET /v1/sign-ins/s-1/events" => {
                begin_events(stream);
                stream.write_all(format!("{CODE}\n").as_bytes()).unwrap();
                if seen.is_empty() {
                    let _ = stream.read(&mut [0]);
                    return;
                }
                seen.iter().for_each(|seen| until(seen));
                done.store(true, std::sync::atomic::Ordering::SeqCst);
                stream.write_all(format!("{SIGNED_IN}\n").as_bytes()).unwrap();
            }
            "DELETE /v1/sign-ins/s-1" => reply(stream, 200, "{}"),
            other => panic!("{other}"),
        })
    }

    #[rstest]
    // The window stays, and is taken away; or the person puts it away once the code is noted.
    #[case("exec sleep 100")]
    #[case("exit 0")]
    fn a_sign_in_ends_with_the_token(#[case] end: &str) {
        let desktop = Desktop::new(end);
        let daemon = daemon(vec![desktop.file("text"), desktop.file("page")]);
        let output = desktop.run(&daemon, &Link::new("entra-claude-helper"));
        assert_eq!((out(&output), err(&output), output.status.code()), ("eyJ0.e30.sig\n", "", Some(0)));
        let text = std::fs::read_to_string(desktop.file("text")).unwrap();
        assert!(
            text.starts_with(
                "To sign in, open https://microsoft.com/devicelogin and enter the code BL6XB575V\n"
            ),
            "{text}"
        );
        assert!(text.contains("Nobody from IT or support will ever send you a code."), "{text}");
        assert_eq!(
            std::fs::read_to_string(desktop.file("page")).unwrap(),
            "https://microsoft.com/devicelogin"
        );
    }

    #[test]
    fn a_cancelled_window_cancels_the_sign_in() {
        let (desktop, daemon) = (Desktop::new("exit 1"), daemon(Vec::new()));
        let output = desktop.run(&daemon, &Link::new("entra-claude-helper"));
        assert_eq!((out(&output), output.status.code()), ("", Some(3)));
        assert!(err(&output).contains("Run `entra login` in a terminal."), "{}", err(&output));
        let asked =
            ["POST /v1/token", "POST /v1/sign-ins", "GET /v1/sign-ins/s-1/events", "DELETE /v1/sign-ins/s-1"];
        asked.iter().for_each(|line| assert_eq!(daemon.asked().line, *line));
    }

    #[test]
    fn without_a_window_no_code_is_left_open_or_logged() {
        let (desktop, daemon) = (Desktop::new("exit 0"), daemon(Vec::new()));
        let helper = Link::new("entra-claude-helper");
        let mut command = desktop.command(&daemon, &helper);
        std::fs::remove_file(desktop.file("zenity")).unwrap();
        let output = command.env("PATH", desktop.0.path()).output().unwrap();
        assert!(
            err(&output).contains("No window can be shown") && !err(&output).contains("BL6XB575V"),
            "{}",
            err(&output)
        );
        (0..3).for_each(|_| drop(daemon.asked()));
        assert_eq!(daemon.asked().line, "DELETE /v1/sign-ins/s-1");
    }

    /// Claude Desktop ends a helper after a minute.
    #[test]
    fn a_slow_person_keeps_the_code_and_is_told_to_come_again() {
        let (desktop, daemon) = (Desktop::new("exit 0"), daemon(Vec::new()));
        let helper = Link::new("entra-claude-helper");
        let output = desktop.command(&daemon, &helper).env("ENTRA_CLAUDE_WAIT", "1").output().unwrap();
        assert_eq!((out(&output), output.status.code()), ("", Some(3)));
        assert!(
            err(&output).contains("still open") && err(&output).contains("try again"),
            "{}",
            err(&output)
        );
        let asked = ["POST /v1/token", "POST /v1/sign-ins", "GET /v1/sign-ins/s-1/events"];
        asked.iter().for_each(|line| assert_eq!(daemon.asked().line, *line));
    }
}

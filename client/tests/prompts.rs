//! `entra status --short`, `entra snooze` and `entra watch`: what is asked of a person.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStderr, ChildStdout, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rstest::rstest;
use support::prompts::{PROMPTS, RAISED, SETTLED, WAITING, prompt, tell};
use support::{FakeDaemon, NOWHERE, PATIENCE, entra, err, out, reply, until_closed};

const NOTHING: &str = r#"{"prompts":[]}"#;

#[rstest]
#[case(PROMPTS, "entra: sign in (ada@example.com)\n", 3)]
#[case(NOTHING, "", 0)]
fn a_shell_prompt_has_a_line_only_where_somebody_must_sign_in(
    #[case] answer: &'static str,
    #[case] line: &str,
    #[case] status: i32,
) {
    let daemon = FakeDaemon::new(move |asked, stream| prompt(asked, stream, answer, &[]));
    let output = in_time(&daemon, "status --short");
    assert_eq!((out(&output), err(&output), output.status.code()), (line, "", Some(status)));
    assert!(daemon.heard().iter().all(|asked| asked.line == "GET /v1/prompts"));
    assert_eq!(out(&in_time(&daemon, "status --short --json")), format!("{answer}\n"));
}

/// What the program says when it has its answer in time, which on a busy machine it may not have at once.
fn in_time(daemon: &FakeDaemon, line: &str) -> Output {
    first_in_time(|| daemon.run(line))
}

fn first_in_time(run: impl Fn() -> Output) -> Output {
    let end = Instant::now() + PATIENCE;
    loop {
        let output = run();
        if output.status.code() != Some(6) || Instant::now() > end {
            return output;
        }
    }
}

#[rstest]
#[case(404, r#"{"code":"not_found","message":"There is no such route."}"#, 2)]
#[case(200, "<html>", 1)]
#[case(403, r#"{"code":"refused","message":"You may not."}"#, 4)]
fn what_goes_wrong_leaves_a_shell_prompt_clean(#[case] code: u16, #[case] body: &str, #[case] status: i32) {
    let output = in_time(&FakeDaemon::saying(code, body), "status --short");
    assert_eq!((out(&output), err(&output), output.status.code()), ("", "", Some(status)));
}

#[test]
fn a_shell_prompt_does_not_wait() {
    let silent = FakeDaemon::new(|_, stream| until_closed(stream));
    let dripping = FakeDaemon::new(|_, stream| {
        // A byte at a time, so that each read is well within its limit.
        for byte in b"HTTP/1.0 200 OK\r\n".iter().cycle() {
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    for daemon in [silent, dripping] {
        let begun = Instant::now();
        let output = daemon.run("status --short");
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        assert_eq!((out(&output), err(&output), output.status.code()), ("", "", Some(6)));
    }
    for socket in [NOWHERE, "relative"] {
        let output = first_in_time(|| entra("status --short").env("ENTRAD_SOCKET", socket).output().unwrap());
        let status = if socket == NOWHERE { 7 } else { 2 };
        assert_eq!((out(&output), err(&output), output.status.code()), ("", "", Some(status)));
    }
}

#[rstest]
#[case("", "{}")]
#[case(
    " ada@example.com --profile work --for 2h",
    r#"{"account":"ada@example.com","profile":"work","seconds":7200}"#
)]
#[case(" --off", r#"{"seconds":0}"#)]
fn a_snooze_is_sent(#[case] words: &str, #[case] body: &str) {
    let daemon = FakeDaemon::saying(200, NOTHING);
    let output = daemon.run(&format!("snooze{words}"));
    let asked = daemon.asked();
    assert_eq!((asked.line.as_str(), asked.body.as_str()), ("POST /v1/prompts/snooze", body));
    assert_eq!((out(&output), output.status.code()), ("Nothing is asked of you now.\n", Some(0)));
}

#[test]
fn a_snooze_says_until_when() {
    let answer = PROMPTS.replace(r#"{"by":"no_desktop"}"#, r#"{"by":"snooze","until":1795231440}"#);
    let daemon = FakeDaemon::saying(200, &answer);
    let output = daemon.run("snooze ADA@example.com --for 30m");
    let text = out(&output);
    assert!(text.starts_with("ada@example.com: not shown again until 2026-11-21 03:24 UTC ("), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    let all = daemon.run("snooze");
    assert!(
        out(&all).contains("\ngrace@example.com (profile work): you are asked as usual\n"),
        "{}",
        out(&all)
    );
    assert_eq!(out(&daemon.run("snooze --json")), format!("{answer}\n"));
}

#[test]
fn status_tells_what_is_asked_with_its_account() {
    let daemon = FakeDaemon::new(|asked, stream| match asked.line.as_str() {
        "GET /v1/prompts" => reply(stream, 200, PROMPTS),
        _ => reply(stream, 200, STATUS),
    });
    let output = daemon.run("status");
    let text = out(&output);
    assert!(
        text.contains(
            "\n  first asked for by /usr/bin/git (process 42), for Azure DevOps; refused 7 times; 2 programs wait\n"
        ),
        "{text}"
    );
    assert!(text.contains("\n  not shown: there is no desktop"), "{text}");
    assert!(text.contains("a new sign-in was expected around 2026-11-21"), "{text}");
    assert_eq!(daemon.heard().len(), 2);
}

#[test]
fn a_status_without_prompts_still_is_one() {
    let daemon = FakeDaemon::new(|asked, stream| match asked.line.as_str() {
        "GET /v1/prompts" => reply(stream, 404, r#"{"code":"not_found","message":"No."}"#),
        _ => reply(stream, 200, STATUS),
    });
    let output = daemon.run("status");
    assert_eq!((err(&output), output.status.code()), ("", Some(0)));
    assert!(out(&output).contains("ada@example.com: good"), "{}", out(&output));
}

const STATUS: &str = r#"{"version":"0.1.0","pid":7,"socket":"/s","started_on":0,"store":{"home":"memory","is_open":true},"accounts":[{"account":{"id":"ada.t","username":"ada@example.com","profile":"default","cloud":"public","tenant":"contoso.com","client_id":"c","provenance":{"flow":"browser","signed_in_on":1795231440},"health":{"state":"good"}},"refresh_token_dies_on":1795231440,"expectation":{"on":1795220000,"aadsts":70043,"reason":"So.","seen":3},"tokens":[]}],"open_sign_ins":0}"#;

/// A watch that runs, ended with the value.
struct Watching {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    errors: Lines<BufReader<ChildStderr>>,
}

impl Watching {
    fn start(daemon: &FakeDaemon, words: &[&str]) -> Self {
        let mut command = daemon.entra("watch");
        command.args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let errors = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines, errors }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    fn error(&mut self) -> String {
        self.errors.next().unwrap().unwrap()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_watch_tells_what_is_asked_and_that_it_is_settled() {
    let daemon = FakeDaemon::new(|asked, stream| prompt(asked, stream, NOTHING, &[RAISED, WAITING, SETTLED]));
    let mut watching = Watching::start(&daemon, &[]);
    let line = watching.line();
    assert!(
        line.ends_with(
            " UTC  ada@example.com: sign in. The password was changed. (first asked for by /usr/bin/git (process 42), \
             for Azure DevOps)"
        ),
        "{line}"
    );
    assert!(watching.line().ends_with(" UTC  ada@example.com: nothing is asked of you any more"));
}

#[test]
fn a_watch_as_json_is_the_events_without_the_waiting() {
    let daemon = FakeDaemon::new(|asked, stream| prompt(asked, stream, NOTHING, &[WAITING, RAISED, SETTLED]));
    let mut watching = Watching::start(&daemon, &["--json"]);
    assert_eq!([watching.line(), watching.line()], [RAISED, SETTLED]);
}

#[test]
fn a_daemon_that_restarts_is_followed_again_and_repeats_nothing() {
    let connections = AtomicUsize::new(0);
    let daemon = FakeDaemon::new(move |_, stream| match connections.fetch_add(1, Ordering::SeqCst) {
        0 => tell(stream, &[RAISED]),
        1 => tell(stream, &[RAISED, WAITING]),
        _ => {
            tell(stream, &[WAITING]);
            until_closed(stream);
        }
    });
    let mut watching = Watching::start(&daemon, &["--json"]);
    assert_eq!([watching.line(), watching.line()], [RAISED, SETTLED]);
    assert_eq!(watching.error(), "Warning: entrad has stopped. It is tried again until entrad answers.");
    assert_eq!(watching.error(), "entrad answers again.");
}

#[test]
fn a_daemon_that_knows_no_prompts_is_not_followed() {
    let daemon = FakeDaemon::saying(404, r#"{"code":"not_found","message":"There is no such route."}"#);
    let output = daemon.run("watch");
    assert_eq!((err(&output), output.status.code()), ("Error: There is no such route.\n", Some(2)));
}

#[test]
fn what_the_command_says_does_not_mix_with_the_events() {
    let daemon = FakeDaemon::new(|asked, stream| prompt(asked, stream, NOTHING, &[RAISED]));
    // It is there on every system, and says its version on standard output.
    let mut watching =
        Watching::start(&daemon, &["--json", "--run", env!("CARGO_BIN_EXE_entra"), "--version"]);
    assert_eq!(watching.line(), RAISED);
    assert!(watching.error().starts_with("entra "));
}

#[test]
fn a_command_that_fails_is_told_and_does_not_end_the_watch() {
    let daemon = FakeDaemon::new(|asked, stream| {
        let other = RAISED.replace("default", "work");
        prompt(asked, stream, NOTHING, &[RAISED, &other]);
    });
    let mut watching =
        Watching::start(&daemon, &["--run", env!("CARGO_BIN_EXE_entra"), "explain", "AADSTS1"]);
    let errors: Vec<String> = watching
        .errors
        .by_ref()
        .map(Result::unwrap)
        .filter(|line| line.contains("failed ("))
        .take(2)
        .collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors.iter().all(|line| line.starts_with("Warning: The command ")), "{errors:?}");
}

//! `entra login`, `entra run`, `entra env`, `entra consent` and a token that is waited for on a terminal: a pseudo-terminal stands in
//! for the person's.
// Windows has consoles, which are not files.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use std::fs::{File, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use support::FakeDaemon;
use support::leases::{SECRET, granting};
use support::person::Person;
use support::sign_ins::{CLIENT_ID, wanting_an_app};

const CODE: &str = r#"{"event":"code","user_code":"BL6XB575V","verification_uri":"https://microsoft.com/devicelogin","is_trusted_uri":true,"expires_on":1795231440,"expires_in":900,"message":"Go.","flow":"device_code","profile":"default","cloud":"public","tenant":"a\u001b[2Jb","client_id":"04b07795-8ddb-461a-bbee-02f9e1bf7b46","program":"entra (process 7)","scopes":["s"],"correlation_id":"c-1"}"#;

/// Runs the program on a new terminal of this width.
fn run(daemon: &FakeDaemon, line: &str, columns: u16) -> (Person, Child) {
    start(&mut daemon.entra(line), columns)
}

fn start(command: &mut Command, columns: u16) -> (Person, Child) {
    let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    fcntl_setfd(&keys, FdFlags::CLOEXEC).unwrap();
    grantpt(&keys).unwrap();
    unlockpt(&keys).unwrap();
    let name = ptsname(&keys, Vec::new()).unwrap();
    let path = Path::new(std::ffi::OsStr::from_bytes(name.to_bytes())).to_owned();
    let side = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(side.as_fd(), size).unwrap();
    let copy = || Stdio::from(side.try_clone().unwrap());
    let child = command.stdin(copy()).stdout(copy()).stderr(copy()).spawn().unwrap();
    let keys = File::from(keys);
    let screen = keys.try_clone().unwrap();
    (Person::new(keys, screen), child)
}

#[test]
fn a_person_is_asked_for_the_app_until_it_is_one() {
    let daemon = wanting_an_app(CODE);
    let (mut person, mut child) = run(&daemon, "login", 80);
    person.expect("Application (client) id: ");
    person.type_in("nonsense\n");
    person.expect("That is no id");
    person.type_in(&format!("{CLIENT_ID}\n"));
    person.expect("B L 6     X B 5     7 5 V");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(daemon.asked().body, "{}");
    assert_eq!(daemon.asked().body, format!(r#"{{"client_id":"{CLIENT_ID}"}}"#));
}

#[test]
fn an_empty_answer_ends_with_the_error() {
    let daemon = wanting_an_app(CODE);
    for keys in ["\n", "\u{4}"] {
        let (mut person, mut child) = run(&daemon, "login", 80);
        person.expect("Application (client) id: ");
        person.type_in(keys);
        assert_eq!(child.wait().unwrap().code(), Some(5));
        assert_eq!(person.seen.matches("No app registration").count(), 1, "{}", person.seen);
    }
}

#[test]
fn the_countdown_runs_on_one_line_and_leaves_it_clean() {
    let daemon = wanting_an_app(CODE);
    let (mut person, mut child) = run(&daemon, &format!("login --client-id {CLIENT_ID} --copy"), 50);
    person.expect("15:00 left");
    // A busy machine may miss a second of them.
    person.expect("14:5");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    person.expect("\r\u{1b}[K\u{1b}[1;31mError:\u{1b}[0m The sign-in was cancelled.\r\n");
    assert_eq!(child.wait().unwrap().code(), Some(8));
    assert!(person.seen.contains("\u{1b}]52;c;Qkw2WEI1NzVW\u{7}"), "{:?}", person.seen);
    assert!(!person.seen.contains("\u{1b}[2J"), "relayed text moves the cursor: {:?}", person.seen);
}

/// On Linux alone a test can keep the browser away.
#[cfg(target_os = "linux")]
#[test]
fn claudes_helper_shows_the_code_on_a_terminal_and_cancels_with_its_end() {
    let signed_out = r#"{"code":"sign_in_needed","message":"Nobody is signed in."}"#;
    let daemon = FakeDaemon::new(move |asked, stream| match asked.line.as_str() {
        "POST /v1/token" => support::reply(stream, 401, signed_out),
        _ => {
            support::sign_ins::tell(asked, stream, &[CODE]);
            if asked.line.starts_with("GET") {
                support::until_closed(stream);
            }
        }
    });
    let mut command = daemon.entra("helper entra-claude-helper");
    command.env("CLAUDE_HELPER_CONTEXT", "interactive").env("BROWSER", "/bin/true");
    let (mut person, mut child) = start(&mut command, 80);
    person.expect("enter the code BL6XB575V");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(8));
    assert_eq!(daemon.asked().line, "POST /v1/token");
    support::sign_ins::assert_cancelled(&daemon);
}

#[test]
fn a_program_has_the_terminal_that_entra_had() {
    let daemon = granting();
    let (mut person, mut child) = run(&daemon, "run --for foundry -- /bin/sh", 50);
    person.type_in("test -t 0 && test -t 1 && test -t 2 && stty size; exit 7\n");
    person.expect("24 50\r\n");
    assert_eq!(child.wait().unwrap().code(), Some(7));
    assert!(!person.seen.contains("Hint") && !person.seen.contains("entra_lease_"), "{:?}", person.seen);
}

#[test]
fn a_person_who_prints_the_variables_is_told_what_they_are_for() {
    let daemon = granting();
    let (mut person, mut child) = run(&daemon, "env --for foundry --shell fish --name desk", 200);
    person.expect(&format!("set -gx IDENTITY_HEADER '{SECRET}';"));
    person.expect("`entra env --for foundry | source`");
    person.expect("`entra lease revoke desk`");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_person_is_told_once_what_a_token_waits_for() {
    let daemon = FakeDaemon::new(|asked, stream| {
        if asked.body.contains("wait") {
            let token = r#"{"access_token":"eyJ0.e30.sig","token_type":"Bearer","expires_on":1795231440,"scopes":["s"],"account":"u.t","tenant":"t","source":"cache","refresh_due_on":1795231000}"#;
            support::reply(stream, 200, token);
        } else {
            support::reply(stream, 401, r#"{"code":"sign_in_needed","message":"The password was changed."}"#);
        }
    });
    let (mut person, mut child) = run(&daemon, "token --for graph --wait 60", 200);
    person
        .expect("The password was changed.\r\nWaiting up to 60 s until somebody signs in: run `entra login`");
    person.expect("eyJ0.e30.sig");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(person.seen.matches("Waiting").count(), 1, "{}", person.seen);
    assert_eq!(daemon.asked().body, r#"{"resource":"graph"}"#);
    assert_eq!(daemon.asked().body, r#"{"resource":"graph","wait":60}"#);
}

#[test]
fn a_line_for_a_shell_prompt_has_colour_on_a_terminal_alone() {
    let daemon = FakeDaemon::saying(200, support::prompts::PROMPTS);
    // A busy machine may have no answer in time, and the next try has.
    let end = std::time::Instant::now() + support::PATIENCE;
    loop {
        let (mut person, mut child) = run(&daemon, "status --short", 80);
        match child.wait().unwrap().code() {
            Some(6) if std::time::Instant::now() < end => {}
            status => {
                person.expect("\u{1b}[1;31mentra: sign in (ada@example.com)\u{1b}[0m\r\n");
                assert_eq!(status, Some(3));
                return;
            }
        }
    }
}

/// Two questions: one that takes every answer, and one that takes two.
const QUESTIONS: &str = r#"{"questions":[
{"id":"0123abcd","state":"asked","who":"/usr/bin/git (process 42)","wanted":"Azure DevOps","matter":{"program":"/usr/bin/git","resources":[]},"rule":"`ask` (/u.toml:1, line 1)","asked_on":100,"until":220,"waiting":1,"answers":["once","session","always","deny","never"]},
{"id":"beef0001","state":"unheard","who":"/opt/b\u001b[2Jot (process 43)","wanted":"Microsoft Graph","matter":{"program":"/opt/bot","resources":[]},"rule":"`ask` (/u.toml:1, line 1)","asked_on":100,"until":220,"waiting":0,"answers":["once","deny"]}
],"decisions":[]}"#;

/// What is asked of the person, and what a daemon says of their answer.
fn asking(status: u16, body: &'static str) -> FakeDaemon {
    FakeDaemon::new(move |asked, stream| {
        if asked.line.starts_with("GET") {
            support::reply(stream, 200, QUESTIONS);
        } else {
            support::reply(stream, status, body);
        }
    })
}

#[test]
fn a_person_is_asked_each_question_and_a_letter_answers() {
    let daemon = asking(200, r#"{"questions":[],"decisions":[]}"#);
    let (mut person, mut child) = run(&daemon, "consent", 200);
    person.expect("/usr/bin/git (process 42) wants Azure DevOps");
    person.expect("by the rule `ask` (/u.toml:1, line 1)");
    person.expect("[o]nce, [s]ession, [a]lways, [d]eny, [n]ever, or Enter to leave it: ");
    person.type_in("s\n");
    person.expect("It is allowed for this session.");
    person.expect("[o]nce, [d]eny, or Enter to leave it: ");
    assert!(!person.seen.contains("\u{1b}[2J"), "{:?}", person.seen);
    // What is not offered is no answer.
    person.type_in("a\n");
    person.expect("It was left as it is.");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let heard = daemon.heard();
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert!(heard[1].line.starts_with("POST /v1/consents/0123abcd"), "{heard:?}");
    assert_eq!(heard[1].body, r#"{"answer":"session"}"#);
}

#[test]
fn who_says_nothing_answers_nothing_and_a_refusal_keeps_no_other_question_back() {
    let daemon =
        asking(403, r#"{"code":"refused","message":"A person's word is not taken from this program."}"#);
    let (mut person, mut child) = run(&daemon, "consent", 200);
    person.expect("[n]ever, or Enter to leave it: ");
    person.type_in("o\n");
    person.expect("A person's word is not taken from this program.");
    person.expect("[o]nce, [d]eny, or Enter to leave it: ");
    // Ctrl-D.
    person.type_in("\u{4}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!person.seen.contains("It is allowed"), "{}", person.seen);
    assert_eq!(daemon.heard().len(), 2);
}

#[test]
fn a_person_is_told_that_a_token_waits_for_their_word() {
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let daemon = FakeDaemon::new(move |asked, stream| {
        if asked.line.starts_with("GET /v1/consents") {
            return support::reply(stream, 200, QUESTIONS);
        }
        let _said = wait.lock().unwrap().recv_timeout(2 * support::PATIENCE);
        let error = r#"{"code":"refused","message":"The rule wants a person's word, and they said no."}"#;
        support::reply(stream, 403, error);
    });
    let (mut person, mut child) = run(&daemon, "token --for devops", 200);
    person.expect("Waiting for your word: /usr/bin/git (process 42) wants Azure DevOps");
    person.expect("Run `entra consent` in another terminal.");
    go_on.send(()).unwrap();
    person.expect("they said no");
    assert_eq!(child.wait().unwrap().code(), Some(4));
}

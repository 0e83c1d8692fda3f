//! `entra log`: the table, JSON lines, and whether the log is whole.

mod support;

use rstest::rstest;
use support::{FakeDaemon, err, out, reply};

const ACCOUNTS: &str = r#"{"accounts":[{"id":"ada.t","username":"ada@contoso.com","profile":"default","cloud":"public","tenant":"contoso.com","client_id":"c","provenance":{"flow":"device_code","signed_in_on":1795231440},"health":{"state":"good"}}]}"#;

const ENTRIES: [&str; 3] = [
    r#"{"sequence":1,"time":1795231440123,"event":"started","detail":"entrad 0.1.0","previous":"0","hash":"1"}"#,
    r#"{"sequence":2,"time":1795231441000,"event":"issued","caller":{"program":"/usr/bin/entra","behind":"/usr/bin/git\u001b[2J","pid":7,"user":"1000"},"profile":"default","account":"ada.t","tenant":"contoso.com","resource":"foundry","scopes":["https://ai.azure.com/.default"],"source":"cache","uti":"u","previous":"1","hash":"2"}"#,
    r#"{"sequence":3,"time":1795231442000,"event":"refused","lease":"claude","scopes":["s"],"error":"sign_in_needed","aadsts":50076,"previous":"2","hash":"3"}"#,
];

fn daemon() -> FakeDaemon {
    FakeDaemon::new(|asked, stream| match asked.line.as_str() {
        "GET /v1/accounts" => reply(stream, 200, ACCOUNTS),
        _ => reply(stream, 200, &(ENTRIES.join("\n") + "\n")),
    })
}

#[test]
fn entries_are_a_table() {
    let output = daemon().run("log");
    assert_eq!(
        out(&output),
        "TIME                  EVENT           PROGRAM         ACCOUNT                 RESOURCE                      HOW\n\
         2026-11-21T03:24:00Z  started         -               -                       -                             entrad 0.1.0\n\
         2026-11-21T03:24:01Z  issued          git             ada@contoso.com         foundry                       from memory\n\
         2026-11-21T03:24:02Z  refused         lease claude    -                       s                             sign in needed, AADSTS50076\n"
    );
    assert_eq!((err(&output), output.status.code()), ("", Some(0)));
}

#[test]
fn entries_as_json_are_the_daemons_lines() {
    assert_eq!(out(&daemon().run("log --json")), ENTRIES.join("\n") + "\n");
    let output = FakeDaemon::saying(200, "").run("log");
    assert_eq!(out(&output), "There is no such entry.\n");
}

#[rstest]
#[case("--since 1970-01-02 --json", "GET /v1/log?since=86400000")]
#[case("--program git --account a@b.c --json", "GET /v1/log?program=git&account=a%40b.c")]
#[case("--verify --json", "GET /v1/log/verification")]
fn what_is_wanted_is_asked_for(#[case] words: &str, #[case] line: &str) {
    let daemon = FakeDaemon::saying(200, r#"{"entries":0}"#);
    let _output = daemon.run(&format!("log {words}"));
    assert_eq!(daemon.asked().line, line);
}

#[rstest]
#[case(r#"{"entries":12,"range":[5,16]}"#, "Good: The log has 12 entries, 5 to 16, and is whole.\n", 0)]
#[case(r#"{"entries":0}"#, "Good: The log has no entry, and is whole.\n", 0)]
#[case(
    r#"{"entries":2,"range":[1,2],"faults":[{"file":"audit.jsonl","line":2,"what":"The line was changed."},{"file":"audit.jsonl","what":"More."}]}"#,
    "Bad: The log has 2 entries, 1 to 2, and 2 faults.\n  audit.jsonl:2: The line was changed.\n  audit.jsonl: More.\n",
    1
)]
fn whether_it_is_whole_is_said_in_words_and_by_the_status(
    #[case] answer: &'static str,
    #[case] text: &str,
    #[case] status: i32,
) {
    let output = FakeDaemon::saying(200, answer).run("log --verify");
    assert_eq!((out(&output), output.status.code()), (text, Some(status)));
    assert_eq!(FakeDaemon::saying(200, answer).run("log --verify --json").status.code(), Some(status));
}

//! Daemons that ask something of a person.

use std::io::Write;

use super::{Asked, Connection, begin_events, reply, until_closed};

/// Answers for prompts: the answer, and the events before a wait for the client's end.
pub(crate) fn prompt(asked: &Asked, stream: &mut Connection, answer: &str, events: &[&str]) {
    match asked.line.as_str() {
        "GET /v1/prompts" | "POST /v1/prompts/snooze" => reply(stream, 200, answer),
        "GET /v1/prompts/events?consents=true" => {
            tell(stream, events);
            until_closed(stream);
        }
        other => panic!("{other}"),
    }
}

/// Begins the stream with these events.
pub(crate) fn tell(stream: &mut Connection, events: &[&str]) {
    begin_events(stream);
    for event in events {
        // The client may have been ended by the test.
        let _ = stream.write_all(format!("{event}\n").as_bytes());
    }
}

/// What stands: one account in need, another that will be.
pub(crate) const PROMPTS: &str = r#"{"prompts":[{"account":"ada.t","username":"ada@example.com","profile":"default","need":"now","reason":"The password was changed.","program":"/usr/bin/git (process 42)","wanted":"Azure DevOps","refused":7,"waiting":2,"since":1795220000,"held_back":{"by":"no_desktop"}},{"account":"grace.t","username":"grace@example.com","profile":"work","need":"expected","reason":"So.","refused":0,"waiting":0,"since":1795220000}]}"#;

/// One of them as an event.
pub(crate) const RAISED: &str = r#"{"event":"raised","prompt":{"account":"ada.t","username":"ada@example.com","profile":"default","need":"now","reason":"The password was changed.","program":"/usr/bin/git (process 42)","wanted":"Azure DevOps","refused":7,"waiting":2,"since":1795220000}}"#;

/// The same, settled.
pub(crate) const SETTLED: &str = r#"{"event":"settled","account":"ada.t","profile":"default"}"#;

/// Nothing yet.
pub(crate) const WAITING: &str = r#"{"event":"waiting"}"#;

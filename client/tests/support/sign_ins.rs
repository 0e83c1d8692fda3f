//! Daemons with a sign-in to tell of, and what they tell.

use std::io::Write;

use super::{Asked, Connection, FakeDaemon, begin_events, reply, until_closed};

/// A daemon whose sign-ins show the code and then wait for as long as somebody listens.
pub(crate) fn waiting() -> FakeDaemon {
    FakeDaemon::new(|asked, stream| {
        tell(asked, stream, &[CODE]);
        if asked.line.starts_with("GET") {
            until_closed(stream);
        }
    })
}

/// A daemon that wants a client id, then shows this code and waits.
pub(crate) fn wanting_an_app(code: &'static str) -> FakeDaemon {
    FakeDaemon::new(move |asked, stream| match asked.line.split(' ').next() {
        Some("POST") if asked.body.contains(CLIENT_ID) => reply(stream, 201, r#"{"id":"s-1"}"#),
        Some("POST") => reply(stream, 400, NEEDED),
        Some("GET") => {
            begin_events(stream);
            stream.write_all(format!("{code}\n").as_bytes()).unwrap();
            until_closed(stream);
        }
        _ => reply(stream, 200, "{}"),
    })
}

/// Tells these lines in the one sign-in there is.
pub(crate) fn tell(asked: &Asked, stream: &mut Connection, lines: &[&str]) {
    match asked.line.as_str() {
        "POST /v1/sign-ins" => reply(stream, 201, r#"{"id":"s-1"}"#),
        "GET /v1/sign-ins/s-1/events" => {
            begin_events(stream);
            for line in lines {
                stream.write_all(format!("{line}\n").as_bytes()).unwrap();
            }
        }
        "DELETE /v1/sign-ins/s-1" => reply(stream, 200, "{}"),
        other => panic!("{other}"),
    }
}

/// The sign-in was begun, then followed, then cancelled.
pub(crate) fn assert_cancelled(daemon: &FakeDaemon) {
    assert_eq!(daemon.asked().line, "POST /v1/sign-ins");
    assert_eq!(daemon.asked().line, "GET /v1/sign-ins/s-1/events");
    assert_eq!(daemon.asked().line, "DELETE /v1/sign-ins/s-1");
}

/// The code, as an event.
pub(crate) const CODE: &str = r#"{"event":"code","user_code":"BL6XB575V","verification_uri":"https://microsoft.com/devicelogin","is_trusted_uri":true,"expires_on":1795231440,"expires_in":900,"message":"Go.","flow":"device_code","profile":"default","cloud":"public","tenant":"contoso.com","client_id":"04b07795-8ddb-461a-bbee-02f9e1bf7b46","app_name":"Microsoft Azure CLI","program":"entra (process 7)","scopes":["https://management.azure.com/.default"],"correlation_id":"c-1"}"#;

/// The good end, as an event.
pub(crate) const SIGNED_IN: &str = r#"{"event":"signed_in","account":{"id":"u.t","username":"ada@contoso.com","profile":"default","cloud":"public","tenant":"contoso.com","client_id":"c","provenance":{"flow":"device_code","signed_in_on":1795231440},"health":{"state":"good"}}}"#;

/// An app registration that [`wanting_an_app`] takes.
pub(crate) const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";

const NEEDED: &str = r#"{"code":"client_id_needed","message":"No app registration is configured.","hint":"Give --client-id."}"#;

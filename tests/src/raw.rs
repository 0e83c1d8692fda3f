//! Bytes over the socket, without the client's manners: for hostile and foreign callers.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

#[cfg_attr(unix, path = "connection_unix.rs")]
#[cfg_attr(windows, path = "connection_windows.rs")]
mod connection;

pub use connection::{Connection, Listener};

/// An answer as it came.
#[derive(Debug)]
pub struct RawAnswer {
    /// The HTTP status; 0 when the daemon closed without an answer.
    pub status: u16,
    /// The head, lower case.
    pub head: String,
    /// The body as JSON, or null.
    pub body: Value,
}

/// Above each of the daemon's own limits.
const READ_LIMIT: Duration = Duration::from_secs(30);

/// Connects.
///
/// # Panics
/// When nobody listens.
#[must_use]
pub fn connect(socket: &Path) -> Connection {
    connection::open(socket).expect("a daemon listens")
}

/// Sends these bytes and reads what comes until the daemon closes.
#[must_use]
pub fn exchange(socket: &Path, request: &[u8]) -> RawAnswer {
    let mut stream = connect(socket);
    // A daemon that refuses early may close before it has read everything.
    let _refused = stream.write_all(request);
    read_answer(&mut stream)
}

/// Reads an answer to the end of the connection.
pub fn read_answer(stream: &mut Connection) -> RawAnswer {
    let mut bytes = Vec::new();
    let _closed = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    RawAnswer {
        status,
        head: head.to_ascii_lowercase(),
        body: serde_json::from_str(body).unwrap_or_default(),
    }
}

/// `GET` with nothing special.
#[must_use]
pub fn get(socket: &Path, path: &str) -> RawAnswer {
    exchange(socket, &request("GET", path, &[], ""))
}

/// `POST` of this JSON.
#[must_use]
pub fn post(socket: &Path, path: &str, body: &Value) -> RawAnswer {
    exchange(socket, &request("POST", path, &[], &body.to_string()))
}

/// A request of HTTP/1.0 with a JSON body, as our client writes it.
#[must_use]
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.0\r\nHost: entrad\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

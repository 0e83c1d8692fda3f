//! Leases, and requests over loopback as tools write them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::raw;

/// A lease that was made over the socket.
#[derive(Debug)]
pub struct Lease {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The port of its endpoints.
    pub port: u16,
    /// The whole answer.
    pub grant: Value,
}

impl Lease {
    /// Makes one.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn make(socket: &Path, name: &str, resources: &[&str]) -> Self {
        Self::of(socket, &json!({ "name": name, "resources": resources }))
    }

    /// Makes one by this request.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn of(socket: &Path, request: &Value) -> Self {
        let answer = raw::post(socket, "/v1/leases", request);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let grant = answer.body;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let port = text(&grant["identity_endpoint"]);
        let port = port.split([':', '/']).filter_map(|part| part.parse().ok()).next_back();
        let (id, secret) = (text(&grant["lease"]["id"]), text(&grant["secret"]));
        Self { id, secret, port: port.expect("an endpoint has a port"), grant }
    }

    /// Asks for a token as App Service's clients do, and for ten seconds anew where Entra needs longer than a tool waits: on a
    /// machine that does much else, a test's Entra is slow too.
    #[must_use]
    pub fn identity(&self, resource: &str) -> Answer {
        let begun = Instant::now();
        loop {
            let answer = self.identity_once(resource);
            if !answer.text.contains("Entra has not answered yet")
                || begun.elapsed() > Duration::from_secs(10)
            {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Asks once, whatever the answer is.
    #[must_use]
    pub fn identity_once(&self, resource: &str) -> Answer {
        let query = format!("/msi/token?api-version=2019-08-01&resource={resource}");
        get(self.port, &query, &[("X-IDENTITY-HEADER", &self.secret)])
    }

    /// Asks for a token as the Azure Developer CLI does.
    #[must_use]
    pub fn azd(&self, body: &Value) -> Answer {
        let (bearer, body) = (format!("Bearer {}", self.secret), body.to_string());
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        ask(self.port, "POST", "/azd/token?api-version=2023-07-12-preview", &headers, &body)
    }
}

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status; 0 when the connection was closed without an answer.
    pub status: u16,
    /// The head as it was written.
    pub head: String,
    /// The body as it was written.
    pub text: String,
    /// The body as JSON, or null.
    pub body: Value,
}

impl Answer {
    /// The header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// `GET` with the usual Host.
#[must_use]
pub fn get(port: u16, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(port, "GET", path, headers, "")
}

/// A request with the usual Host.
#[must_use]
pub fn ask(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    exchange(port, &format!("{text}\r\n{body}"))
}

/// Sends these bytes and reads what comes until the daemon closes.
///
/// # Panics
/// When nobody listens on the port.
#[must_use]
pub fn exchange(port: u16, request: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the daemon listens");
    stream.set_read_timeout(Some(READ_LIMIT)).expect("a limit");
    // A daemon that refuses early may close before it has read everything.
    let _refused = stream.write_all(request.as_bytes());
    let mut bytes = Vec::new();
    let _closed = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer {
        status,
        head: head.to_owned(),
        text: body.to_owned(),
        body: serde_json::from_str(body).unwrap_or_default(),
    }
}

/// Above each of the daemon's own limits.
const READ_LIMIT: Duration = Duration::from_secs(30);

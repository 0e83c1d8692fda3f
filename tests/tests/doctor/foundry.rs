//! A stand-in for a Foundry resource: one answer an audience.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

/// Its threads end with the test's process.
pub(crate) struct Foundry {
    port: u16,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Foundry {
    /// Answers tokens for Cognitive Services and for `ai.azure.com` with these statuses.
    pub(crate) fn answering(cognitive: u16, ai: u16) -> Self {
        Self::saying(cognitive, ai, None)
    }

    /// The same with this body, whatever the status.
    pub(crate) fn saying(cognitive: u16, ai: u16, body: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::<Mutex<Vec<Value>>>::default();
        let told = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let told = Arc::clone(&told);
                thread::spawn(move || while serve(&stream, [cognitive, ai], body, &told).is_some() {});
            }
        });
        Self { port, heard }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The bodies of all requests for messages.
    pub(crate) fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }
}

fn serve(
    stream: &TcpStream,
    [cognitive, ai]: [u16; 2],
    body_said: Option<&str>,
    heard: &Mutex<Vec<Value>>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length, mut audience) = (String::new(), 0, None);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if lower.starts_with("authorization: bearer ") {
            audience = audience_of(line[22..].trim());
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let is_for_messages = head.starts_with("POST ") && head.contains("/anthropic/v1/messages ");
    let status = match audience {
        _ if !is_for_messages => 404,
        None => 401,
        Some(audience) if audience.contains("cognitiveservices") => cognitive,
        Some(_) => ai,
    };
    if is_for_messages {
        heard.lock().unwrap().push(serde_json::from_slice(&body).unwrap_or_default());
    }
    let usual =
        format!("{{\"error\":{{\"code\":\"{status}\",\"message\":\"The stand-in says {status}.\"}}}}");
    let said = body_said.unwrap_or(&usual);
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{said}",
        said.len()
    );
    (&*stream).write_all(answer.as_bytes()).ok()
}

fn audience_of(token: &str) -> Option<String> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims["aud"].as_str().map(str::to_owned)
}

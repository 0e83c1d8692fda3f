//! A scripted server on loopback: says its turns in order, one to a connection, and keeps what it heard.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entra_proto::cloud::Cloud;
use entrad::entra::authority::{Authority, Owner};
use entrad::entra::target::Target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server does with one request.
pub(crate) enum Turn {
    /// Says these bytes and closes.
    Raw(Vec<u8>),
    /// Closes without a word.
    Reset,
}

/// One request as it was heard.
pub(crate) struct Heard {
    pub(crate) head: String,
    pub(crate) form: BTreeMap<String, String>,
}

impl Heard {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

pub(crate) struct Fake {
    pub(crate) origin: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    task: JoinHandle<()>,
}

impl Fake {
    pub(crate) async fn start(turns: Vec<Turn>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::default();
        let task = tokio::spawn(serve(listener, turns, Arc::clone(&heard)));
        Self { origin, heard, task }
    }

    pub(crate) fn target(&self) -> Target {
        self.target_of("organizations")
    }

    pub(crate) fn target_of(&self, tenant: &str) -> Target {
        let authority = Authority::custom(Cloud::Public, &self.origin, tenant, Owner::User).unwrap();
        Target::new(authority, CLIENT_ID.parse().unwrap())
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, turns: Vec<Turn>, heard: Arc<Mutex<Vec<Heard>>>) {
    for turn in turns {
        let (mut connection, _) = listener.accept().await.unwrap();
        let request = tokio::time::timeout(Duration::from_secs(10), read(&mut connection)).await.unwrap();
        heard.lock().unwrap().push(request);
        if let Turn::Raw(bytes) = turn {
            // The client hangs up on an answer that is too long.
            let _ = connection.write_all(&bytes).await;
        }
    }
}

async fn read(connection: &mut TcpStream) -> Heard {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let heard = Heard { head, form: BTreeMap::new() };
            let length: usize = heard.header("content-length").unwrap().parse().unwrap();
            if bytes.len() >= end + 4 + length {
                let form = url::form_urlencoded::parse(&bytes[end + 4..]).into_owned().collect();
                return Heard { form, ..heard };
            }
        }
        let mut chunk = [0; 4096];
        let length = connection.read(&mut chunk).await.unwrap();
        assert!(length > 0, "the client hung up in its request");
        bytes.extend_from_slice(&chunk[..length]);
    }
}

pub(crate) fn json(status: u16, body: &str) -> Turn {
    reply(status, "content-type: application/json; charset=utf-8\r\n", body)
}

pub(crate) fn reply(status: u16, headers: &str, body: &str) -> Turn {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} Status\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n");
    Turn::Raw([head.as_bytes(), body.as_bytes()].concat())
}

pub(crate) const CLIENT_ID: &str = "00000000-0000-0000-0000-00000000c11e";

//! A caller's connection, and what it reads.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// A connection over which one request follows the other.
pub(crate) struct Connection<S = UnixStream> {
    stream: S,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(socket: &Path) -> Self {
        Self::try_open(socket).unwrap()
    }

    /// The same, and what keeps it from being opened.
    pub(crate) fn try_open(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(Self { stream, buffer: vec![0; 64 * 1024] })
    }
}

impl Connection<TcpStream> {
    pub(crate) fn to_port(port: u16) -> Self {
        Self::try_to_port(port).unwrap()
    }

    /// The same, and what keeps it from being opened.
    pub(crate) fn try_to_port(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 64 * 1024] })
    }
}

impl<S: Read + Write> Connection<S> {
    /// How long one request takes.
    pub(crate) fn time(&mut self, request: &[u8]) -> Duration {
        let start = Instant::now();
        self.ask(request);
        start.elapsed()
    }

    /// Sends the request and reads the whole answer.
    pub(crate) fn ask(&mut self, request: &[u8]) -> &[u8] {
        let answer = self.try_ask(request).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(answer));
        answer
    }

    /// The same, whatever the answer is, or why there is none.
    pub(crate) fn try_ask(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        self.stream.write_all(request)?;
        let mut held = 0;
        loop {
            if held == self.buffer.len() {
                self.buffer.resize(2 * held, 0);
            }
            let count = self.stream.read(&mut self.buffer[held..])?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            held += count;
            if is_whole(&self.buffer[..held]) {
                return Ok(&self.buffer[..held]);
            }
        }
    }
}

/// A request for a token, with this body.
pub(crate) fn token_request(body: &str) -> Vec<u8> {
    format!(
        "POST /v1/token HTTP/1.1\r\nHost: entrad\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Whether the answer has come as far as its head announces.
pub(crate) fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = head_end(answer) else { return false };
    let head = std::str::from_utf8(&answer[..end]).unwrap().to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap();
    answer.len() - end >= length.parse().unwrap()
}

/// Where the body begins.
pub(crate) fn head_end(answer: &[u8]) -> Option<usize> {
    answer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// The body of a whole answer.
pub(crate) fn body(answer: &[u8]) -> &[u8] {
    &answer[head_end(answer).unwrap()..]
}

/// Far above any answer from memory.
const LIMIT: Duration = Duration::from_secs(10);

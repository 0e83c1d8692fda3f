//! A bounded HTTP/1 exchange: write one request, read one answer.
//!
//! Requests say `HTTP/1.0`, so the daemon answers unchunked and closes the connection after the answer
//! (RFC 9112 §9.3); the reader needs no chunked decoder and a stream simply ends. Each part of an answer has
//! a limit, and a peer that exceeds one is cut off.

use std::io::{self, Read, Write};
use std::str::FromStr;

use crate::limits::{MAX_ANSWER_BODY, MAX_EVENT_LINE, MAX_HEAD};
use crate::secret::WipedBytes;
use crate::version;

/// Why an exchange failed. The daemon's own refusals are not here: they are answers.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// Reading or writing failed, or timed out.
    #[error("The connection to entrad failed.")]
    Io(#[from] io::Error),
    /// The peer closed before the answer was whole.
    #[error("entrad closed the connection before its answer was complete.")]
    Truncated,
    /// A part of the answer is longer than its limit.
    #[error("The answer's {0} is longer than the protocol allows.")]
    TooLong(&'static str),
    /// The peer does not speak our protocol.
    #[error("The answer is not entrad's: {0}.")]
    Malformed(&'static str),
}

/// Writes one request in a single write, with one more header where there is one.
///
/// # Errors
/// Any error of the stream.
pub fn write_request(
    stream: &mut impl Write,
    method: &str,
    path: &str,
    header: Option<(&str, &str)>,
    body: Option<&[u8]>,
) -> io::Result<()> {
    let body_bytes = body.unwrap_or_default();
    let mut request = WipedBytes::new(Vec::with_capacity(256 + path.len() + body_bytes.len()));
    write!(
        request,
        "{method} {path} HTTP/1.0\r\nHost: entrad\r\n{}: {}\r\n",
        version::HEADER,
        version::VERSION
    )?;
    if let Some((name, value)) = header {
        write!(request, "{name}: {value}\r\n")?;
    }
    if body.is_some() {
        write!(request, "Content-Type: application/json\r\nContent-Length: {}\r\n", body_bytes.len())?;
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body_bytes);
    stream.write_all(&request)?;
    stream.flush()
}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// The daemon's version, where the answer carries one.
    pub version: Option<String>,
    /// The announced length of the body.
    length: Option<usize>,
}

/// An answer being read: first the head, then the body whole or line by line.
///
/// What was read is wiped on drop, since it may hold a token.
pub struct Answer<R> {
    stream: R,
    buffer: WipedBytes,
    /// How much of `buffer` holds bytes.
    filled: usize,
    /// How much of that has been taken.
    taken: usize,
}

/// One read takes a usual answer whole: head about 200 bytes, an access token 1.5 to 4 KiB. The buffer
/// starts at this size so that a usual answer is never moved, which would leave an unwiped copy behind.
const BUFFER: usize = 8 * 1024;

impl<R: Read> Answer<R> {
    /// Begins to read an answer from `stream`.
    pub fn new(stream: R) -> Self {
        Self { stream, buffer: WipedBytes::new(vec![0; BUFFER]), filled: 0, taken: 0 }
    }

    /// Reads the head.
    ///
    /// # Errors
    /// [`ExchangeError`], also when the head is longer than [`MAX_HEAD`].
    pub fn head(&mut self) -> Result<Head, ExchangeError> {
        // Where its end cannot begin: what comes in small pieces is not searched anew with each.
        let mut searched = 0;
        let end = loop {
            if let Some(end) = find(&self.buffer[searched..self.filled], b"\r\n\r\n") {
                break searched + end;
            }
            searched = self.filled.saturating_sub(3);
            if self.filled >= MAX_HEAD {
                return Err(ExchangeError::TooLong("head"));
            }
            if self.fill()? == 0 {
                return Err(ExchangeError::Truncated);
            }
        };
        self.taken = end + 4;
        parse_head(&self.buffer[..end])
    }

    /// Reads the whole body: the announced length, or to the end of the stream.
    ///
    /// # Errors
    /// [`ExchangeError`], also when the body is longer than [`MAX_ANSWER_BODY`].
    pub fn body(&mut self, head: &Head) -> Result<&[u8], ExchangeError> {
        let is_whole = |held: usize| head.length.is_some_and(|length| held >= length);
        while !is_whole(self.filled - self.taken) {
            if self.filled - self.taken > MAX_ANSWER_BODY
                || head.length.is_some_and(|length| length > MAX_ANSWER_BODY)
            {
                return Err(ExchangeError::TooLong("body"));
            }
            if self.fill()? == 0 {
                if head.length.is_some() {
                    return Err(ExchangeError::Truncated);
                }
                break;
            }
        }
        let end = head.length.map_or(self.filled, |length| self.taken + length);
        Ok(&self.buffer[self.taken..end])
    }

    /// Reads the next line of a stream, without its end; `None` when the stream is over.
    ///
    /// # Errors
    /// [`ExchangeError`], also when the line is longer than [`MAX_EVENT_LINE`].
    pub fn line(&mut self) -> Result<Option<&[u8]>, ExchangeError> {
        // How much of it has come without its end.
        let mut searched = 0;
        loop {
            let held = &self.buffer[self.taken..self.filled];
            let end = held[searched..].iter().position(|&byte| byte == b'\n').map(|end| searched + end);
            // Whether its end has come yet or not: how the bytes arrive must not decide.
            if end.unwrap_or(held.len()) > MAX_EVENT_LINE {
                return Err(ExchangeError::TooLong("line"));
            }
            if let Some(end) = end {
                let start = self.taken;
                self.taken += end + 1;
                return Ok(Some(&self.buffer[start..start + end]));
            }
            searched = held.len();
            self.drop_taken();
            if self.fill()? == 0 {
                return if self.filled == 0 { Ok(None) } else { Err(ExchangeError::Truncated) };
            }
        }
    }

    fn fill(&mut self) -> Result<usize, ExchangeError> {
        if self.filled == self.buffer.len() {
            let mut larger = WipedBytes::new(vec![0; self.buffer.len() * 2]);
            larger[..self.filled].copy_from_slice(&self.buffer[..self.filled]);
            self.buffer = larger;
        }
        loop {
            match self.stream.read(&mut self.buffer[self.filled..]) {
                Ok(count) => {
                    self.filled += count;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn drop_taken(&mut self) {
        self.buffer.copy_within(self.taken..self.filled, 0);
        self.filled -= self.taken;
        self.taken = 0;
    }
}

fn parse_head(head: &[u8]) -> Result<Head, ExchangeError> {
    let text = std::str::from_utf8(head).map_err(|_| ExchangeError::Malformed("its head is not text"))?;
    let mut lines = text.split("\r\n");
    let start = lines.next().unwrap_or_default();
    let status = start
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1))
        .and_then(digits)
        .filter(|status| (100..600).contains(status))
        .ok_or(ExchangeError::Malformed("it does not begin as HTTP/1 does"))?;
    let mut parsed = Head { status, version: None, length: None };
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(ExchangeError::Malformed("a header has no colon"))?;
        let value = value.trim_matches([' ', '\t']);
        if name.eq_ignore_ascii_case("content-length") {
            let length = digits(value).ok_or(ExchangeError::Malformed("its length is no number"))?;
            if parsed.length.is_some_and(|other| other != length) {
                return Err(ExchangeError::Malformed("it announces two lengths"));
            }
            parsed.length = Some(length);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(ExchangeError::Malformed("it is chunked, which HTTP/1.0 does not allow"));
        } else if name.eq_ignore_ascii_case(version::HEADER) {
            parsed.version = Some(value.chars().filter(|c| c.is_ascii_graphic()).take(64).collect());
        }
    }
    Ok(parsed)
}

/// A number of digits alone, as RFC 9110 §8.6 and RFC 9112 §4 write theirs: no sign, which Rust would take.
fn digits<T: FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn read_whole(bytes: &[u8]) -> Result<(Head, Vec<u8>), ExchangeError> {
        let mut answer = Answer::new(bytes);
        let head = answer.head()?;
        let body = answer.body(&head)?.to_vec();
        Ok((head, body))
    }

    #[test]
    fn a_request_is_one_head_and_its_body() {
        let mut written = Vec::new();
        write_request(&mut written, "POST", "/v1/token", None, Some(b"{}")).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert!(text.starts_with("POST /v1/token HTTP/1.0\r\nHost: entrad\r\nentrad-version: "));
        assert!(text.ends_with("Content-Length: 2\r\n\r\n{}"));
    }

    #[test]
    fn a_body_is_read_by_length_or_to_the_end() {
        let (head, body) =
            read_whole(b"HTTP/1.0 200 OK\r\nEntrad-Version: 9.1\r\ncontent-length: 2\r\n\r\n{}x").unwrap();
        assert_eq!((head.status, head.version.as_deref(), &body[..]), (200, Some("9.1"), &b"{}"[..]));
        let (head, body) = read_whole(b"HTTP/1.1 503 \r\n\r\nall of it").unwrap();
        assert_eq!((head.status, &body[..]), (503, &b"all of it"[..]));
    }

    #[test]
    fn a_body_larger_than_the_first_buffer_arrives_whole() {
        let mut bytes = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", BUFFER * 5).into_bytes();
        bytes.extend(std::iter::repeat_n(b'x', BUFFER * 5));
        assert_eq!(read_whole(&bytes).unwrap().1.len(), BUFFER * 5);
    }

    #[rstest]
    #[case(b"", "closed the connection")]
    #[case(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nabc", "closed the connection")]
    #[case(b"SSH-2.0-x\r\n\r\n", "does not begin as HTTP/1")]
    #[case(b"HTTP/1.0 999 Odd\r\n\r\n", "does not begin as HTTP/1")]
    #[case(b"HTTP/1.0 200 OK\r\nno colon\r\n\r\n", "no colon")]
    #[case(b"HTTP/1.0 +200 OK\r\n\r\n", "does not begin as HTTP/1")]
    #[case(b"HTTP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", "no number")]
    #[case(b"HTTP/1.0 200 OK\r\nContent-Length: +5\r\n\r\n12345", "no number")]
    #[case(b"HTTP/1.0 200 OK\r\nContent-Length: \r\n\r\n", "no number")]
    #[case(b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "two lengths")]
    #[case(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "chunked")]
    #[case(b"HTTP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n", "body is longer")]
    fn a_bad_answer_is_refused_with_its_reason(#[case] bytes: &[u8], #[case] reason: &str) {
        let error = read_whole(bytes).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn endless_parts_are_cut_off() {
        let head = Answer::new(io::repeat(b'a')).head().unwrap_err();
        assert!(matches!(head, ExchangeError::TooLong("head")), "{head}");
        let endless = Read::chain(&b"HTTP/1.0 200 OK\r\n\r\n"[..], io::repeat(b'a'));
        let mut answer = Answer::new(endless);
        let head = answer.head().unwrap();
        assert!(matches!(answer.body(&head), Err(ExchangeError::TooLong("body"))));
        let endless = Read::chain(&b"HTTP/1.0 200 OK\r\n\r\n"[..], io::repeat(b'a'));
        let mut answer = Answer::new(endless);
        answer.head().unwrap();
        assert!(matches!(answer.line(), Err(ExchangeError::TooLong("line"))));
    }

    #[test]
    fn a_long_line_is_cut_off_also_where_its_end_comes_with_it() {
        let line = |length: usize| {
            let bytes = format!("HTTP/1.0 200 OK\r\n\r\n{}\n", "a".repeat(length));
            let mut answer = Answer::new(bytes.as_bytes());
            answer.head().unwrap();
            answer.line().map(|line| line.map(<[u8]>::len))
        };
        assert_eq!(line(MAX_EVENT_LINE).unwrap(), Some(MAX_EVENT_LINE));
        assert!(matches!(line(MAX_EVENT_LINE + 1), Err(ExchangeError::TooLong("line"))));
    }

    #[test]
    fn a_stream_is_read_line_by_line() {
        let mut answer = Answer::new(&b"HTTP/1.0 200 OK\r\n\r\n{\"a\":1}\n{\"b\":2}\n"[..]);
        answer.head().unwrap();
        assert_eq!(answer.line().unwrap(), Some(&b"{\"a\":1}"[..]));
        assert_eq!(answer.line().unwrap(), Some(&b"{\"b\":2}"[..]));
        assert_eq!(answer.line().unwrap(), None);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = read_whole(&bytes);
            let mut after_head = b"HTTP/1.0 200 OK\r\n\r\n".to_vec();
            after_head.extend(&bytes);
            let mut answer = Answer::new(&after_head[..]);
            answer.head().unwrap();
            while let Ok(Some(_)) = answer.line() {}
        }
    }
}

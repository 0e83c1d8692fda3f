//! One entry as one line, and its hash.
//!
//! The hash is of the very bytes that stand in the file, so that whoever checks it needs no JSON of a certain spelling: cut
//! `,"hash":"…"}` off the end of the line, put `}` back, and take SHA-256 of that. What is cut has always the same length.

use std::borrow::Cow;

use entra_proto::log::LogEntry;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// An entry by its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its sequence number; 0 before the first.
    pub sequence: u64,
    /// Its hash in hexadecimal; 64 zeros before the first.
    pub hash: String,
}

impl Head {
    /// Before the first entry.
    #[must_use]
    pub fn none() -> Self {
        Self { sequence: 0, hash: "0".repeat(HASH) }
    }
}

/// Puts an entry behind `head`: its line, with the end of line, and itself as it stands there.
pub(super) fn link(mut entry: LogEntry, head: &Head) -> Result<(Vec<u8>, LogEntry), serde_json::Error> {
    entry.sequence = head.sequence + 1;
    entry.previous.clone_from(&head.hash);
    entry.hash.clear();
    let mut line = serde_json::to_vec(&entry)?;
    // What is hashed ends where the field of the hash begins, and is closed.
    line.truncate(line.len() - EMPTY_FIELD);
    line.push(b'}');
    entry.hash = hash(&line);
    line.pop();
    line.extend_from_slice(FIELD);
    line.extend_from_slice(entry.hash.as_bytes());
    line.extend_from_slice(b"\"}\n");
    Ok((line, entry))
}

/// What ties a line to the others, and what of it bears on whether the log is whole.
#[derive(Debug, Deserialize)]
pub(super) struct Tie<'a> {
    pub(super) sequence: u64,
    #[serde(borrow)]
    pub(super) previous: Cow<'a, str>,
    /// Its name, which a later version may have made.
    #[serde(borrow)]
    pub(super) event: Cow<'a, str>,
    #[serde(default)]
    pub(super) kept_from: Option<u64>,
    #[serde(borrow, default)]
    pub(super) detail: Option<Cow<'a, str>>,
    #[serde(borrow)]
    hash: Cow<'a, str>,
}

/// Why a line is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineFault {
    /// No JSON of an entry, or its hash does not stand at its end.
    #[error("is no entry")]
    NoEntry,
    /// Its hash is another one's.
    #[error("was changed: its hash is not that of its text")]
    OtherHash,
}

impl<'a> Tie<'a> {
    /// Reads a line without its end, and sees that its hash is that of its text.
    pub(super) fn read(line: &'a [u8]) -> Result<Self, LineFault> {
        let at = line.len().checked_sub(FIELD.len() + HASH + 2).ok_or(LineFault::NoEntry)?;
        let (text, field) = line.split_at(at);
        let named = field.strip_prefix(FIELD).and_then(|rest| rest.strip_suffix(b"\"}"));
        let named = named.ok_or(LineFault::NoEntry)?;
        let tie: Self = serde_json::from_slice(line).map_err(|_| LineFault::NoEntry)?;
        if tie.sequence > LAST {
            return Err(LineFault::NoEntry);
        }
        let mut digest = Sha256::new();
        digest.update(text);
        digest.update(b"}");
        let is_its_own = hexadecimal(&digest.finalize()).as_bytes() == named && tie.hash.as_bytes() == named;
        if is_its_own { Ok(tie) } else { Err(LineFault::OtherHash) }
    }

    pub(super) fn into_head(self) -> Head {
        Head { sequence: self.sequence, hash: self.hash.into_owned() }
    }
}

pub(super) fn hash(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits =
        bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    digits.map(char::from).collect()
}

/// The longest line that is read: [`super::text`] keeps those that are written below it.
pub(super) const MAX_LINE: usize = 64 * 1024;

/// No log comes so far: it is what every reader of JSON can count to (RFC 8259 §6), and leaves room for those that follow.
const LAST: u64 = 1 << 53;

/// Digits of a hash.
const HASH: usize = 64;

/// The names of [`entra_proto::log::LogEvent::Damaged`] and `Rotated`.
pub(super) const DAMAGED: &str = "damaged";
pub(super) const ROTATED: &str = "rotated";

/// How the field of the hash begins.
const FIELD: &[u8] = b",\"hash\":\"";

/// The end of an entry whose hash is not known yet: `,"hash":""}`.
const EMPTY_FIELD: usize = FIELD.len() + 2;

#[cfg(test)]
mod tests {
    use entra_proto::log::LogEvent;

    use super::super::event::Event;
    use super::*;

    #[test]
    fn the_events_that_the_verification_knows_are_called_so() {
        for (event, name) in [(LogEvent::Damaged, DAMAGED), (LogEvent::Rotated, ROTATED)] {
            let (line, _) = link(Event::new(event).into_entry(), &Head::none()).unwrap();
            assert_eq!(Tie::read(line.trim_ascii_end()).unwrap().event, name);
        }
    }

    #[test]
    fn the_hash_is_of_the_line_without_its_field() {
        let event = Event::new(LogEvent::Started).detail("\"quoted\", \u{e4}\\").into_entry();
        let (line, entry) = link(event, &Head::none()).unwrap();
        let line = line.strip_suffix(b"\n").unwrap();
        assert_eq!(serde_json::from_slice::<LogEntry>(line).unwrap(), entry);
        let text = [&line[..line.len() - 75], b"}"].concat();
        assert_eq!(hash(&text), entry.hash);
        assert_eq!((entry.sequence, entry.previous), (1, "0".repeat(64)));
        assert_eq!(Tie::read(line).unwrap().into_head(), Head { sequence: 1, hash: entry.hash });
        assert_eq!(hash(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn an_event_of_a_later_version_is_an_entry() {
        let (line, _) = link(Event::new(LogEvent::Issued).into_entry(), &Head::none()).unwrap();
        let text = String::from_utf8(line).unwrap().replace("issued", "dreamt");
        let text = format!("{}}}", &text[..text.len() - 76]);
        let line = format!("{},\"hash\":\"{}\"}}", &text[..text.len() - 1], hash(text.as_bytes()));
        assert!(Tie::read(line.as_bytes()).is_ok());
    }

    #[test]
    fn an_entry_that_none_could_follow_is_none_of_ours() {
        for (sequence, is_ours) in [(LAST, true), (LAST + 1, false), (u64::MAX, false)] {
            let head = Head { sequence: sequence - 1, ..Head::none() };
            let (line, _) = link(Event::new(LogEvent::Issued).into_entry(), &head).unwrap();
            assert_eq!(Tie::read(line.trim_ascii_end()).is_ok(), is_ours, "{sequence}");
        }
    }

    #[test]
    fn a_second_hash_in_the_text_is_refused() {
        let text = format!(
            "{{\"sequence\":1,\"event\":\"issued\",\"previous\":\"\",\"hash\":\"{}\"}}",
            "0".repeat(64)
        );
        let line = format!("{},\"hash\":\"{}\"}}", &text[..text.len() - 1], hash(text.as_bytes()));
        assert_eq!(Tie::read(line.as_bytes()).unwrap_err(), LineFault::NoEntry);
    }
}

//! What is fuzzed of the contract, and replayed as a plain test. Not part of any build that ships.

use std::fmt::Debug;
use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::account::{AccountInfo, AccountsAnswer};
use crate::client::{Client, Events};
use crate::config::{ConfigAnswer, PassphraseAnswer, PassphraseRequest};
use crate::doctor::DoctorAnswer;
use crate::error::ErrorBody;
use crate::http1::{Answer, Head};
use crate::lease::{LeaseGrant, LeaseRequest, LeasesAnswer};
use crate::limits::{MAX_ANSWER_BODY, MAX_EVENT_LINE, MAX_HEAD};
use crate::log::{LogEntry, Verification};
use crate::page::{PageAnswer, PageRequest};
use crate::prompt::{PromptEvent, PromptsAnswer, SnoozeRequest};
use crate::registry::{RegistryAnswer, RegistryRequest, cloud_of};
use crate::scope::Scopes;
use crate::sign_in::{SignInEvent, SignInRequest, SignInStarted};
use crate::status::StatusAnswer;
use crate::token::{TokenAnswer, TokenRequest};

/// An answer to the client. The first byte says how it comes: in which pieces or with what behind it, and what was asked.
pub fn exchange(data: &[u8]) {
    let Some((&how, answer)) = data.split_first() else { return };
    let read = if how & 16 == 0 { body } else { lines };
    if how & 8 != 0 {
        let mut peer = Peer { answer, tail: TAIL, piece: usize::MAX, sent: 0 };
        read(&mut peer);
        // What is read ahead is a buffer's worth, which doubles as it fills.
        let is_bounded = peer.sent <= MAX_HEAD + 2 * MAX_EVENT_LINE + answer.len();
        assert!(is_bounded || how & 16 == 0, "{} bytes were read", peer.sent);
        return;
    }
    let peer = |piece| Peer { answer, tail: 0, piece, sent: 0 };
    let piece = [1, 2, 7, 100][usize::from(how & 3)];
    assert_eq!(read(&mut peer(piece)), read(&mut peer(usize::MAX)), "how bytes come makes a difference");
    let client = Client::new(peer(usize::MAX));
    match how >> 5 {
        0 => drop(client.token(&TokenRequest::default())),
        1 => drop(client.metrics()),
        2 => drop(client.status()),
        3 => drop(client.doctor(Some("a/b"), None)),
        4 => drain(client.log(Some(1), None, None).map(|said| said.result)),
        5 => drain(client.prompt_events().map(|said| said.result)),
        _ => drain(client.sign_in_events("a/b").map(|said| said.result)),
    }
}

/// A message, of the type that the first byte names: what is read of what was written is the same, and is written the same.
pub fn wire(data: &[u8]) {
    let Some((&of, json)) = data.split_first() else { return };
    match of % 27 {
        0 => stable::<TokenRequest>(json),
        1 => stable::<TokenAnswer>(json),
        2 => stable::<ErrorBody>(json),
        3 => stable::<SignInRequest>(json),
        4 => stable::<SignInStarted>(json),
        5 => stable::<SignInEvent>(json),
        6 => stable::<AccountInfo>(json),
        7 => stable::<AccountsAnswer>(json),
        8 => stable::<StatusAnswer>(json),
        9 => {
            stable::<LeaseRequest>(json);
            drop(serde_json::from_slice(json).map(|request: LeaseRequest| request.fault()));
        }
        10 => stable::<LeaseGrant>(json),
        11 => stable::<LeasesAnswer>(json),
        12 => stable::<PromptsAnswer>(json),
        13 => stable::<PromptEvent>(json),
        14 => stable::<SnoozeRequest>(json),
        15 => stable::<PageRequest>(json),
        16 => stable::<PageAnswer>(json),
        17 => stable::<RegistryRequest>(json),
        18 => stable::<RegistryAnswer>(json),
        19 => stable::<LogEntry>(json),
        20 => stable::<Verification>(json),
        21 => stable::<ConfigAnswer>(json),
        22 => stable::<PassphraseRequest>(json),
        23 => stable::<PassphraseAnswer>(json),
        24 => stable::<DoctorAnswer>(json),
        25 => stable::<Scopes>(json),
        _ => names(json),
    }
}

fn stable<T: DeserializeOwned + Serialize + PartialEq + Debug>(json: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(json) else { return };
    let written = serde_json::to_string(&read).unwrap_or_default();
    match serde_json::from_str::<T>(&written) {
        Ok(again) => {
            assert_eq!(again, read);
            assert_eq!(serde_json::to_string(&again).unwrap_or_default(), written);
        }
        Err(error) => panic!("what was written cannot be read: {error}"),
    }
}

/// Names that callers write: a resource's, and a registry's host.
fn names(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    if let Ok(scopes) = Scopes::of_resource(text) {
        assert!(scopes.iter().all(|scope| scope.bytes().all(|byte| byte.is_ascii_graphic())));
        assert_eq!(Scopes::new(scopes.iter()), Ok(scopes.clone()));
    }
    if cloud_of(text).is_some() {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        let is_azure = text.to_ascii_lowercase().contains(".azurecr.");
        assert!(text.bytes().all(is_plain) && is_azure, "{text} is no host");
    }
}

/// An answer as it was read.
#[derive(Debug, Default, PartialEq)]
struct WasRead {
    head: Option<Head>,
    parts: Vec<Vec<u8>>,
    error: Option<String>,
}

/// Reads an answer with a body.
fn body(peer: &mut Peer<'_>) -> WasRead {
    let mut read = WasRead::default();
    let mut answer = Answer::new(peer);
    let body = answer.head().and_then(|head| {
        read.head = Some(head.clone());
        Ok(answer.body(&head)?.to_vec())
    });
    match body {
        Ok(body) => {
            assert!(body.len() <= MAX_ANSWER_BODY);
            read.parts.push(body);
        }
        Err(error) => read.error = Some(error.to_string()),
    }
    read
}

/// Reads one with lines.
fn lines(peer: &mut Peer<'_>) -> WasRead {
    let mut read = WasRead::default();
    let mut answer = Answer::new(peer);
    let ended = answer.head().and_then(|head| {
        read.head = Some(head);
        while let Some(line) = answer.line()? {
            assert!(line.len() <= MAX_EVENT_LINE && !line.contains(&b'\n'));
            read.parts.push(line.to_vec());
        }
        Ok(())
    });
    read.error = ended.err().map(|error| error.to_string());
    read
}

fn drain<S: Read, T: DeserializeOwned, E, F>(events: Result<Result<Events<S, T>, E>, F>) {
    let Ok(Ok(mut events)) = events else { return };
    while let Ok(Some(_)) = events.next_event() {}
}

/// A daemon that answers with these bytes, in pieces, and then goes on with `x` for a while.
struct Peer<'a> {
    answer: &'a [u8],
    tail: usize,
    piece: usize,
    sent: usize,
}

impl Read for Peer<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = match self.answer {
            [] => {
                let count = self.tail.min(into.len());
                into[..count].fill(b'x');
                self.tail -= count;
                count
            }
            answer => {
                let count = self.piece.min(answer.len()).min(into.len());
                let (now, later) = answer.split_at(count);
                into[..count].copy_from_slice(now);
                self.answer = later;
                count
            }
        };
        self.sent += count;
        Ok(count)
    }
}

impl Write for Peer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Twice what a head and a line may have together, and quick to read.
const TAIL: usize = 4 * MAX_EVENT_LINE;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_inputs_are_fine() {
        crate::replay::all("entra_proto::fuzzing", &[("exchange", exchange), ("wire", wire)]);
    }
}

//! What is fuzzed of the contract, and replayed as a plain test. Not part of any build that ships.

use std::fmt::Debug;
use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::account::{AccountInfo, AccountsAnswer};
use crate::agent::{AgentsAnswer, AgentsRequest, is_name};
use crate::caller::CallerAnswer;
use crate::client::{Client, Events};
use crate::config::{ConfigAnswer, PassphraseAnswer, PassphraseRequest};
use crate::consent::{ConsentRequest, ConsentsAnswer};
use crate::doctor::DoctorAnswer;
use crate::error::ErrorBody;
use crate::http1::{Answer, Head};
use crate::lease::{LeaseGrant, LeaseRequest, LeasesAnswer};
use crate::limits::{MAX_ANSWER_BODY, MAX_EVENT_LINE, MAX_HEAD};
use crate::lock::{LockAnswer, PanicAnswer, PanicRequest, UnlockAnswer, UnlockRequest};
use crate::log::{LogEntry, Verification};
use crate::page::{PageAnswer, PageRequest};
use crate::policy::{ExplainAnswer, ExplainRequest, PolicyAnswer};
use crate::prompt::{PromptEvent, PromptsAnswer, SnoozeRequest};
use crate::registry::{RegistryAnswer, RegistryRequest, cloud_of};
use crate::scope::Scopes;
use crate::sign_in::{SignInEvent, SignInRequest, SignInStarted};
use crate::status::StatusAnswer;
use crate::token::{TokenAnswer, TokenRequest};

/// An answer to the client. The first byte says how it comes: in which pieces or with what behind it, which takes the longest
/// and so is for an eighth of the inputs, and what was asked.
pub fn exchange(data: &[u8]) {
    let Some((&how, answer)) = data.split_first() else { return };
    let read = if how & 16 == 0 { body } else { lines };
    if how & 11 == 8 {
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
        5 => drain(client.prompt_and_consent_events().map(|said| said.result)),
        6 => drop(client.policy()),
        _ => drain(client.sign_in_events("a/b").map(|said| said.result)),
    }
}

/// A message, of the type that the first byte names, from `Q` on: what is read of what was written is the same, and is written
/// the same.
pub fn wire(data: &[u8]) {
    let Some((&of, json)) = data.split_first() else { return };
    let (_, read) = MESSAGES[usize::from(of.wrapping_sub(b'Q')) % MESSAGES.len()];
    read(json);
}

/// Reads a text as a message, holds it to its promises, and says whether it is one.
type Reader = fn(&[u8]) -> bool;

/// Each message by the name that its golden files have. An input names it by its place, so a new one comes last.
const MESSAGES: &[(&str, Reader)] = &[
    ("token_request", stable::<TokenRequest>),
    ("token_answer", stable::<TokenAnswer>),
    ("error", stable::<ErrorBody>),
    ("sign_in_request", stable::<SignInRequest>),
    ("sign_in_started", stable::<SignInStarted>),
    ("event", stable::<SignInEvent>),
    ("account_info", stable::<AccountInfo>),
    ("accounts_answer", stable::<AccountsAnswer>),
    ("status_answer", stable::<StatusAnswer>),
    ("lease_request", lease_request),
    ("lease_grant", stable::<LeaseGrant>),
    ("leases_answer", stable::<LeasesAnswer>),
    ("prompts_answer", stable::<PromptsAnswer>),
    ("prompt_event", stable::<PromptEvent>),
    ("snooze_request", stable::<SnoozeRequest>),
    ("page_request", stable::<PageRequest>),
    ("page_answer", stable::<PageAnswer>),
    ("registry_request", stable::<RegistryRequest>),
    ("registry_answer", stable::<RegistryAnswer>),
    ("log_entry", stable::<LogEntry>),
    ("verification", stable::<Verification>),
    ("config_answer", stable::<ConfigAnswer>),
    ("passphrase_request", stable::<PassphraseRequest>),
    ("passphrase_answer", stable::<PassphraseAnswer>),
    ("doctor_answer", stable::<DoctorAnswer>),
    ("scopes", stable::<Scopes>),
    ("names", names),
    ("agents_answer", stable::<AgentsAnswer>),
    ("agents_request", stable::<AgentsRequest>),
    ("caller_answer", stable::<CallerAnswer>),
    ("consent_event", stable::<PromptEvent>),
    ("consent_request", stable::<ConsentRequest>),
    ("consents_answer", stable::<ConsentsAnswer>),
    ("explain_answer", stable::<ExplainAnswer>),
    ("explain_request", stable::<ExplainRequest>),
    ("lock_answer", stable::<LockAnswer>),
    ("panic_answer", stable::<PanicAnswer>),
    ("panic_request", stable::<PanicRequest>),
    ("policy_answer", stable::<PolicyAnswer>),
    ("unlock_answer", stable::<UnlockAnswer>),
    ("unlock_request", stable::<UnlockRequest>),
];

fn stable<T: DeserializeOwned + Serialize + PartialEq + Debug>(json: &[u8]) -> bool {
    let Ok(read) = serde_json::from_slice::<T>(json) else { return false };
    let written = serde_json::to_string(&read).unwrap_or_default();
    match serde_json::from_str::<T>(&written) {
        Ok(again) => {
            assert_eq!(again, read);
            assert_eq!(serde_json::to_string(&again).unwrap_or_default(), written);
        }
        Err(error) => panic!("what was written cannot be read: {error}"),
    }
    true
}

fn lease_request(json: &[u8]) -> bool {
    drop(serde_json::from_slice(json).map(|request: LeaseRequest| request.fault()));
    stable::<LeaseRequest>(json)
}

/// Names that callers write: a resource's, a registry's host, and an agent's.
fn names(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    if let Ok(scopes) = Scopes::of_resource(text) {
        assert!(scopes.iter().all(|scope| scope.bytes().all(|byte| byte.is_ascii_graphic())));
        assert_eq!(Scopes::new(scopes.iter()), Ok(scopes.clone()));
    }
    if cloud_of(text).is_some() {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        let is_azure = text.to_ascii_lowercase().contains(".azurecr.");
        assert!(text.bytes().all(is_plain) && is_azure, "{text} is no host");
    }
    if is_name(text) {
        assert!(text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_graphic()), "{text} is no name");
    }
    true
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
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_golden_message_is_an_input() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let golden = fs::read_dir(package.join("tests/messages")).unwrap();
        let mut count = 0;
        for path in golden.map(|entry| entry.unwrap().path()) {
            let name = path.file_stem().unwrap().to_str().unwrap();
            // One of them stands for those that differ in a word.
            if name.starts_with("error.code.") {
                continue;
            }
            let of = name.split('.').next().unwrap();
            let place = MESSAGES.iter().position(|(message, _)| *message == of);
            let place = place.unwrap_or_else(|| panic!("{of} is no message of `wire`"));
            let text = fs::read(&path).unwrap();
            assert!(MESSAGES[place].1(&text), "{name} is not read as {of}");
            let input = [&[b'Q' + u8::try_from(place).unwrap()], text.as_slice()].concat();
            let kept = fs::read(package.join("../fuzz/corpus/wire").join(name)).unwrap_or_default();
            assert!(kept == input, "fuzz/corpus/wire/{name} is not that message");
            count += 1;
        }
        assert!(count > 80, "the look at the messages works");
    }

    #[test]
    fn committed_inputs_are_fine() {
        crate::replay::all("entra_proto::fuzzing", &[("exchange", exchange), ("wire", wire)]);
    }
}

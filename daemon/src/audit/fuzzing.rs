//! What somebody else may have written into the log's files, and what may be told to the log.

use entra_proto::account::AccountId;
use entra_proto::log::{LogCaller, LogEntry, LogEvent};
use entra_proto::token::TokenRequest;

use super::event::Event;
use super::line::{Head, MAX_LINE, hash, link};
use super::lines::{Line, Lines};
use super::read::Query;
use super::text::bound;
use super::verify::verify_bytes;

/// Lines that are read, found whole or not, and asked for. The first byte says whether each gets the hash of its text, as
/// somebody would give it who knows how.
pub fn audit_lines(data: &[u8]) {
    let Some((how, lines)) = data.split_first() else { return };
    let bytes = match how % 2 {
        0 => lines.to_vec(),
        _ => lines.split(|byte| *byte == b'\n').flat_map(closed).collect(),
    };
    let remembered = [Head::none(), Head { sequence: 2, hash: "0".repeat(64) }];
    let found = verify_bytes(&bytes, &remembered);
    assert!(found.faults.len() <= 102, "{} faults are listed", found.faults.len());
    let query = Query { since: Some(1), program: Some("e".to_owned()), account: Some("u.t".to_owned()) };
    let mut lines = Lines::of(bytes.as_slice(), bytes.len() as u64);
    while let Ok(Some(line)) = lines.next_line() {
        let Line::Whole(line) = line else { continue };
        if let Ok(entry) = serde_json::from_slice::<LogEntry>(line) {
            query.wants(&entry);
        }
    }
}

/// Entries made of these words, and a byte of their lines changed: every entry has its place and fits a line, and no change goes
/// unseen. The first four bytes say where and how.
pub fn audit_log(data: &[u8]) {
    let Some((&[high, low, by, shape], words)) = data.split_first_chunk() else { return };
    let text = String::from_utf8_lossy(words);
    let mut words = text.split('\n').map(str::to_owned);
    let (mut log, mut head, mut heads) = (Vec::new(), Head::none(), Vec::new());
    for event in [LogEvent::Started, LogEvent::Issued, LogEvent::Refused] {
        let mut entry = entry(event, shape, &mut words);
        bound(&mut entry);
        let once = entry.clone();
        bound(&mut entry);
        assert_eq!(entry, once, "doing it twice is not as good as once");
        let Ok((line, entry)) = link(entry, &head) else { panic!("an entry cannot be written") };
        assert!(is_clean(&line), "{entry:?}");
        assert!(line.len() <= MAX_LINE, "a line of {} bytes", line.len());
        head = Head { sequence: entry.sequence, hash: entry.hash };
        heads.push(head.clone());
        log.extend(line);
    }
    let whole = verify_bytes(&log, &heads);
    assert!(whole.faults.is_empty() && whole.entries == 3, "{whole:?}");
    let at = usize::from(u16::from_be_bytes([high, low])) % log.len();
    log[at] ^= by;
    let changed = verify_bytes(&log, &heads);
    assert_eq!(changed.faults.is_empty(), by == 0, "a change at {at} goes unseen");
}

/// The text of an entry with its hash, and its end.
fn closed(text: &[u8]) -> Vec<u8> {
    let text = text.strip_suffix(b"}").unwrap_or(text);
    let hash = hash(&[text, b"}"].concat());
    [text, b",\"hash\":\"", hash.as_bytes(), b"\"}\n"].concat()
}

fn entry(event: LogEvent, shape: u8, words: &mut impl Iterator<Item = String>) -> LogEntry {
    let mut word = |bit: u8| words.next().filter(|_| shape & bit != 0);
    let asked = TokenRequest {
        account: word(1),
        profile: word(2),
        tenant: word(4),
        resource: word(8),
        scopes: word(16).map(|words| words.split(' ').map(str::to_owned).collect()),
        ..TokenRequest::default()
    };
    let caller = LogCaller {
        program: word(32),
        behind: word(64),
        pid: Some(1),
        user: word(128),
        became: words.next(),
    };
    let named = words.next();
    let event = Event::new(event).asked(&asked).by(Some(caller)).lease(named.as_deref());
    let event = match words.next().and_then(|word| word.parse::<AccountId>().ok()) {
        Some(account) => event.account("default", &account),
        None => event,
    };
    event.detail(words.next().unwrap_or_default()).into_entry()
}

/// No word in it holds the beginning of a token or of a lease's secret.
fn is_clean(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    !text.contains("eyJ") && !text.contains("entra_lease_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_inputs_are_fine() {
        crate::replay::all(
            "entrad::audit::fuzzing",
            &[("audit_lines", audit_lines), ("audit_log", audit_log)],
        );
    }
}

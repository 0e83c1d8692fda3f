//! Reading the log: the entries that somebody asks for, one after the other.

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

use entra_proto::log::{LogCaller, LogEntry};

use super::AuditError;
use super::file::Part;
use super::lines::Line;

/// Which entries.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// From then on, in milliseconds since 1970.
    pub since: Option<u64>,
    /// Whose caller's program, or the one behind it, has this in its path, in whatever case.
    pub program: Option<String>,
    /// Of this account, by its id.
    pub account: Option<String>,
}

impl Query {
    pub(super) fn wants(&self, entry: &LogEntry) -> bool {
        let is_named = |program: &Option<String>, word: &str| {
            program.as_ref().is_some_and(|program| program.to_lowercase().contains(word))
        };
        let is_by = |word: &String| {
            let word = word.to_lowercase();
            entry.caller.as_ref().is_some_and(|LogCaller { program, behind, became, .. }| {
                [program, behind, became].into_iter().any(|path| is_named(path, &word))
            })
        };
        let is_of =
            |word: &String| entry.account.as_ref().is_some_and(|account| account.eq_ignore_ascii_case(word));
        self.since.is_none_or(|since| entry.time >= since)
            && self.program.as_ref().is_none_or(is_by)
            && self.account.as_ref().is_none_or(is_of)
    }
}

/// The files of the log as they were at one moment.
pub struct Opened {
    pub(super) parts: Vec<Part>,
    pub(super) folder: PathBuf,
}

impl Opened {
    /// Hands each line that is wanted to `take`, the oldest first and without its end, until that has enough. Lines that are
    /// none of ours are passed over: the verification is for them. Waits for the disk.
    ///
    /// # Errors
    /// [`AuditError::Unreadable`]; what was handed over by then is not all.
    pub fn read(self, query: &Query, take: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), AuditError> {
        let Self { parts, folder } = self;
        read(parts, query, take).map_err(|source| AuditError::Unreadable { folder, source })
    }
}

fn read(parts: Vec<Part>, query: &Query, mut take: impl FnMut(&[u8]) -> ControlFlow<()>) -> io::Result<()> {
    for part in parts {
        let mut lines = part.lines();
        while let Some(line) = lines.next_line()? {
            let Line::Whole(line) = line else { continue };
            let entry = serde_json::from_slice::<LogEntry>(line);
            if entry.is_ok_and(|entry| query.wants(&entry)) && take(line).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

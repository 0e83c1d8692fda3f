//! Whether the log is whole.
//!
//! Each line vouches for itself (its hash), for all before it (`previous`), and for how many there are (`sequence`). What no
//! line can vouch for is that none comes after the last, nor that the whole is not another log: that takes somebody who
//! remembers the end, which the running daemon does, and the sealed file does for the next one. Files that were rotated
//! away are told from those that somebody removed by the last entry that says from where on entries are kept.

use std::io::{self, Read};
use std::path::Path;

use entra_proto::log::{LogFault, Verification};

use super::file::{self, CURRENT, Part};
use super::line::{DAMAGED, Head, LineFault, ROTATED, Tie};
use super::lines::{Line, Lines};

/// Reads the whole log and says what is wrong with it. Each of `remembered` is an entry that must be there as it was,
/// unless it is older than what is kept.
///
/// # Errors
/// When a file cannot be read.
pub fn verify(folder: &Path, remembered: &[Head]) -> io::Result<Verification> {
    verify_parts(file::parts(folder)?, remembered)
}

pub(super) fn verify_parts(parts: Vec<Part>, remembered: &[Head]) -> io::Result<Verification> {
    let mut walk = Walk::new(remembered);
    for part in parts {
        walk.file(part.name.clone(), part.lines())?;
    }
    Ok(walk.end())
}

/// The same of what stands in one file.
#[cfg(any(test, fuzzing))]
pub(super) fn verify_bytes(bytes: &[u8], remembered: &[Head]) -> Verification {
    let mut walk = Walk::new(remembered);
    let read = walk.file(CURRENT.to_owned(), Lines::of(bytes, bytes.len() as u64));
    assert!(read.is_ok(), "memory cannot fail");
    walk.end()
}

struct Walk<'a> {
    remembered: &'a [Head],
    seen: Vec<bool>,
    name: String,
    line: u64,
    last: Option<Head>,
    first: Option<(String, u64)>,
    kept_from: u64,
    found: Verification,
    untold: u64,
}

impl<'a> Walk<'a> {
    fn new(remembered: &'a [Head]) -> Self {
        Self {
            remembered,
            seen: vec![false; remembered.len()],
            name: CURRENT.to_owned(),
            line: 0,
            last: None,
            first: None,
            kept_from: 1,
            found: Verification::default(),
            untold: 0,
        }
    }

    fn file<R: Read>(&mut self, name: String, mut lines: Lines<R>) -> io::Result<()> {
        self.name = name;
        self.line = 0;
        while let Some(line) = lines.next_line()? {
            self.line += 1;
            match line {
                Line::Whole(line) => self.entry(Tie::read(line)),
                Line::Torn => {
                    let sentence = "The last line is torn; the daemon repairs that when it starts.";
                    self.fault(sentence.to_owned());
                }
                Line::TooLong => self.fault("The line is longer than any entry.".to_owned()),
            }
        }
        Ok(())
    }

    fn entry(&mut self, tie: Result<Tie<'_>, LineFault>) {
        let tie = match tie {
            Ok(tie) => tie,
            Err(fault) => return self.fault(format!("The line {fault}.")),
        };
        self.found.entries += 1;
        match &self.last {
            None => {
                self.first = Some((self.name.clone(), tie.sequence));
                if tie.sequence == 1 && tie.previous != Head::none().hash {
                    self.fault("The first entry follows one that there cannot be.".to_owned());
                }
            }
            Some(last) if tie.sequence == last.sequence + 1 => {
                if tie.previous != last.hash {
                    self.fault(format!("Entry {} does not follow the line before it.", tie.sequence));
                }
            }
            Some(last) if tie.sequence > last.sequence => {
                let missing = missing(last.sequence + 1, tie.sequence - 1);
                self.fault(format!("{missing} missing before this line."));
            }
            Some(last) => {
                let sentence = format!("Entry {} stands after entry {}.", tie.sequence, last.sequence);
                self.fault(sentence);
            }
        }
        if tie.event == DAMAGED {
            let how = tie.detail.as_deref().unwrap_or_default();
            self.fault(format!("The daemon found the log damaged: {how}"));
        }
        if tie.event == ROTATED {
            self.kept_from = tie.kept_from.unwrap_or(self.kept_from);
        }
        let head = tie.into_head();
        for (remembered, seen) in self.remembered.iter().zip(&mut self.seen) {
            *seen |= head == *remembered;
        }
        self.last = Some(head);
    }

    fn end(mut self) -> Verification {
        let last = self.last.take().unwrap_or_else(Head::none);
        let first = self.first.take();
        if let Some((file, first)) = &first {
            self.found.range = Some((*first, last.sequence));
            if *first > self.kept_from {
                let what = format!("{} missing: a file was removed.", missing(self.kept_from, first - 1));
                self.found.faults.insert(0, LogFault { file: file.clone(), line: Some(1), what });
            }
        }
        let begin = first.map_or(0, |(_, first)| first);
        for (remembered, seen) in self.remembered.iter().zip(std::mem::take(&mut self.seen)) {
            if seen || remembered.sequence == 0 {
                continue;
            }
            let Head { sequence, .. } = remembered;
            if *sequence > last.sequence {
                let end = if last.sequence == 0 {
                    "The log is empty".to_owned()
                } else {
                    format!("The log ends with entry {}", last.sequence)
                };
                let why = "its end was cut off, or an older copy was put in its place";
                self.fault(format!("{end}, and entry {sequence} was written: {why}."));
            } else if *sequence >= begin {
                let why = "the log was changed from there on, or another was put in its place";
                self.fault(format!("Entry {sequence} is not the one that was written: {why}."));
            }
        }
        if self.untold > 0 {
            let what = format!("{} further faults are not listed.", self.untold);
            self.found.faults.push(LogFault { file: self.name, line: None, what });
        }
        self.found
    }

    fn fault(&mut self, what: String) {
        if self.found.faults.len() >= MOST_FAULTS {
            self.untold += 1;
            return;
        }
        let line = (self.line > 0).then_some(self.line);
        self.found.faults.push(LogFault { file: self.name.clone(), line, what });
    }
}

fn missing(from: u64, to: u64) -> String {
    if from == to { format!("Entry {from} is") } else { format!("Entries {from} to {to} are") }
}

/// More would tell nobody more; an answer has to end.
const MOST_FAULTS: usize = 100;

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;

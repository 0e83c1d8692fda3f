//! The log's files: `audit.jsonl`, which is written, and those before it, each named by the number of its first entry.
//!
//! A line is in a file as a whole or not at all: what a failed write left is cut off again, and what a kill left is cut
//! off at the next start. Only the writer changes files; readers open them all at once, while nothing is rotated.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use super::line::{Head, MAX_LINE, Tie};
use crate::files::Folder;

/// The file that is written, and the folder of all.
pub(super) struct LogFile {
    folder: Folder,
    file: Arc<File>,
    /// Whole lines; what is beyond them is to be cut off.
    length: u64,
    /// The first entry in it; nothing while it is empty.
    first: Option<u64>,
    /// It was begun a moment ago, and older files may be too many.
    is_new: bool,
}

/// What was found at the end of the files.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The last entry that is one.
    pub(super) head: Head,
    /// Bytes of a line without its end, which were cut off.
    pub(super) torn: u64,
    /// The last line is none of ours, so that `head` is of one before it.
    pub(super) is_foreign: bool,
}

impl LogFile {
    /// Opens the file, cuts off what is torn, and says where the log ends.
    pub(super) fn open(folder: &Path) -> io::Result<(Self, Found)> {
        let folder = Folder::create(folder)?;
        let mut file = folder.append(CURRENT)?;
        // The sealed file vouches for what is in it, so its name must outlive a power cut too.
        folder.sync()?;
        let (length, torn) = whole_lines(&mut file)?;
        if torn > 0 {
            file.set_len(length)?;
            file.sync_data()?;
        }
        let mut found = last_entry(&mut file, length)?;
        let first = first_entry(&mut file, length)?;
        if found.is_none() {
            // Nothing was written since the rotation, or all was taken away.
            for (_, name) in rotated(&folder)?.into_iter().rev() {
                let Some(mut before) = folder.look_into(&name)? else { continue };
                let length = whole_lines(&mut before)?.0;
                found = last_entry(&mut before, length)?;
                if found.is_some() {
                    break;
                }
            }
        }
        let (head, is_foreign) = found.unwrap_or_else(|| (Head::none(), length > 0));
        let log = Self { folder, file: Arc::new(file), length, first, is_new: false };
        Ok((log, Found { head, torn, is_foreign }))
    }

    /// Adds whole lines, the first of which is of that entry: all of them, or none.
    pub(super) fn append(&mut self, lines: &[u8], first: u64) -> io::Result<()> {
        if self.file.metadata()?.len() > self.length {
            self.file.set_len(self.length)?;
        }
        let mut file = &*self.file;
        if let Err(error) = file.seek(SeekFrom::Start(self.length)).and_then(|_| file.write_all(lines)) {
            // What this cannot cut off is cut off before the next write, or at the next start.
            let _later = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += lines.len() as u64;
        self.first.get_or_insert(first);
        Ok(())
    }

    /// Whether the file of that name is no longer the one that is written, or not as it was left.
    pub(super) fn is_meddled_with(&self) -> bool {
        fs::symlink_metadata(self.folder.path().join(CURRENT))
            .map_or(true, |metadata| !metadata.is_file() || metadata.len() < self.length)
    }

    /// Begins another file; the one before keeps all that is in it.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        let Some(first) = self.first else { return Ok(()) };
        self.file.sync_data()?;
        self.folder.rename(CURRENT, &name(first))?;
        self.file = Arc::new(self.folder.append(CURRENT)?);
        self.folder.sync()?;
        self.length = 0;
        self.first = None;
        self.is_new = true;
        Ok(())
    }

    /// The first entry that is kept when so many files are, the one that is written included, and the files that go.
    pub(super) fn surplus(&self, kept: usize) -> io::Result<(Option<u64>, Vec<String>)> {
        let mut rotated = rotated(&self.folder)?;
        let stay = rotated.len().min(kept.saturating_sub(1));
        let staying = rotated.split_off(rotated.len() - stay);
        let first = staying.first().map(|(first, _)| *first);
        Ok((first, rotated.into_iter().map(|(_, name)| name).collect()))
    }

    /// Deletes one of the files that go.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(self.folder.remove(name)?)
    }

    /// Whether it was begun since [`LogFile::settle`], and nothing is in it yet.
    pub(super) fn is_unbegun(&self) -> bool {
        self.is_new && self.first.is_none()
    }

    /// Whether it was begun since [`LogFile::settle`].
    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    /// No older file is too many.
    pub(super) fn settle(&mut self) {
        self.is_new = false;
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn handle(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }
}

/// A file to read: its name, and as much of it as is there now.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) file: File,
    pub(super) length: u64,
}

/// Every file of the log, the oldest first.
pub(super) fn parts(folder: &Path) -> io::Result<Vec<Part>> {
    let Some(folder) = Folder::open(folder)? else { return Ok(Vec::new()) };
    let mut names: Vec<_> = rotated(&folder)?.into_iter().map(|(_, name)| name).collect();
    names.push(CURRENT.to_owned());
    let mut parts = Vec::with_capacity(names.len());
    for name in names {
        let Some(file) = folder.look_into(&name)? else { continue };
        let length = file.metadata()?.len();
        parts.push(Part { name, file, length });
    }
    Ok(parts)
}

/// The files that are not written any more, by their first entries.
fn rotated(folder: &Folder) -> io::Result<Vec<(u64, String)>> {
    let mut found = Vec::new();
    for name in folder.names()? {
        let digits = name.strip_prefix("audit-").and_then(|name| name.strip_suffix(".jsonl"));
        if let Some(first) = digits.and_then(|digits| digits.parse().ok()) {
            found.push((first, name));
        }
    }
    found.sort();
    Ok(found)
}

fn name(first: u64) -> String {
    format!("audit-{first:012}.jsonl")
}

/// How many bytes are whole lines, and how many come after them.
fn whole_lines(file: &mut File) -> io::Result<(u64, u64)> {
    let length = file.metadata()?.len();
    let mut end = length;
    // Longer than any line of ours, so one look is enough unless somebody else wrote there.
    while end > 0 {
        let tail = read_before(file, end)?;
        if let Some(at) = tail.iter().rposition(|byte| *byte == b'\n') {
            let whole = end - tail.len() as u64 + at as u64 + 1;
            return Ok((whole, length - whole));
        }
        end -= tail.len() as u64;
    }
    Ok((0, length))
}

/// The last line that is an entry, of those near the end, and whether another comes after it.
fn last_entry(file: &mut File, length: u64) -> io::Result<Option<(Head, bool)>> {
    let tail = read_before(file, length)?;
    let mut lines = tail.split(|byte| *byte == b'\n').rev().filter(|line| !line.is_empty());
    let mut is_foreign = false;
    Ok(lines.find_map(|line| {
        let tie = Tie::read(line).ok();
        is_foreign |= tie.is_none();
        tie.map(|tie| (tie.into_head(), is_foreign))
    }))
}

fn first_entry(file: &mut File, length: u64) -> io::Result<Option<u64>> {
    let head = read_before(file, length.min(2 * MAX_LINE as u64))?;
    let mut lines = head.split(|byte| *byte == b'\n');
    Ok(lines.find_map(|line| Some(Tie::read(line).ok()?.sequence)))
}

/// Up to two lines' worth of bytes before `end`.
fn read_before(file: &mut File, end: u64) -> io::Result<Vec<u8>> {
    let begin = end.saturating_sub(2 * MAX_LINE as u64);
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.take(end - begin).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The file that is written.
pub(super) const CURRENT: &str = "audit.jsonl";

#[cfg(test)]
mod tests {
    use entra_proto::log::LogEvent;
    use tempfile::TempDir;

    use super::super::event::Event;
    use super::super::line::link;
    use super::*;

    fn lines(head: &mut Head, count: usize) -> Vec<u8> {
        let mut lines = Vec::new();
        for _ in 0..count {
            let (line, entry) = link(Event::new(LogEvent::Issued).into_entry(), head).unwrap();
            *head = Head { sequence: entry.sequence, hash: entry.hash };
            lines.extend(line);
        }
        lines
    }

    fn folder() -> (TempDir, Head) {
        let folder = tempfile::tempdir().unwrap();
        let mut head = Head::none();
        let lines = lines(&mut head, 3);
        let (mut log, found) = LogFile::open(folder.path()).unwrap();
        assert_eq!(found, Found { head: Head::none(), torn: 0, is_foreign: false });
        log.append(&lines, 1).unwrap();
        (folder, head)
    }

    #[test]
    fn a_torn_line_is_cut_off() {
        let (folder, head) = folder();
        let path = folder.path().join(CURRENT);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole, &whole[..100]].concat()).unwrap();
        let (log, found) = LogFile::open(folder.path()).unwrap();
        assert_eq!(found, Found { head, torn: 100, is_foreign: false });
        assert_eq!(
            (fs::read(&path).unwrap(), log.length(), log.first),
            (whole.clone(), whole.len() as u64, Some(1))
        );
    }

    #[test]
    fn what_is_no_entry_stays_and_is_told() {
        let (folder, head) = folder();
        let path = folder.path().join(CURRENT);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..], b"{}\nnonsense\n"].concat()).unwrap();
        assert_eq!(LogFile::open(folder.path()).unwrap().1, Found { head, torn: 0, is_foreign: true });
        fs::write(&path, b"nonsense\n").unwrap();
        let found = LogFile::open(folder.path()).unwrap().1;
        assert_eq!(found, Found { head: Head::none(), torn: 0, is_foreign: true });
    }

    #[test]
    fn rotation_keeps_the_newest_files() {
        let (folder, mut head) = folder();
        let mut log = LogFile::open(folder.path()).unwrap().0;
        for first in [4, 6] {
            log.rotate().unwrap();
            log.append(&lines(&mut head, 2), first).unwrap();
        }
        let names = |parts: Vec<Part>| parts.into_iter().map(|part| part.name).collect::<Vec<_>>();
        let all = ["audit-000000000001.jsonl", "audit-000000000004.jsonl", CURRENT];
        assert_eq!(names(parts(folder.path()).unwrap()), all);
        let (first, gone) = log.surplus(2).unwrap();
        assert_eq!((first, gone), (Some(4), vec![all[0].to_owned()]));
        assert_eq!(log.surplus(3).unwrap(), (Some(1), Vec::new()));
        assert_eq!(log.surplus(1).unwrap().0, None);
        log.rotate().unwrap();
        assert_eq!(LogFile::open(folder.path()).unwrap().1.head, head, "of the file before");
    }

    #[test]
    fn a_file_that_goes_away_is_noticed() {
        let (folder, _) = folder();
        let log = LogFile::open(folder.path()).unwrap().0;
        assert!(!log.is_meddled_with());
        File::options().write(true).open(folder.path().join(CURRENT)).unwrap().set_len(10).unwrap();
        assert!(log.is_meddled_with());
        fs::remove_file(folder.path().join(CURRENT)).unwrap();
        assert!(log.is_meddled_with());
    }
}

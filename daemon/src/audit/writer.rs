//! The writer: a thread of its own that gives each event its place in the chain, writes it, and hands it on.
//!
//! What cannot be written is put back and tried again, first after a second, at last each minute; only what no longer fits
//! the queue is lost, and that is an entry too. The chain goes on from what this process wrote last, whatever happens to the
//! files meanwhile: then a gap is there for good, and an entry says so.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use entra_proto::log::{LogEntry, LogEvent};

use super::HandOn;
use super::event::Event;
use super::file::{self, Found, LogFile};
use super::line::{Head, Tie, link};
use super::lines::Line;
use super::queue::{Job, Queue};
use super::settings::{AuditSettings, Sink};
use super::shared::Shared;
use super::sinks::Sinks;
use super::text::bound;

/// The state behind the thread.
pub(super) struct Writer {
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    folder: PathBuf,
    /// Bytes of a file before the next begins.
    size: u64,
    files: usize,
    has_file: bool,
    log: Option<LogFile>,
    sinks: Sinks,
    hand_on: Option<HandOn>,
    /// The last entry of this process; none before the files were opened.
    head: Option<Head>,
    /// What the sealed file remembers, until the files were opened.
    sealed: Option<Head>,
    rest: Option<Duration>,
}

impl Writer {
    pub(super) fn new(
        queue: Arc<Queue>,
        shared: Arc<Shared>,
        settings: &AuditSettings,
        folder: PathBuf,
        hand_on: Option<HandOn>,
        sealed: Option<Head>,
    ) -> Self {
        Self {
            queue,
            shared,
            folder,
            size: settings.size.max(1) * MIB,
            files: settings.files.max(2),
            has_file: settings.sinks.contains(&Sink::File),
            log: None,
            sinks: Sinks::open(settings.sinks.iter().copied()),
            hand_on,
            head: None,
            sealed,
            rest: None,
        }
    }

    /// Works until it is told to stop.
    pub(super) fn run(mut self) {
        loop {
            let (jobs, lost) = match self.rest {
                None => self.queue.take(),
                Some(rest) => self.queue.take_after(rest),
            };
            let (mut events, mut waiting, mut is_last) = (Vec::new(), Vec::new(), false);
            for job in jobs {
                match job {
                    Job::Note(event) => events.push(event),
                    Job::Compare(head) => events.extend(self.compare(&head)),
                    Job::Flush(told) => waiting.push(told),
                    Job::Stop(told) => {
                        waiting.push(told);
                        is_last = true;
                    }
                }
            }
            self.write(events, lost);
            if is_last {
                // Nothing is open any more once whoever stopped it is told.
                drop(self);
                return tell(waiting);
            }
            tell(waiting);
        }
    }

    /// Writes all of it, or puts back what could not be written.
    fn write(&mut self, events: Vec<Event>, lost: u64) {
        let mut batch = Batch { left: events.into(), lost, linked: Vec::new() };
        match self.try_write(&mut batch) {
            Ok(()) => {
                if self.rest.take().is_some() {
                    tracing::info!("the audit log is written again");
                    self.shared.written_again();
                }
            }
            Err(error) => {
                if self.rest.is_none() {
                    tracing::error!(%error, "the audit log cannot be written");
                }
                self.shared.failed(&error);
                self.rest = Some(self.rest.map_or(FIRST_REST, |rest| (rest * 2).min(LONGEST_REST)));
                let lost = batch.lost;
                self.queue.give_back(batch.into_events(), lost);
            }
        }
    }

    fn try_write(&mut self, batch: &mut Batch) -> io::Result<()> {
        for event in self.open()?.into_iter().rev() {
            batch.left.push_front(event);
        }
        if self.log.as_ref().is_some_and(LogFile::is_unbegun) {
            // It was rotated a moment ago, and what says so could not be written then.
            batch.left.push_front(self.rotated()?);
        }
        let mut head = self.head.clone().unwrap_or_else(Head::none);
        if batch.lost > 0 && self.is_writable() {
            let sentence =
                format!("{} entries were lost: more waited to be written than are kept.", batch.lost);
            batch.left.push_back(Event::new(LogEvent::Lost).detail(sentence));
        }
        let mut bytes = 0;
        while let Some(event) = batch.left.pop_front() {
            let mut entry = event.into_entry();
            bound(&mut entry);
            let (line, entry) = link(entry, &head).map_err(io::Error::other)?;
            head = Head { sequence: entry.sequence, hash: entry.hash.clone() };
            bytes += line.len() as u64;
            batch.linked.push((entry, line));
            if self.log.as_ref().is_some_and(|log| log.length() + bytes >= self.size) {
                self.commit(batch, &head)?;
                bytes = 0;
                batch.left.push_front(self.rotate()?);
            }
        }
        self.commit(batch, &head)?;
        self.remove_surplus()
    }

    fn is_writable(&self) -> bool {
        self.log.is_some() || !self.has_file
    }

    /// Writes what has its place, publishes the new end, and hands the entries on.
    fn commit(&mut self, batch: &mut Batch, head: &Head) -> io::Result<()> {
        let Some((first, _)) = batch.linked.first() else { return Ok(()) };
        let first = first.sequence;
        if let Some(log) = &mut self.log {
            let lines: Vec<u8> = batch.linked.iter().flat_map(|(_, line)| line).copied().collect();
            let _still = self.shared.hold_files();
            log.append(&lines, first)?;
        }
        self.head = Some(head.clone());
        self.shared.publish(head, self.log.as_ref().map(LogFile::handle));
        let linked = std::mem::take(&mut batch.linked);
        if linked.iter().any(|(entry, _)| entry.event == LogEvent::Lost) {
            batch.lost = 0;
        }
        if let Some(hand_on) = &self.hand_on {
            linked.iter().for_each(|(entry, _)| hand_on(entry));
        }
        if !self.sinks.is_empty() {
            let mut is_news = false;
            for (entry, line) in &linked {
                let line = String::from_utf8_lossy(line.trim_ascii_end());
                is_news |= self.sinks.deliver(entry, &line);
            }
            if is_news {
                self.shared.sinks_are(self.sinks.warnings());
            }
        }
        Ok(())
    }

    /// Opens the files where they are not open, or not as they were left. Returns what is to be said of them.
    fn open(&mut self) -> io::Result<Vec<Event>> {
        if !self.has_file {
            self.head.get_or_insert_with(Head::none);
            return Ok(Vec::new());
        }
        let is_meddled_with = self.log.as_ref().is_some_and(LogFile::is_meddled_with);
        if self.log.is_some() && !is_meddled_with {
            return Ok(Vec::new());
        }
        let still = self.shared.hold_files();
        let (log, found) = LogFile::open(&self.folder)?;
        drop(still);
        self.log = Some(log);
        let Found { head: end, torn, is_foreign } = found;
        let mut events = Vec::new();
        if torn > 0 {
            let sentence = format!("{torn} bytes of a line without its end were cut off.");
            events.push(Event::new(LogEvent::Repaired).detail(sentence));
        }
        if is_foreign {
            events.push(self.damaged("Its last line was no entry."));
        }
        match (&self.head, self.sealed.take()) {
            // This process knows where it was.
            (Some(head), _) if *head == end && !is_meddled_with => {}
            (Some(head), _) => {
                let sentence = format!(
                    "The file was changed, or removed, while the daemon ran; it ended with entry {}.",
                    head.sequence
                );
                events.push(self.damaged(&sentence));
            }
            (None, Some(sealed)) if sealed.sequence > end.sequence => {
                let sentence = format!(
                    "It ended with entry {}, and entry {} was written: its end was cut off, or an older copy was put in its place.",
                    end.sequence, sealed.sequence
                );
                events.push(self.damaged(&sentence));
                self.head = Some(sealed);
            }
            (None, sealed) => {
                events.extend(sealed.and_then(|sealed| self.compare(&sealed)));
                self.head = Some(end);
            }
        }
        Ok(events)
    }

    /// Whether the entry that the sealed file remembers stands where it should; what to say if not.
    fn compare(&mut self, sealed: &Head) -> Option<Event> {
        if !self.has_file || sealed.sequence == 0 {
            return None;
        }
        // Files that cannot be read are told of by what is to be written.
        let why = match find(&self.folder, sealed).unwrap_or(Place::There) {
            Place::There => return None,
            Place::Elsewhere => {
                "is not the one that was written: the log was changed, or another was put in its place"
            }
            Place::BeforeAll => "was sealed, and nothing ties what is kept to it: all of it is later",
        };
        Some(self.damaged(&format!("Entry {} {why}.", sealed.sequence)))
    }

    fn damaged(&self, sentence: &str) -> Event {
        tracing::error!("the audit log is damaged: {sentence}");
        self.shared.damaged(sentence);
        Event::new(LogEvent::Damaged).detail(sentence)
    }

    /// Goes on in another file. Returns the entry that says so, which comes first there.
    fn rotate(&mut self) -> io::Result<Event> {
        let still = self.shared.hold_files();
        let rotated = self.log.as_mut().map_or(Ok(()), LogFile::rotate);
        drop(still);
        if rotated.is_err() {
            // The file may have its new name already.
            self.log = None;
        }
        rotated?;
        self.rotated()
    }

    /// What comes first in a file: from where on entries are kept.
    fn rotated(&self) -> io::Result<Event> {
        let next = self.head.as_ref().map_or(1, |head| head.sequence + 1);
        let first =
            self.log.as_ref().map_or(Ok(None), |log| log.surplus(self.files).map(|(first, _)| first))?;
        Ok(Event::new(LogEvent::Rotated).kept_from(first.unwrap_or(next)))
    }

    /// Removes the files that are too many, once the entry that says so is on disk.
    fn remove_surplus(&mut self) -> io::Result<()> {
        let Some(log) = self.log.as_ref().filter(|log| log.is_new()) else { return Ok(()) };
        let (_, gone) = log.surplus(self.files)?;
        log.handle().sync_data()?;
        let _still = self.shared.hold_files();
        for name in gone {
            log.remove(&name)?;
        }
        if let Some(log) = &mut self.log {
            log.settle();
        }
        self.shared.rotated();
        Ok(())
    }
}

fn tell(waiting: Vec<SyncSender<()>>) {
    for told in waiting {
        // Whoever waited may have given up.
        let _gone = told.send(());
    }
}

/// Events on their way to the disk, in their order.
struct Batch {
    left: VecDeque<Event>,
    lost: u64,
    /// Those that have a place already, and are not written.
    linked: Vec<(LogEntry, Vec<u8>)>,
}

impl Batch {
    /// All that is not written, without what was added on the way: that is said anew.
    fn into_events(self) -> Vec<Event> {
        let linked = self.linked.into_iter().map(|(entry, _)| Event::from_entry(entry));
        let is_own = |event: &Event| event.is(LogEvent::Lost) || event.is(LogEvent::Rotated);
        linked.chain(self.left).filter(|event| !is_own(event)).collect()
    }
}

/// Where an entry is that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the files as it was, or right before them by the word of their first entry.
    There,
    /// Not where it should be.
    Elsewhere,
    /// Before all that is kept, which says nothing of it.
    BeforeAll,
}

/// Looks for an entry in the files. A log that begins after it proves nothing: anybody can make one.
fn find(folder: &Path, wanted: &Head) -> io::Result<Place> {
    let begin = format!("{{\"sequence\":{},", wanted.sequence);
    let mut oldest = None;
    for part in file::parts(folder)? {
        let mut lines = part.lines();
        while let Some(line) = lines.next_line()? {
            let Line::Whole(line) = line else { continue };
            let is_it = line.starts_with(begin.as_bytes());
            if !is_it && oldest.is_some() {
                continue;
            }
            let Ok(tie) = Tie::read(line) else { continue };
            if oldest.is_none() {
                if tie.sequence == wanted.sequence + 1 && tie.previous == wanted.hash {
                    return Ok(Place::There);
                }
                oldest = Some(tie.sequence);
            }
            if tie.into_head() == *wanted {
                return Ok(Place::There);
            }
        }
    }
    let is_before = oldest.is_some_and(|oldest| oldest > wanted.sequence);
    Ok(if is_before { Place::BeforeAll } else { Place::Elsewhere })
}

const MIB: u64 = 1024 * 1024;
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::audit::verify;

    fn writer(folder: &Path) -> Writer {
        let settings = AuditSettings { files: 2, ..AuditSettings::default() };
        let (queue, shared) = (Arc::default(), Arc::default());
        Writer::new(queue, shared, &settings, folder.to_owned(), None, None)
    }

    fn write(writer: &mut Writer, lost: u64) -> Batch {
        let left = VecDeque::from([Event::new(LogEvent::Issued)]);
        let mut batch = Batch { left, lost, linked: Vec::new() };
        writer.try_write(&mut batch).unwrap();
        batch
    }

    #[test]
    fn a_rotation_that_could_not_be_told_is_told_by_the_next_entry() {
        let home = tempfile::tempdir().unwrap();
        let mut writer = writer(home.path());
        for _ in 0..3 {
            write(&mut writer, 0);
            // The disk is full before the first line of the new file.
            let _untold = writer.rotate().unwrap();
        }
        write(&mut writer, 0);
        let found = verify(home.path(), writer.head.as_slice()).unwrap();
        assert_eq!((found.range, found.faults), (Some((4, 7)), Vec::new()));
        assert_eq!(file::parts(home.path()).unwrap().len(), 2);
    }

    #[test]
    fn entries_that_were_lost_are_told_once() {
        let home = tempfile::tempdir().unwrap();
        let batch = write(&mut writer(home.path()), 7);
        assert_eq!((batch.lost, batch.into_events().len()), (0, 0));
    }

    #[test]
    fn an_entry_is_found_where_it_is_or_by_the_one_after_it() {
        let home = tempfile::tempdir().unwrap();
        let mut writer = writer(home.path());
        let mut heads = Vec::new();
        for _ in 0..4 {
            write(&mut writer, 0);
            heads.push(writer.head.clone().unwrap());
        }
        let place = |head: &Head| find(home.path(), head).unwrap();
        assert!(heads.iter().all(|head| place(head) == Place::There));
        assert_eq!(place(&Head { hash: "0".repeat(64), ..heads[1].clone() }), Place::Elsewhere);
        let path = home.path().join(file::CURRENT);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.split_inclusive('\n').skip(2).collect::<String>()).unwrap();
        assert_eq!(
            heads.iter().map(place).collect::<Vec<_>>(),
            [Place::BeforeAll, Place::There, Place::There, Place::There]
        );
        assert_eq!(place(&Head { hash: "0".repeat(64), ..heads[1].clone() }), Place::BeforeAll);
    }
}

//! The audit log: who got what, in hash-chained files and in the system's own logs.
//!
//! Whoever tells it something never waits: an event goes onto a queue, and a thread of its own gives it its place in the chain,
//! hashes and writes it (`writer`), within a tenth of a second. Invariants: an entry holds no secret (`text`); sequence numbers have
//! no gap but where somebody took entries away; what could not be kept is counted, and so is what comes of a flood of refusals
//! (`refusals`), and the count is an entry. That nobody
//! cut off the end is for those to say who remember it: the running daemon, and for the next one the sealed file, which
//! another room keeps ([`Audit::anchor`]).

mod event;
mod file;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod line;
mod lines;
mod queue;
mod read;
mod refusals;
mod settings;
mod shared;
mod sinks;
mod text;
mod verify;
mod writer;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use entra_proto::log::{LogEntry, LogEvent, Verification};

use self::queue::{Job, Queue};
use self::shared::Shared;
use self::writer::Writer;

pub use self::event::{Event, Issued};
pub use self::line::Head;
pub use self::read::{Opened, Query};
pub use self::settings::{AuditSettings, Sink, UnknownSink};
pub use self::verify::verify;

/// A handle to the log. Clones are handles to the same one; the default one keeps nothing.
#[derive(Clone, Default)]
pub struct Audit {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    settings: AuditSettings,
    folder: PathBuf,
    hand_on: Option<HandOn>,
    has_begun: AtomicBool,
    has_ended: AtomicBool,
}

/// Takes each entry once it is on disk, in the order of the chain, on the writer's thread: it must not wait.
pub type HandOn = Arc<dyn Fn(&LogEntry) + Send + Sync>;

/// What the sealed file says of the log's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// It cannot be opened yet; it may be later.
    Closed,
    /// It has nothing of a log.
    Nothing,
    /// This entry was written.
    Head(Head),
}

/// Why the log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Nothing is kept in files.
    #[error("the audit log is not kept in files")]
    NoFiles,
    /// The system refused.
    #[error("the audit log in {} cannot be read", folder.display())]
    Unreadable {
        /// Its folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Audit {
    /// A log in this folder, which is made when the first entry is written. Nothing is written before [`Audit::begin`].
    /// Entries go to `hand_on` besides, if there are any at all.
    #[must_use]
    pub fn new(settings: AuditSettings, folder: PathBuf, hand_on: Option<HandOn>) -> Self {
        if settings.sinks.is_empty() {
            return Self::default();
        }
        let (queue, shared) = (Arc::default(), Arc::default());
        let (has_begun, has_ended) = (AtomicBool::new(false), AtomicBool::new(false));
        let inner = Inner { queue, shared, settings, folder, hand_on, has_begun, has_ended };
        Self { inner: Some(Arc::new(inner)) }
    }

    /// Begins to write, once: goes on from where the files end, or where the sealed file says that they ended.
    pub fn begin(&self, sealed: Sealed) {
        let Some(inner) = &self.inner else { return };
        if inner.has_begun.swap(true, Ordering::SeqCst) {
            return;
        }
        let sealed = match sealed {
            Sealed::Closed => None,
            Sealed::Nothing => {
                inner.shared.meet();
                None
            }
            Sealed::Head(head) => {
                inner.shared.meet();
                inner.shared.now_sealed(Some(head.clone()));
                Some(head)
            }
        };
        let (queue, shared) = (Arc::clone(&inner.queue), Arc::clone(&inner.shared));
        let (folder, hand_on) = (inner.folder.clone(), inner.hand_on.clone());
        let writer = Writer::new(queue, shared, &inner.settings, folder, hand_on, sealed);
        let thread = thread::Builder::new().name("entrad-audit".to_owned()).stack_size(STACK);
        if let Err(error) = thread.spawn(move || writer.run()) {
            inner.shared.failed(&error);
            tracing::error!(%error, "the audit log has no thread");
        }
    }

    /// Notes an event. Never waits.
    pub fn record(&self, event: Event) {
        if let Some(inner) = &self.inner {
            inner.queue.note(event);
        }
    }

    /// Whether anything is kept or told: where not, nobody need find out who asks.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.inner.is_some()
    }

    /// Notes that these settings changed while the daemon ran, and the fingerprint of all of them now.
    pub fn configuration_changed(&self, keys: &[String], fingerprint: &str) {
        let detail = format!("settings {fingerprint}: {}", keys.join(", "));
        self.record(Event::new(LogEvent::ConfigurationChanged).detail(detail));
    }

    /// Notes that new settings were refused, and why.
    pub fn configuration_refused(&self, reason: &str) {
        self.record(Event::new(LogEvent::ConfigurationRefused).detail(reason));
    }

    /// The end of the log, for the sealed file to remember in place of `kept`: the last entry, once it is on disk for good.
    /// Waits for the disk.
    #[must_use]
    pub fn anchor(&self, kept: Option<Head>) -> Option<Head> {
        let Some(inner) = &self.inner else { return kept };
        if inner.shared.meet()
            && let Some(kept) = kept.clone()
        {
            inner.queue.add(Job::Compare(kept));
        }
        let end = match inner.shared.end() {
            // An entry that a power cut could still take must not be vouched for.
            Some((head, Some(file))) if file.sync_data().is_ok() => Some(head),
            _ => kept,
        };
        inner.shared.now_sealed(end.clone());
        end
    }

    /// Returns after the log went on in another file: the sealed file is to be written.
    pub async fn rotated(&self) {
        match &self.inner {
            Some(inner) => inner.shared.wait_for_rotation().await,
            None => std::future::pending().await,
        }
    }

    /// What a person should know of the log, in sentences.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let Some(inner) = &self.inner else { return Vec::new() };
        let (lost, waiting) = inner.queue.count();
        inner.shared.warnings(lost, waiting)
    }

    /// Verifies the files, and that they end where this daemon left off. Waits for the disk.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn verify(&self) -> Result<Verification, AuditError> {
        let inner = self.inner()?;
        let (parts, head) = inner.snapshot()?;
        let remembered: Vec<Head> = [head, inner.shared.sealed()].into_iter().flatten().collect();
        verify::verify_parts(parts, &remembered).map_err(|source| inner.unreadable(source))
    }

    /// The files as they are now, to be read. Waits for the disk.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn open(&self) -> Result<Opened, AuditError> {
        let inner = self.inner()?;
        let (parts, _) = inner.snapshot()?;
        Ok(Opened { parts, folder: inner.folder.clone() })
    }

    /// Writes all that was noted, for a bounded time, and says whether that was done. Waits for the disk.
    pub fn flush(&self) -> bool {
        self.wait_for(Job::Flush)
    }

    /// The same, and ends the writer. What is noted later is not written.
    pub fn stop(&self) {
        self.wait_for(Job::Stop);
        if let Some(inner) = &self.inner {
            inner.has_ended.store(true, Ordering::SeqCst);
        }
    }

    fn wait_for(&self, job: fn(SyncSender<()>) -> Job) -> bool {
        let Some(inner) = &self.inner else { return true };
        if !inner.has_begun.load(Ordering::SeqCst) || inner.has_ended.load(Ordering::SeqCst) {
            return true;
        }
        let (tell, told) = sync_channel(1);
        inner.queue.add(job(tell));
        let is_done = told.recv_timeout(PATIENCE).is_ok();
        if !is_done {
            tracing::warn!("the audit log was not written in time");
        }
        is_done
    }

    fn inner(&self) -> Result<&Inner, AuditError> {
        let inner = self.inner.as_deref().filter(|inner| inner.settings.sinks.contains(&Sink::File));
        let inner = inner.ok_or(AuditError::NoFiles)?;
        self.flush();
        Ok(inner)
    }
}

impl Inner {
    /// The files as they are now, and the last entry that was written by now.
    fn snapshot(&self) -> Result<(Vec<file::Part>, Option<Head>), AuditError> {
        let _still = self.shared.hold_files();
        let head = self.shared.end().map(|(head, _)| head);
        match file::parts(&self.folder) {
            Ok(parts) => Ok((parts, head)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((Vec::new(), head)),
            Err(error) => Err(self.unreadable(error)),
        }
    }

    fn unreadable(&self, source: io::Error) -> AuditError {
        AuditError::Unreadable { folder: self.folder.clone(), source }
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").field("is_on", &self.is_on()).finish_non_exhaustive()
    }
}

/// How long whoever needs the log written waits for a disk.
const PATIENCE: Duration = Duration::from_secs(3);

/// Enough for lines and hashes.
const STACK: usize = 512 * 1024;

#[cfg(test)]
mod tests;

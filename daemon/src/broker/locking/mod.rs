//! Locked on purpose: nothing is served, and neither a token nor the sealing key is in memory, until somebody unlocks.
//!
//! The one hard idea is what is under way. A refresh that is cut off between Entra's answer and the disk costs a rotated
//! token, so those that fly have a few seconds to land, while nothing new begins; then they are cut, all the same.
//! It fails closed: a lock that meets an error is locked, an unlock that meets one stays so.

mod latch;
mod memory;
mod note;
mod panic;
mod session;
mod tries;
mod unlock;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::lock::{LockAnswer, LockCause, LockState, LockStatus, Opener};
use entra_proto::log::{LogCaller, LogEvent};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use self::latch::{Latch, Shut, patience};
use self::note::Note;
use super::Broker;
use crate::audit::Event;
use crate::config::Config;
use crate::notify::desktop::Watched;
use crate::vault::{HomeKind, UNLOCK};

/// Where a lock is kept over a restart, and whether it is.
#[derive(Clone, Debug)]
pub struct LockKeeping {
    /// The state folder.
    pub folder: PathBuf,
    /// Whether a restart leaves it locked: the setting `stay_locked`.
    pub stays: bool,
}

impl From<&Config> for LockKeeping {
    fn from(config: &Config) -> Self {
        Self { folder: config.state_dir.value.clone(), stays: config.stay_locked.value }
    }
}

/// The broker's lock.
#[derive(Default)]
pub(super) struct Locking {
    latch: Mutex<Latch>,
    /// The latch's state, for those who ask for tokens: [`OPEN`], [`CLOSING`] or [`LOCKED`].
    state: AtomicU8,
    /// Becomes true when what is under way is cut off.
    cut: watch::Sender<bool>,
    /// Held while it locks or unlocks.
    in_order: tokio::sync::Mutex<()>,
    /// Whoever waits until requests have ended waits no longer.
    hurry: Notify,
    keeping: OnceLock<LockKeeping>,
    /// Why it does not follow what it was to follow, each a full sentence.
    faults: Mutex<BTreeMap<Watched, String>>,
}

const OPEN: u8 = 0;
const CLOSING: u8 = 1;
const LOCKED: u8 = 2;

impl Locking {
    /// Refuses a request that begins while it is closing or locked.
    pub(super) fn must_be_open(&self) -> Result<(), ErrorBody> {
        if self.state.load(Ordering::Acquire) == OPEN { Ok(()) } else { Err(self.refusal()) }
    }

    /// Refuses a request that began before, once it is locked.
    pub(super) fn must_not_be_locked(&self) -> Result<(), ErrorBody> {
        if self.is_locked() { Err(self.refusal()) } else { Ok(()) }
    }

    pub(super) fn is_locked(&self) -> bool {
        self.state.load(Ordering::Acquire) == LOCKED
    }

    /// Ends when what is under way is cut off.
    pub(super) async fn cut(&self) {
        let mut cut = self.cut.subscribe();
        // The sender lives as long as this does.
        let _open = cut.wait_for(|is_cut| *is_cut).await;
    }

    /// Why a lock that was to come by itself will not.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.faults().values().cloned().collect()
    }

    fn faults(&self) -> MutexGuard<'_, BTreeMap<Watched, String>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refusal(&self) -> ErrorBody {
        let shut = self.latch().shut();
        let why = shut.map(|shut| format!(" (it was locked {})", shut.by)).unwrap_or_default();
        let sentence = format!("entrad is locked{why} and serves nothing until it is unlocked.");
        ErrorBody::new(ErrorCode::Locked, sentence).with_hint(UNLOCK)
    }

    fn latch(&self) -> MutexGuard<'_, Latch> {
        self.latch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the latch, and what is read of it elsewhere.
    fn change<T>(&self, change: impl FnOnce(&mut Latch) -> T) -> T {
        let mut latch = self.latch();
        let changed = change(&mut latch);
        let state = match latch.shut() {
            None => OPEN,
            Some(Shut { state: LockState::Closing, .. }) => CLOSING,
            Some(Shut { state: LockState::Locked, .. }) => LOCKED,
        };
        self.state.store(state, Ordering::Release);
        self.cut.send_replace(state == LOCKED);
        changed
    }
}

impl Broker {
    /// Whether requests are served.
    ///
    /// # Errors
    /// `locked`, with what to do.
    pub fn must_be_open(&self) -> Result<(), ErrorBody> {
        self.locking.must_be_open()
    }

    /// How it is locked; nothing while it is open.
    #[must_use]
    pub fn lock_status(&self) -> Option<LockStatus> {
        self.locking.latch().shut().map(Shut::status)
    }

    /// Looks whether an earlier daemon was locked, before anything is read: then this one is too.
    pub async fn keep_lock(self: &Arc<Self>, keeping: LockKeeping) {
        let keeping = self.locking.keeping.get_or_init(|| keeping).clone();
        let now = self.parts.clock.now().epoch();
        let folder = keeping.folder.clone();
        let note = off_thread(move || Ok(note::read(&folder, now))).await;
        let unknown = Note { since: now, by: LockCause::Unknown, is_erasing: false };
        let Some(note) = note.unwrap_or(Some(unknown)) else { return };
        if !keeping.stays && !note.is_erasing {
            self.take_note_away().await;
            return;
        }
        self.locking.change(|latch| {
            latch.close(note.by, note.since);
            latch.lock();
        });
        let _order = self.locking.in_order.lock().await;
        if let Err(error) = self.parts.vault.lock().await {
            tracing::warn!(%error, "the vault is locked as soon as it answers");
        }
        self.find_opener().await;
        tracing::info!("entrad was locked when it stopped, and still is");
        if note.is_erasing {
            let erased = self.erase(None).await;
            tracing::warn!(files = ?erased.files, left = ?erased.left, "a panic that was interrupted is ended");
        }
    }

    /// Locks: nothing begins from now on; what is under way may end, for a few seconds; then tokens and keys leave memory.
    /// A lock that is under way is joined.
    ///
    /// # Errors
    /// None today: whatever goes wrong is a warning of the answer, and it is locked all the same.
    pub async fn lock(
        self: &Arc<Self>,
        by: LockCause,
        caller: Option<LogCaller>,
    ) -> Result<LockAnswer, ErrorBody> {
        let now = self.parts.clock.now().epoch();
        let is_new = self.locking.change(|latch| latch.close(by, now));
        if patience(by).is_zero() {
            self.locking.hurry.notify_waiters();
        }
        let _order = self.locking.in_order.lock().await;
        // Somebody may have unlocked while it waited for its turn: then it locks again.
        let is_new = self.locking.change(|latch| latch.close(by, now)) || is_new;
        let mut warnings = Vec::new();
        self.find_opener().await;
        warnings.extend(self.put_note(false).await.err());
        if is_new {
            self.let_end(patience(by)).await;
            warnings.extend(self.unsaved_warnings());
            let event = Event::new(LogEvent::Locked).by(caller).detail(format!("It was locked {by}."));
            self.parts.audit.record(event);
            // The sealed file is to remember the end of the log, for as long as it can be written.
            if timeout(TO_SEAL, self.seal_log()).await.is_err() {
                tracing::info!("the end of the audit log is sealed when entrad is unlocked");
            }
            warnings.extend(self.drop_memory().await);
            tracing::info!("entrad is locked {by}");
        }
        let lock = self.lock_status().unwrap_or(LockStatus {
            state: LockState::Locked,
            since: now,
            by,
            opened_by: Opener::Store,
        });
        Ok(LockAnswer { lock, warnings })
    }

    /// Keeps the lock over a restart, where it is to be kept, or says why not.
    async fn put_note(&self, is_erasing: bool) -> Result<(), String> {
        let (Some(keeping), Some(shut)) = (self.locking.keeping.get(), self.locking.latch().shut()) else {
            return Ok(());
        };
        if !keeping.stays && !is_erasing {
            return Ok(());
        }
        let note = Note { since: shut.since, by: shut.by, is_erasing };
        let folder = keeping.folder.clone();
        off_thread(move || note::write(&folder, note)).await.map_err(|error| {
            let place = keeping.folder.join(note::FILE);
            format!(
                "It is locked, but a restart would unlock it: {} cannot be written ({error}).",
                place.display()
            )
        })
    }

    /// Takes the note away, or says why it is still there.
    async fn take_note_away(&self) -> Option<String> {
        let keeping = self.locking.keeping.get()?;
        let folder = keeping.folder.clone();
        let error = off_thread(move || note::remove(&folder)).await.err()?;
        let place = keeping.folder.join(note::FILE);
        Some(format!("The next start is locked again: {} cannot be deleted ({error}).", place.display()))
    }

    /// Finds out what it takes to unlock.
    async fn find_opener(&self) -> Opener {
        let home = self.parts.vault.home_of_file().await;
        let opener = match home {
            Ok(Some(HomeKind::Passphrase)) => Opener::Passphrase,
            _ => Opener::Store,
        };
        self.locking.change(|latch| latch.is_opened_by(opener));
        opener
    }
}

/// Has a thread of its own touch the disk, which may take its time.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    match timeout(DISK_TIME, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(std::io::Error::other("the thread that writes ended")),
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    }
}

/// What the disk may take for a file of some bytes.
const DISK_TIME: Duration = Duration::from_secs(5);

/// What sealing the end of the log may take on top.
const TO_SEAL: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;

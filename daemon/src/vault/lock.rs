//! Locked on purpose: the key leaves memory, and nothing is asked of a home until somebody unlocks.
//!
//! The one hard idea is order. What was asked for before a lock is done before it, since the vault's thread does one thing
//! after the other: a rotated refresh token that waits to be saved is saved, and only then does the key go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use entra_proto::secret::Passphrase;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout_at};

use super::error::VaultError;
use super::home::{Access, HomeKind};
use super::{FILE_TIME, Vault};

/// Whether the vault is locked, for the other threads.
#[derive(Debug, Default)]
pub(super) struct Locked {
    is_locked: AtomicBool,
    /// How often it was.
    count: AtomicU64,
}

impl Locked {
    pub(super) fn is_set(&self) -> bool {
        self.is_locked.load(Ordering::Acquire)
    }

    pub(super) fn set(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
        self.is_locked.store(true, Ordering::Release);
    }

    pub(super) fn clear(&self) {
        self.is_locked.store(false, Ordering::Release);
    }
}

/// What was erased, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Names of files that are gone.
    pub files: Vec<String>,
    /// What could not be erased, each a full sentence.
    pub left: Vec<String>,
}

impl Vault {
    /// Drops the key from memory once everything is done that was asked for before. From then on each request is refused with
    /// [`VaultError::Locked`]. It is done later where it is not done in time.
    ///
    /// # Errors
    /// [`VaultError::TimedOut`] while a home hangs, [`VaultError::Busy`] where too many requests wait for it.
    pub async fn lock(&self) -> Result<(), VaultError> {
        self.do_at_last(|worker| worker.lock()).await
    }

    /// Fetches the key, or opens it with this passphrase where the file is sealed so, and serves again. A file that only a
    /// sign-in can mend keeps nobody out: there is nothing in it to be had.
    ///
    /// # Errors
    /// Whatever keeps the vault from being opened; it stays locked then.
    pub async fn unlock(&self, passphrase: Option<Passphrase>, access: Access) -> Result<(), VaultError> {
        self.ask_even_locked(access, move |worker| worker.unlock(passphrase, access)).await
    }

    /// Erases the sealed file and whatever was set aside beside it, then its key in the home. It is locked from then on, and
    /// empty. Nobody is asked.
    ///
    /// # Errors
    /// As [`Vault::lock`].
    pub async fn erase(&self) -> Result<Erased, VaultError> {
        self.do_at_last(|worker| worker.erase()).await
    }

    /// The home that the file's header names, locked or not; nothing where there is no file, or none that can be read.
    ///
    /// # Errors
    /// Where the vault's thread does not answer.
    pub async fn home_of_file(&self) -> Result<Option<HomeKind>, VaultError> {
        self.ask_even_locked(Access::Silent, |worker| Ok(worker.header().map(|header| header.home()))).await
    }

    /// Refuses while it is locked, without asking its thread.
    ///
    /// # Errors
    /// [`VaultError::Locked`].
    pub fn must_be_unlocked(&self) -> Result<(), VaultError> {
        if self.shared.locked.is_set() { Err(VaultError::Locked) } else { Ok(()) }
    }

    /// How often it was locked: whoever keeps a copy of what it holds reads it anew when this grew.
    #[must_use]
    pub fn times_locked(&self) -> u64 {
        self.shared.locked.count.load(Ordering::Acquire)
    }

    /// Has the vault's thread do something whether anybody still waits for it or not.
    async fn do_at_last<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut super::Worker) -> T + Send + 'static,
    ) -> Result<T, VaultError> {
        let after = self.shared.limits.silent + FILE_TIME;
        let limit = Instant::now() + after;
        let (reply, answer) = oneshot::channel();
        let status = Arc::clone(&self.shared.status);
        let mut job: super::Job = Box::new(move |worker| {
            let done = work(worker);
            super::note(&status, worker, Some(&VaultError::Locked));
            // Nobody waits any more; it is done all the same.
            let _late = reply.send(done);
        });
        loop {
            job = match self.try_send(job) {
                Ok(()) => break,
                Err((VaultError::Busy, job)) if Instant::now() < limit => job,
                Err((error, _)) => return Err(error),
            };
            sleep(AGAIN).await;
        }
        match timeout_at(limit, answer).await {
            Ok(answered) => answered.map_err(|_| VaultError::ThreadGone),
            Err(_) => Err(VaultError::TimedOut { after }),
        }
    }
}

/// A full queue moves on within one call to a home.
const AGAIN: Duration = Duration::from_millis(20);

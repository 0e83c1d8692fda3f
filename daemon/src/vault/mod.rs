//! The sealed file and the homes of its key. The only room that names the keyring crates or DPAPI.
//!
//! One file holds every record, sealed under a 32-byte key; the key is in a *home*: the Secret Service, the Keychain
//! or Windows' data protection, as the system has it, or a passphrase's keeping. A [`Vault`] is a handle to one thread
//! that does all of it, one request after the other, so that a keyring that hangs holds up neither a caller nor the end
//! of the process. The thread sleeps on its queue when there is nothing to do. Invariants: no refresh token stays in
//! memory or reaches the disk unsealed; what [`Vault::put`] says is saved is on disk; a file that cannot be opened is
//! kept.

mod calls;
mod consents;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod home;
#[cfg(unix)]
mod key_text_unix;
mod lock;
mod locked_key;
mod memory;
mod passphrase;
#[cfg(all(test, unix))]
mod passphrase_tests_unix;
mod record;
mod sealed_file;
mod storage;
#[cfg(all(test, unix))]
mod storage_tests_unix;
#[cfg_attr(target_os = "linux", path = "secret_service_linux.rs")]
#[cfg_attr(target_os = "macos", path = "keychain_macos.rs")]
#[cfg_attr(windows, path = "dpapi_windows.rs")]
mod system_home;
#[cfg(test)]
mod tests;
mod worker;

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use entra_proto::error::ErrorBody;
use tokio::sync::oneshot;
use tokio::time::timeout;
use zeroize::Zeroizing;

use self::lock::Locked;
use self::worker::{Limits, Worker};
use crate::account::demand::Demands;
use crate::account::key::AccountKey;
use crate::account::refresh_token::RefreshToken;
use crate::harden::with_wiped_stack;

pub use self::consents::ConsentRecord;
pub use self::error::{HomeError, UNLOCK, VaultError};
pub use self::home::{Access, BadStoreChoice, HomeKind, StoreChoice};
pub use self::lock::Erased;
pub use self::passphrase::{MAX_PASSPHRASE, PassphraseError, PassphraseSource, passphrase_in_file};
pub use self::record::{Entry, LeaseRecord, LogEnd, LogHead, PromptRecord, QUARANTINE_SECONDS, Record};
pub use self::sealed_file::{Damage, FormatError, KeyId};
pub use self::storage::FILE as SEALED_FILE;
pub use crate::files::{Fault, FileError};

/// Where the vault is and how it is opened.
#[derive(Clone, Debug)]
pub struct VaultOptions {
    /// The folder of `vault.sealed`, made on the first write. The last component may be no symbolic link.
    pub state_dir: PathBuf,
    /// Where the key is to live.
    pub choice: StoreChoice,
    /// Where the passphrase is, for that home.
    pub passphrase: Option<PassphraseSource>,
}

/// The sealed records of this user. Clones are handles to the same vault.
#[derive(Clone)]
pub struct Vault {
    shared: Arc<Shared>,
}

/// What the vault is like just now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VaultStatus {
    /// The home of the key in use; `None` before a key was had.
    pub home: Option<HomeKind>,
    /// How the last request went.
    pub state: VaultState,
    /// Calls to a home that were given up and still hang.
    pub stuck_calls: usize,
}

/// See [`VaultStatus::state`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VaultState {
    /// There is no file yet, and one could be made.
    Empty,
    /// The vault could not be used.
    Failed(Box<ErrorBody>),
    /// The key is in memory and fits the file.
    Open,
    /// Nobody has asked for anything yet.
    #[default]
    Untouched,
}

/// What a secret is for that belongs to no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretName {
    /// The passphrase of the key of the client certificate.
    ClientKeyPassphrase,
}

impl SecretName {
    /// As it stands in the file.
    fn as_str(self) -> &'static str {
        match self {
            Self::ClientKeyPassphrase => "client_key_passphrase",
        }
    }
}

struct Shared {
    limits: Limits,
    locked: Arc<Locked>,
    prompting: Arc<AtomicBool>,
    queue: Mutex<Queue>,
    status: Arc<Mutex<VaultStatus>>,
}

enum Queue {
    Idle(Box<Worker>),
    Running(SyncSender<Job>),
    Gone,
}

type Job = Box<dyn FnOnce(&mut Worker) + Send>;

impl Vault {
    /// A handle. Nothing is opened, read or started yet.
    #[must_use]
    pub fn new(options: VaultOptions) -> Self {
        Self::with_worker(Worker::new(options, LIMITS), LIMITS)
    }

    fn with_worker(worker: Worker, limits: Limits) -> Self {
        let (prompting, locked) = (worker.prompting(), worker.locked());
        let queue = Mutex::new(Queue::Idle(Box::new(worker)));
        Self { shared: Arc::new(Shared { limits, locked, prompting, queue, status: Arc::default() }) }
    }

    /// Fetches the key and tries it on the file; where there is no file yet, sees whether a key could be made.
    /// May be called again at any time, as after [`HomeError::Locked`].
    ///
    /// # Errors
    /// Whatever keeps the vault from being used. [`VaultError::is_mended_by_sign_in`] tells which ones a sign-in
    /// gets over, setting the old file aside; none of them means that nobody is signed in.
    pub async fn open(&self, access: Access) -> Result<(), VaultError> {
        self.ask(access, move |worker| worker.open(access)).await
    }

    /// Every record without its token; none before the first sign-in.
    ///
    /// # Errors
    /// Where the vault cannot be opened.
    pub async fn records(&self, access: Access) -> Result<Vec<Entry>, VaultError> {
        self.ask(access, move |worker| Ok(worker.load(access)?.unwrap_or_default().into_entries())).await
    }

    /// One refresh token, for one request.
    ///
    /// # Errors
    /// Where the vault cannot be opened without a person, has no such record, or has it in quarantine.
    pub async fn refresh_token(&self, key: &AccountKey) -> Result<RefreshToken, VaultError> {
        let key = key.clone();
        self.ask(Access::Silent, move |worker| {
            match worker.load(Access::Silent)?.unwrap_or_default().take(&key) {
                None => Err(VaultError::NotFound(key)),
                Some(record) if record.entry.quarantined_on.is_some() => Err(VaultError::Quarantined(key)),
                Some(record) => Ok(record.refresh_token),
            }
        })
        .await
    }

    /// Saves a record, in place of the one of its key. It is on disk when this returns.
    ///
    /// With [`Access::MayPrompt`], which is a person's sign-in, a damaged file or one whose key is lost is set aside
    /// beside the new one. Dropping the future before its turn came cancels it.
    ///
    /// # Errors
    /// Where the vault cannot be opened or written; the old file is then as it was.
    pub async fn put(&self, record: Record, access: Access) -> Result<(), VaultError> {
        self.ask(access, move |worker| worker.add(access, |body| body.put(record))).await
    }

    /// Saves the token that Entra gave for the old one. It is on disk when this returns. `used_on` is when Entra
    /// gave it, in seconds since 1970. A quarantine ends.
    ///
    /// # Errors
    /// As [`Vault::put`], and [`VaultError::NotFound`] where the record was removed meanwhile. The token comes back,
    /// so that it can be saved later. After [`VaultError::TimedOut`] it may be on disk all the same.
    pub async fn replace_refresh_token(
        &self,
        key: &AccountKey,
        token: RefreshToken,
        used_on: u64,
    ) -> Result<(), (VaultError, RefreshToken)> {
        let (token, key) = (Arc::new(token), key.clone());
        let given = Arc::clone(&token);
        let saved = self.ask(Access::Silent, move |worker| {
            worker.change(&key, |body| body.replace_token(&key, copy_of(&given), used_on))
        });
        match saved.await {
            Ok(()) => Ok(()),
            // Where the thread still holds on to its half, the caller gets a copy.
            Err(error) => Err((error, Arc::try_unwrap(token).unwrap_or_else(|shared| copy_of(&shared)))),
        }
    }

    /// Marks a record's token dead since then (seconds since 1970) and for this `AADSTS` number. It is kept for [`QUARANTINE_SECONDS`].
    ///
    /// # Errors
    /// As [`Vault::replace_refresh_token`].
    pub async fn quarantine(
        &self,
        key: &AccountKey,
        since: u64,
        number: Option<u32>,
    ) -> Result<(), VaultError> {
        self.mark(key, Some(since), number).await
    }

    /// Takes a record out of quarantine.
    ///
    /// # Errors
    /// As [`Vault::replace_refresh_token`].
    pub async fn revive(&self, key: &AccountKey) -> Result<(), VaultError> {
        self.mark(key, None, None).await
    }

    /// Keeps what was learned of an account's demands for a person.
    ///
    /// # Errors
    /// As [`Vault::replace_refresh_token`].
    pub async fn learn(&self, key: &AccountKey, demands: Demands) -> Result<(), VaultError> {
        let key = key.clone();
        self.ask(Access::Silent, move |worker| worker.change(&key, |body| body.learn(&key, demands))).await
    }

    /// Forgets the records whose time in quarantine is over; others do it when they save.
    ///
    /// # Errors
    /// As [`Vault::replace_refresh_token`].
    pub async fn purge(&self) -> Result<(), VaultError> {
        self.ask(Access::Silent, Worker::purge).await
    }

    /// Forgets a record, at once and for good.
    ///
    /// # Errors
    /// As [`Vault::replace_refresh_token`].
    pub async fn remove(&self, key: &AccountKey) -> Result<(), VaultError> {
        let key = key.clone();
        self.ask(Access::Silent, move |worker| worker.change(&key, |body| body.remove(&key))).await
    }

    /// Every lease; none before the first one.
    ///
    /// # Errors
    /// Where the vault cannot be opened.
    pub async fn leases(&self) -> Result<Vec<LeaseRecord>, VaultError> {
        let silent = Access::Silent;
        self.ask(silent, move |worker| Ok(worker.load(silent)?.unwrap_or_default().into_leases())).await
    }

    /// Changes the leases. What was changed is on disk when this returns; the first lease may begin a vault.
    ///
    /// # Errors
    /// Where the vault cannot be opened or written; the old file is then as it was.
    pub async fn change_leases(
        &self,
        change: impl FnOnce(&mut Vec<LeaseRecord>) + Send + 'static,
    ) -> Result<(), VaultError> {
        self.ask(Access::Silent, move |worker| worker.change_leases(change)).await
    }

    /// What was asked of persons before.
    ///
    /// # Errors
    /// Where the vault cannot be opened.
    pub async fn prompts(&self) -> Result<Vec<PromptRecord>, VaultError> {
        let silent = Access::Silent;
        self.ask(silent, move |worker| Ok(worker.load(silent)?.unwrap_or_default().into_prompts())).await
    }

    /// Keeps what was asked of persons, where there is a vault already.
    ///
    /// # Errors
    /// Where the vault cannot be opened or written; the old file is then as it was.
    pub async fn set_prompts(&self, prompts: Vec<PromptRecord>) -> Result<(), VaultError> {
        self.ask(Access::Silent, move |worker| worker.set_prompts(prompts)).await
    }

    /// The secret of this name; nothing where none is kept.
    ///
    /// # Errors
    /// Where the vault cannot be opened without a person.
    pub async fn secret(&self, name: SecretName) -> Result<Option<Zeroizing<String>>, VaultError> {
        let silent = Access::Silent;
        self.ask(silent, move |worker| {
            Ok(worker.load(silent)?.unwrap_or_default().take_secret(name.as_str()))
        })
        .await
    }

    /// Keeps a secret under this name, or forgets it. What was changed is on disk when this returns; the first secret may
    /// begin a vault.
    ///
    /// # Errors
    /// Where the vault cannot be opened or written; the old file is then as it was.
    pub async fn set_secret(
        &self,
        name: SecretName,
        secret: Option<Zeroizing<String>>,
    ) -> Result<(), VaultError> {
        self.ask(Access::Silent, move |worker| worker.set_secret(name.as_str(), secret)).await
    }

    /// The last entry of the audit log, as far as the sealed file remembers it.
    ///
    /// # Errors
    /// Where the vault cannot be opened.
    pub async fn log_head(&self) -> Result<Option<LogHead>, VaultError> {
        let silent = Access::Silent;
        self.ask(silent, move |worker| Ok(worker.load(silent)?.unwrap_or_default().into_log_head())).await
    }

    /// From now on each save remembers where the audit log ends: `end` says that, on the vault's thread, given what was
    /// remembered before.
    pub fn remember_log(&self, end: Arc<LogEnd>) {
        // A queue that is full or gone saves nothing either.
        let _unsaved = self.send(Box::new(move |worker| worker.follow_log(end)));
    }

    /// Saves where the audit log ends, where there is a vault already.
    ///
    /// # Errors
    /// Where the vault cannot be opened or written; the old file is then as it was.
    pub async fn save_log_head(&self) -> Result<(), VaultError> {
        self.ask(Access::Silent, Worker::save_log_head).await
    }

    /// What the vault is like, without asking anybody.
    #[must_use]
    pub fn status(&self) -> VaultStatus {
        self.shared.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What `status` warns of.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        locked_key::warning().map(str::to_owned).into_iter().collect()
    }

    async fn mark(
        &self,
        key: &AccountKey,
        since: Option<u64>,
        number: Option<u32>,
    ) -> Result<(), VaultError> {
        let key = key.clone();
        self.ask(Access::Silent, move |worker| {
            worker.change(&key, |body| body.quarantine(&key, since, number))
        })
        .await
    }

    /// Has the vault's thread do something, and waits no longer than a call of this kind may take. Nothing while it is locked.
    async fn ask<T: Send + 'static>(
        &self,
        access: Access,
        work: impl FnOnce(&mut Worker) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        self.ask_even_locked(access, |worker| worker.must_be_unlocked().and_then(|()| work(worker))).await
    }

    async fn ask_even_locked<T: Send + 'static>(
        &self,
        access: Access,
        work: impl FnOnce(&mut Worker) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let (reply, mut answer) = oneshot::channel();
        let status = Arc::clone(&self.shared.status);
        self.send(Box::new(move |worker| {
            // Whoever has given up was told so, and what they asked for must not happen behind their back.
            if !reply.is_closed() {
                let result = work(worker);
                note(&status, worker, result.as_ref().err());
                let _ = reply.send(result);
            }
        }))?;
        let after = self.shared.limits.of(access) + FILE_TIME;
        let mut answered = timeout(PROMPT_TIME, &mut answer).await;
        if answered.is_err() {
            // With nobody there, it is of no use to wait for somebody else's dialog.
            if access == Access::Silent && self.shared.prompting.load(Ordering::SeqCst) {
                return Err(VaultError::Prompting);
            }
            answered = timeout(after, answer).await;
        }
        match answered {
            Ok(answered) => answered.map_err(|_| VaultError::ThreadGone)?,
            Err(_) => Err(VaultError::TimedOut { after }),
        }
    }

    fn send(&self, job: Job) -> Result<(), VaultError> {
        self.try_send(job).map_err(|(error, _)| error)
    }

    /// The same, and gives the job back where it is refused.
    fn try_send(&self, job: Job) -> Result<(), (VaultError, Job)> {
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Queue::Idle(_) = *queue
            && let Queue::Idle(worker) = std::mem::replace(&mut *queue, Queue::Gone)
        {
            *queue = start(*worker);
        }
        let Queue::Running(jobs) = &*queue else { return Err((VaultError::ThreadGone, job)) };
        jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(job) => (VaultError::Busy, job),
            TrySendError::Disconnected(job) => (VaultError::ThreadGone, job),
        })
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// The thread ends with the last handle, and never holds up the end of the process.
fn start(mut worker: Worker) -> Queue {
    let (sender, jobs) = sync_channel::<Job>(MAX_WAITING);
    let thread = thread::Builder::new().name("entrad-vault".to_owned());
    match thread.spawn(move || jobs.iter().for_each(|job| with_wiped_stack(|| job(&mut worker)))) {
        Ok(_) => Queue::Running(sender),
        Err(_) => Queue::Gone,
    }
}

fn note(status: &Mutex<VaultStatus>, worker: &Worker, error: Option<&VaultError>) {
    let mut status = status.lock().unwrap_or_else(PoisonError::into_inner);
    status.home = worker.home();
    status.stuck_calls = worker.stuck();
    status.state = match error {
        Some(error) if !error.is_about_one_record() => VaultState::Failed(Box::new(error.to_error_body())),
        _ if status.home.is_some() => VaultState::Open,
        _ => VaultState::Empty,
    };
}

fn copy_of(token: &RefreshToken) -> RefreshToken {
    RefreshToken::new(token.expose().to_owned())
}

/// A person has two minutes at the unlock dialog; in the background a keyring answers in milliseconds or not;
/// stretching takes a tenth of a second on a desk and some seconds on the smallest of machines.
const LIMITS: Limits = Limits {
    prompted: Duration::from_secs(120),
    silent: Duration::from_secs(5),
    stretching: Duration::from_secs(30),
};

/// What a request may take on top for reading, writing and flushing the file, on a slow disk.
const FILE_TIME: Duration = Duration::from_secs(10);

/// How long a request of the background waits to see whether another one asks a person.
const PROMPT_TIME: Duration = Duration::from_secs(1);

/// Requests that may wait: more than there are accounts, and no more than memory is worth.
const MAX_WAITING: usize = 64;

//! What the vault's thread does: load, change and save the sealed file, and fetch its key when it must.
//!
//! The file is the truth, read anew for each request; the key is the only secret that stays. Each change is
//! whole: a new key is in its home before a file is sealed under it, and the old file goes only when the new one
//! is on disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use zeroize::Zeroizing;

use super::VaultOptions;
use super::calls::Calls;
use super::error::{HomeError, VaultError};
use super::home::{Access, Home, HomeKind, StoreChoice, random};
use super::lock::Locked;
use super::locked_key::LockedKey;
use super::memory::Memory;
use super::passphrase::Passphrase;
use super::record::{Body, LeaseRecord, LogEnd, PromptRecord};
use super::sealed_file::{FormatError, Header, KeyId, seal, unseal};
use super::storage::{MAX_FILE, Storage};
use super::system_home::SystemHome;
use crate::account::key::AccountKey;

mod lock;

/// The state behind the vault's thread.
pub(super) struct Worker {
    calls: Calls,
    choice: StoreChoice,
    homes: Homes,
    key: Option<OpenKey>,
    limits: Limits,
    /// Set while it is locked.
    locked: Arc<Locked>,
    /// Where the audit log ends, which every save remembers.
    log_end: Option<Arc<LogEnd>>,
    /// Set while a person is being asked.
    prompting: Arc<AtomicBool>,
    /// A key that is in its home already and seals no file yet, since the file could not be written.
    spare: Option<OpenKey>,
    storage: Storage,
}

/// The homes that were set up.
pub(super) struct Homes {
    pub(super) passphrase: Option<Arc<dyn Home>>,
    /// The system's own, and which one that is.
    pub(super) system: (HomeKind, Arc<dyn Home>),
}

/// How long a home may take to answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// With a person at an unlock dialog.
    pub(super) prompted: Duration,
    /// With nobody there.
    pub(super) silent: Duration,
    /// For stretching a passphrase, which takes as long as the processor needs.
    pub(super) stretching: Duration,
}

impl Limits {
    pub(super) fn of(self, access: Access) -> Duration {
        match access {
            Access::MayPrompt => self.prompted,
            Access::Silent => self.silent,
        }
    }
}

#[derive(Debug)]
struct OpenKey {
    header: Header,
    key: LockedKey,
}

impl Worker {
    pub(super) fn new(options: VaultOptions, limits: Limits) -> Self {
        let passphrase = options.passphrase.map(|source| Arc::new(Passphrase::new(source)) as Arc<dyn Home>);
        let homes = Homes { passphrase, system: (HomeKind::SYSTEM, Arc::new(SystemHome)) };
        Self::with_homes(options.state_dir, options.choice, homes, limits)
    }

    pub(super) fn with_homes(state_dir: PathBuf, choice: StoreChoice, homes: Homes, limits: Limits) -> Self {
        let storage = match choice {
            StoreChoice::Pinned(HomeKind::Memory) => Storage::Memory(None),
            _ => Storage::folder(state_dir),
        };
        let prompting = Arc::default();
        Self {
            calls: Calls::default(),
            choice,
            homes,
            key: None,
            limits,
            locked: Arc::default(),
            log_end: None,
            prompting,
            spare: None,
            storage,
        }
    }

    /// Fetches the key and tries it on the file; without a file, sees whether a key could be made.
    pub(super) fn open(&mut self, access: Access) -> Result<(), VaultError> {
        match self.load(access)? {
            Some(_) => Ok(()),
            None => self.choose().map(drop),
        }
    }

    /// The records; none before the first sign-in.
    pub(super) fn load(&mut self, access: Access) -> Result<Option<Body>, VaultError> {
        let Some(bytes) = self.storage.read()? else { return Ok(None) };
        let (header, _) = Header::parse(&bytes).map_err(|cause| self.refused(cause))?;
        let opened = match self.key.take_if(|key| key.header == header) {
            Some(key) => key,
            None => self.fetch(header, access)?,
        };
        let body = unseal(bytes, &opened.key).map_err(|cause| self.refused(cause));
        self.key = Some(opened);
        body.map(Some)
    }

    /// Changes one record that must be there.
    pub(super) fn change(
        &mut self,
        key: &AccountKey,
        change: impl FnOnce(&mut Body) -> bool,
    ) -> Result<(), VaultError> {
        let mut body = self.load(Access::Silent)?.unwrap_or_default();
        if !change(&mut body) {
            return Err(VaultError::NotFound(key.clone()));
        }
        self.save(body, None)
    }

    /// Changes the leases; nothing is written where nothing changes.
    pub(super) fn change_leases(
        &mut self,
        change: impl FnOnce(&mut Vec<LeaseRecord>),
    ) -> Result<(), VaultError> {
        match self.load(Access::Silent)? {
            Some(mut body) => {
                if body.change_leases(change) {
                    self.save(body, None)
                } else {
                    Ok(())
                }
            }
            None => self.add(Access::Silent, |body| {
                body.change_leases(change);
            }),
        }
    }

    /// Keeps a secret of a name, or forgets it; nothing is written where nothing changes.
    pub(super) fn set_secret(
        &mut self,
        name: &'static str,
        secret: Option<Zeroizing<String>>,
    ) -> Result<(), VaultError> {
        match (self.load(Access::Silent)?, secret) {
            (Some(mut body), secret) => {
                if body.set_secret(name, secret) {
                    self.save(body, None)
                } else {
                    Ok(())
                }
            }
            (None, None) => Ok(()),
            (None, secret) => self.add(Access::Silent, |body| {
                body.set_secret(name, secret);
            }),
        }
    }

    /// Keeps what was asked of persons; nothing is written where nothing changes, or where there is no vault.
    pub(super) fn set_prompts(&mut self, prompts: Vec<PromptRecord>) -> Result<(), VaultError> {
        let Some(mut body) = self.load(Access::Silent)? else { return Ok(()) };
        if body.set_prompts(prompts) { self.save(body, None) } else { Ok(()) }
    }

    /// Asks where the audit log ends whenever it saves.
    pub(super) fn follow_log(&mut self, end: Arc<LogEnd>) {
        self.log_end = Some(end);
    }

    /// Saves where the log ends, where there is a vault.
    pub(super) fn save_log_head(&mut self) -> Result<(), VaultError> {
        match self.load(Access::Silent)? {
            Some(body) => self.save(body, None),
            None => Ok(()),
        }
    }

    /// Adds records. The first one begins a vault; and where a person signs in while the old file cannot be opened
    /// for good, the old file is set aside.
    pub(super) fn add(&mut self, access: Access, add: impl FnOnce(&mut Body)) -> Result<(), VaultError> {
        let (mut body, aside, is_new) = match self.load(access) {
            Ok(Some(body)) => (body, None, false),
            Ok(None) => (Body::default(), None, true),
            Err(error) if access == Access::MayPrompt && error.is_mended_by_sign_in() => {
                tracing::warn!(%error, "Signing in begins a new vault.");
                (Body::default(), Some(aside_name(&error)), true)
            }
            Err(error) => return Err(error),
        };
        add(&mut body);
        if !is_new {
            return self.save(body, None);
        }
        self.key = Some(self.new_key(access)?);
        self.save(body, aside.as_deref()).inspect_err(|_| self.spare = self.key.take())
    }

    /// Saves anew where that drops a record, which every save does.
    pub(super) fn purge(&mut self) -> Result<(), VaultError> {
        let Some(mut body) = self.load(Access::Silent)? else { return Ok(()) };
        if body.purge(now()) { self.save(body, None) } else { Ok(()) }
    }

    /// How many calls to a home have not come back.
    pub(super) fn stuck(&self) -> usize {
        self.calls.stuck()
    }

    /// Whether a person is being asked just now, for whoever waits.
    pub(super) fn prompting(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.prompting)
    }

    /// The home of the open key.
    pub(super) fn home(&self) -> Option<HomeKind> {
        self.key.as_ref().map(|open| open.header.home())
    }

    pub(super) fn save(&mut self, mut body: Body, aside: Option<&str>) -> Result<(), VaultError> {
        // Whoever saves has just loaded, or made a key.
        let Some(open) = &self.key else { return Err(VaultError::ThreadGone) };
        body.purge(now());
        if let Some(end) = &self.log_end {
            body.remember_log(&**end);
        }
        let failed = |source| VaultError::Home { home: open.header.home(), source };
        let nonce = random().map_err(|error| failed(error.into()))?;
        let bytes = seal(&open.header, nonce, &open.key, &body);
        let bytes = bytes.map_err(|error| failed(HomeError::System(error.into())))?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE) {
            return Err(VaultError::TooLarge { bytes: bytes.len() });
        }
        Ok(self.storage.write(&bytes, aside)?)
    }

    /// Asks the home that the file's header names.
    fn fetch(&mut self, header: Header, access: Access) -> Result<OpenKey, VaultError> {
        let kind = header.home();
        if let StoreChoice::Pinned(pinned) = self.choice
            && pinned != kind
        {
            return Err(VaultError::ChoiceDiffers { pinned, file: kind, path: self.storage.path() });
        }
        let home = self.home_of(kind)?;
        let asked = header.clone();
        match self.call(kind, access, move || home.fetch(&asked, access)) {
            Ok(key) => Ok(OpenKey { header, key }),
            Err(HomeError::NoKey) => {
                Err(VaultError::KeyMissing { home: kind, key_id: header.key_id, path: self.storage.path() })
            }
            Err(source) => Err(VaultError::Home { home: kind, source }),
        }
    }

    fn new_key(&mut self, access: Access) -> Result<OpenKey, VaultError> {
        if let Some(spare) = self.spare.take() {
            return Ok(spare);
        }
        let kind = self.choose()?;
        let failed = |source| VaultError::Home { home: kind, source };
        let key_id = KeyId(random().map_err(|error| failed(error.into()))?);
        let home = self.home_of(kind)?;
        let made = self.call(kind, access, move || home.create(key_id, access));
        let (key, slot) = made.map_err(failed)?;
        Ok(OpenKey { header: Header { key_id, slot }, key })
    }

    /// The home of a new key. `auto` passes the system's own over only where there is none: one that is locked
    /// or hangs would be back tomorrow, and the person would have two vaults.
    fn choose(&mut self) -> Result<HomeKind, VaultError> {
        match self.choice {
            StoreChoice::Pinned(kind) => self.check(kind).map(|()| kind),
            StoreChoice::Auto => match self.check(self.homes.system.0) {
                Ok(()) => Ok(self.homes.system.0),
                Err(VaultError::Home { source, .. }) if is_no_keyring(&source) => {
                    if self.homes.passphrase.is_none() {
                        return Err(VaultError::NoHome { system: source });
                    }
                    self.check(HomeKind::Passphrase).map(|()| HomeKind::Passphrase)
                }
                Err(error) => Err(error),
            },
        }
    }

    fn check(&mut self, kind: HomeKind) -> Result<(), VaultError> {
        let home = self.home_of(kind)?;
        let checked = self.calls.run(self.limits.silent, move || home.check());
        checked.map_err(|source| VaultError::Home { home: kind, source })
    }

    /// Calls a home that may ask a person, where there is one.
    fn call<T: Send + 'static>(
        &self,
        kind: HomeKind,
        access: Access,
        call: impl FnOnce() -> Result<T, HomeError> + Send + 'static,
    ) -> Result<T, HomeError> {
        let limit = match kind {
            HomeKind::Passphrase => self.limits.of(access).max(self.limits.stretching),
            _ => self.limits.of(access),
        };
        self.prompting.store(access == Access::MayPrompt, Ordering::SeqCst);
        let result = self.calls.run(limit, call);
        self.prompting.store(false, Ordering::SeqCst);
        result
    }

    fn home_of(&self, kind: HomeKind) -> Result<Arc<dyn Home>, VaultError> {
        match kind {
            HomeKind::Memory => Ok(Arc::new(Memory)),
            HomeKind::Passphrase => self
                .homes
                .passphrase
                .clone()
                .ok_or_else(|| VaultError::PassphraseNotConfigured { path: self.storage.path() }),
            kind if kind == self.homes.system.0 => Ok(Arc::clone(&self.homes.system.1)),
            kind => Err(VaultError::Home { home: kind, source: HomeError::OtherSystem }),
        }
    }

    fn refused(&self, cause: FormatError) -> VaultError {
        let path = self.storage.path();
        match cause {
            FormatError::Damaged(cause) => VaultError::Damaged { path, cause },
            FormatError::Newer { .. } | FormatError::UnknownHome { .. } => {
                VaultError::Unreadable { path, cause }
            }
        }
    }
}

fn is_no_keyring(error: &HomeError) -> bool {
    matches!(error, HomeError::Absent | HomeError::NoBus | HomeError::NoCollection)
}

/// Under which name a file that cannot be opened is kept.
fn aside_name(error: &VaultError) -> String {
    match error {
        VaultError::KeyMissing { key_id, .. } => format!("vault.sealed.keyless-{key_id}"),
        _ => format!("vault.sealed.damaged-{}", now()),
    }
}

/// Seconds since 1970; 0 should the clock stand before that.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

//! Unlocking: by the store, which hands the key out, or by the passphrase that the key is sealed with.

use std::sync::Arc;

use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::lock::{Opener, UnlockAnswer, UnlockRequest};
use entra_proto::log::{LogCaller, LogEvent};
use entra_proto::secret::Passphrase;

use super::super::Broker;
use super::tries::{self, Tries};
use super::{Latch, off_thread};
use crate::access::caller::Caller;
use crate::audit::Event;
use crate::vault::{Access, MAX_PASSPHRASE, VaultError};

impl Broker {
    /// Serves again, with the accounts that were there. Where it is open already nothing happens.
    ///
    /// # Errors
    /// `locked` where it takes the passphrase and none was given, `refused` where it is wrong, `throttled` where the wrong
    /// ones before it have it wait, and whatever keeps the store from handing out the key. It stays locked then.
    pub async fn unlock(
        self: &Arc<Self>,
        request: UnlockRequest,
        caller: Option<LogCaller>,
    ) -> Result<UnlockAnswer, ErrorBody> {
        let _order = self.locking.in_order.lock().await;
        if self.lock_status().is_none() {
            return Ok(UnlockAnswer::default());
        }
        let opened = match (self.find_opener().await, request.passphrase) {
            (Opener::Store, _) => self.opened(None).await,
            (Opener::Passphrase, None) => Err(VaultError::PassphraseNeeded.to_error_body()),
            (Opener::Passphrase, Some(passphrase)) => self.open_by(passphrase).await,
        };
        let event = |event| Event::new(event).by(caller);
        if let Err(error) = opened {
            self.parts.audit.record(event(LogEvent::UnlockFailed).failed(&error));
            return Err(error);
        }
        let warnings = self.take_note_away().await.into_iter().collect();
        self.locking.change(|latch| *latch = Latch::Open);
        self.parts.audit.record(event(LogEvent::Unlocked));
        tracing::info!("entrad is unlocked");
        if let Err(error) = self.restore(Access::Silent).await {
            tracing::warn!("the accounts cannot be read: {}", error.message);
        }
        self.seal_log().await;
        Ok(UnlockAnswer { was_locked: true, warnings })
    }

    /// Notes that somebody was not let unlock.
    pub fn note_no_unlock(&self, caller: &Caller, error: &ErrorBody) {
        let event = Event::new(LogEvent::UnlockFailed).by(Some(caller.noted()));
        self.parts.audit.record(event.failed(error));
    }

    async fn opened(&self, passphrase: Option<Passphrase>) -> Result<(), ErrorBody> {
        let opened = self.parts.vault.unlock(passphrase, Access::MayPrompt).await;
        opened.map_err(|error| error.to_error_body())
    }

    /// Tries a passphrase, where the wrong ones before it let it.
    async fn open_by(&self, passphrase: Passphrase) -> Result<(), ErrorBody> {
        if passphrase.expose().is_empty() || passphrase.expose().len() > MAX_PASSPHRASE {
            let sentence = format!("A passphrase has 1 to {MAX_PASSPHRASE} bytes.");
            return Err(
                ErrorBody::new(ErrorCode::BadRequest, sentence).with_hint("Run `entra unlock` again.")
            );
        }
        let now = || self.parts.clock.now().epoch();
        let mut tries = self.tries().await?;
        let wait = tries.wait(now());
        if wait > 0 {
            return Err(too_early(wait));
        }
        tries.begin(now());
        self.keep_tries(tries).await;
        let Err(error) = self.parts.vault.unlock(Some(passphrase), Access::MayPrompt).await else {
            self.keep_tries(Tries::default()).await;
            return Ok(());
        };
        if !error.is_wrong_passphrase() {
            tries.take_back();
            self.keep_tries(tries).await;
            return Err(error.to_error_body());
        }
        let wait = tries.wait(now());
        let sentence = "The passphrase does not open the vault. It stays locked.";
        Err(ErrorBody::new(ErrorCode::Refused, sentence)
            .with_hint(format!("The next one is taken in {wait} s; then run `entra unlock` again."))
            .with_retry_after(wait))
    }

    async fn tries(&self) -> Result<Tries, ErrorBody> {
        let Some(keeping) = self.locking.keeping.get() else { return Ok(Tries::default()) };
        let (folder, now) = (keeping.folder.clone(), self.parts.clock.now().epoch());
        off_thread(move || Tries::read(&folder, now)).await.map_err(|error| {
            let place = keeping.folder.join(tries::FILE);
            let sentence = format!(
                "How many passphrases were wrong cannot be told, so none is tried: {} can be neither read nor replaced ({error}).",
                place.display()
            );
            let hint = format!("Move {} away, then run `entra unlock` again.", place.display());
            ErrorBody::new(ErrorCode::StoreUnavailable, sentence).with_hint(hint)
        })
    }

    async fn keep_tries(&self, tries: Tries) {
        let Some(keeping) = self.locking.keeping.get() else { return };
        let folder = keeping.folder.clone();
        if let Err(error) = off_thread(move || tries.write(&folder)).await {
            // Not a reason to keep a person out: a full disk is no attack, and Argon2id slows each try.
            tracing::warn!(%error, "{} cannot be written: a restart forgives wrong passphrases", tries::FILE);
        }
    }
}

fn too_early(wait: u64) -> ErrorBody {
    let sentence = format!("Wrong passphrases were given; the next one is taken in {wait} s.");
    ErrorBody::new(ErrorCode::Throttled, sentence)
        .with_hint("Wait, then run `entra unlock` again.")
        .with_retry_after(wait)
}

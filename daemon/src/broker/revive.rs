//! A refresh token that Entra declared dead is kept for a day, and can be tried again by hand: verdicts have
//! been wrong, as when a policy was changed and changed back.

use std::sync::Arc;
use std::time::Duration;

use entra_proto::account::AccountInfo;
use entra_proto::error::{ErrorBody, ErrorCode};
use tokio::sync::watch;

use super::tokens::told;
use super::{Broker, State, Told, rooted_in};
use crate::account::key::AccountKey;
use crate::account::slot::Refusal;
use crate::account::time::Now;
use crate::entra::words::{self, About};
use crate::vault::{Access, QUARANTINE_SECONDS, VaultError};

impl Broker {
    /// `POST /v1/accounts/{id}/revive`: takes the account's refresh token out of quarantine and tries it. An
    /// account that is well is left alone.
    ///
    /// # Errors
    /// `not_found`, `account_needed`, `sign_in_needed` where the token is gone or Entra refuses it again, and
    /// whatever else a refresh can meet; the token is out of quarantine then.
    pub async fn revive(self: &Arc<Self>, id: &str, profile: Option<&str>) -> Result<AccountInfo, ErrorBody> {
        self.restore(Access::Silent).await?;
        let key = self.named(id, profile)?;
        if self.state().machine.death(&key).is_none() {
            return self.state().info(&key).ok_or_else(vanished);
        }
        let broker = Arc::clone(self);
        // In a task of its own: a caller that hangs up must not leave alive in the vault what is dead in memory.
        let tried = tokio::spawn(async move { broker.try_again(&key).await });
        tried.await.map_err(|_| {
            ErrorBody::new(ErrorCode::Internal, "The refresh token was not tried, by a defect of entrad.")
                .with_hint("Run `entra status`; the log has more.")
        })?
    }

    async fn try_again(self: &Arc<Self>, key: &AccountKey) -> Result<AccountInfo, ErrorBody> {
        self.parts.vault.revive(key).await.map_err(|error| match error {
            VaultError::NotFound(_) => ErrorBody::new(
                ErrorCode::SignInNeeded,
                "The refresh token was deleted after a day in quarantine.",
            )
            .with_hint("Run `entra login`."),
            error => error.to_error_body(),
        })?;
        let now = self.parts.clock.now();
        let (trial, order) = {
            let mut state = self.state();
            if let Some(known) = state.known.get_mut(key) {
                known.entry.quarantined_on = None;
                known.entry.quarantined_for = None;
            }
            let Some((flight, order)) = state.machine.revive(key, now) else {
                self.rescheduled.notify_one();
                return Err(state.untried(key, now));
            };
            let sender = state.flights.entry(flight).or_insert_with(|| watch::Sender::new(None));
            (sender.subscribe(), order)
        };
        if let Some(order) = order {
            self.launch(order);
        }
        match told(trial).await {
            Told::Landed(landing) if landing.result.is_err() => {
                let refusal = landing.result.as_ref().err();
                Err(refusal.map_or_else(vanished, |refusal| self.state().refused(key, refusal)))
            }
            Told::Landed(_) | Told::AskAgain => {
                tracing::info!("a refresh token is out of quarantine");
                self.note_revival_of(key);
                self.state().info(key).ok_or_else(vanished)
            }
        }
    }

    /// Deletes quarantined refresh tokens once their day is over; `since` in seconds since 1970. One task waits
    /// for all of them.
    pub(super) fn purge_after_quarantine(self: &Arc<Self>, since: u64) {
        let mut state = self.state();
        let is_awaited = !state.quarantines.is_empty();
        state.quarantines.insert(since);
        drop(state);
        if !is_awaited {
            tokio::spawn(Arc::clone(self).purge_one_by_one());
        }
    }

    async fn purge_one_by_one(self: Arc<Self>) {
        while let Some(since) = self.first_quarantine() {
            let now = self.parts.clock.now();
            let left = ends_on(since).saturating_sub(now.epoch()).min(QUARANTINE_SECONDS);
            self.parts.clock.wait_until(now.boot + Duration::from_secs(left) + AFTERWARDS).await;
            match self.parts.vault.purge().await {
                Ok(()) => tracing::info!("refresh tokens whose quarantine is over are deleted"),
                Err(error) => {
                    tracing::warn!(%error, "a quarantined refresh token is deleted with the next change");
                }
            }
            // One that was noted by a clock that was ahead is not over yet.
            let now = self.parts.clock.now().epoch();
            self.state().quarantines.retain(|since| ends_on(*since) >= now);
        }
    }

    fn first_quarantine(&self) -> Option<u64> {
        self.state().quarantines.first().copied()
    }

    /// The one account of this id or user name.
    fn named(&self, id: &str, profile: Option<&str>) -> Result<AccountKey, ErrorBody> {
        let state = self.state();
        state.choose(Some(id), profile).map_err(|error| match error.code {
            ErrorCode::SignInNeeded => ErrorBody::new(ErrorCode::NotFound, "No such account is known.")
                .with_hint("`entra accounts` lists those that are."),
            _ => error,
        })
    }
}

impl State {
    /// Why a refresh token that is out of quarantine was not tried.
    fn untried(&self, key: &AccountKey, now: Now) -> ErrorBody {
        let root = self.known.get(key).and_then(|known| rooted_in(&known.entry));
        let refusal = root.and_then(|(slot, _)| self.machine.refusal(key, &slot, None, now));
        refusal.map_or_else(
            || {
                let sentence =
                    "The refresh token is out of quarantine and was not tried: it is not known what for.";
                ErrorBody::new(ErrorCode::Unavailable, sentence).with_hint("Ask for a token: `entra token`.")
            },
            |refusal| self.refused(key, &refusal),
        )
    }

    /// The refusal of a trial in words.
    fn refused(&self, key: &AccountKey, refusal: &Refusal) -> ErrorBody {
        let Some(known) = self.known.get(key) else { return vanished() };
        let scopes = known.entry.scopes.join(" ");
        let about = About {
            client_id: &known.entry.client_id,
            cloud: known.entry.cloud,
            origin: &known.entry.authority,
            tenant: &known.entry.tenant,
            resource: &scopes,
            profile: &key.profile,
        };
        let mut body = words::error_body(&refusal.failure, &about);
        body.retry_after =
            refusal.retry_after.map(|wait| wait.as_secs_f64().ceil() as u64).or(body.retry_after);
        body
    }
}

fn ends_on(since: u64) -> u64 {
    since.saturating_add(QUARANTINE_SECONDS)
}

/// Past the whole second at which the day is over.
const AFTERWARDS: Duration = Duration::from_secs(2);

fn vanished() -> ErrorBody {
    ErrorBody::new(ErrorCode::Unavailable, "The account signed out meanwhile.")
        .with_hint("Run `entra accounts`.")
}

//! Flights: one task for each request to Entra, and the task that starts those that are due.
//!
//! Invariant 2 is kept here: the new refresh token is on disk before anyone is told that the flight landed.

use std::sync::Arc;
use std::time::Duration;

use entra_proto::error::{ErrorBody, ErrorCode};
use tokio::sync::{OwnedMutexGuard, watch};

use super::{Broker, Told};
use crate::account::key::{AccountKey, SlotKey};
use crate::account::machine::Order;
use crate::account::outcome::{Failure, FailureKind, Fault, Grant};
use crate::account::refresh_token::RefreshToken;
use crate::account::schedule::Jitter;
use crate::entra::claims::Claims;
use crate::entra::refresh::RefreshRequest;
use crate::entra::target::Target;
use crate::entra::words;
use crate::metrics::{METRICS, Refreshed};
use crate::vault::VaultError;

impl Broker {
    /// Starts what is due, for as long as the daemon runs. Between two due instants it waits on the boot
    /// clock, so an idle daemon makes no system call.
    pub async fn keep_schedule(self: Arc<Self>) {
        loop {
            let now = self.parts.clock.now();
            let orders = self.state().machine.tick(now);
            for order in orders {
                self.launch(order);
            }
            let due = self.state().machine.next_due(self.parts.clock.now());
            match due {
                Some(boot) => tokio::select! {
                    () = self.parts.clock.wait_until(boot) => {}
                    () = self.rescheduled.notified() => {}
                },
                None => self.rescheduled.notified().await,
            }
        }
    }

    /// Sends an order off, in a task of its own.
    pub(super) fn launch(self: &Arc<Self>, order: Order) {
        self.state().flights.entry(order.flight).or_insert_with(|| watch::Sender::new(None));
        let broker = Arc::clone(self);
        tokio::spawn(async move { broker.fly(order).await });
    }

    async fn fly(self: Arc<Self>, order: Order) {
        // In a task within the task: a panic in it is a defect, and still lands the flight for its callers.
        let request = {
            let (broker, order) = (Arc::clone(&self), order.clone());
            tokio::spawn(async move {
                let mut turn = None;
                let result = broker.request(&order, &mut turn).await;
                (turn, result)
            })
        };
        // The turn lasts until all that came of the request is noted: whoever is next in it, another flight or a
        // sign-in, must know of it.
        let (_turn, result) = request.await.unwrap_or_else(|_| {
            let sentence = "The refresh failed by a defect of entrad; the log has more.";
            (None, Err(Failure::own(ErrorBody::new(ErrorCode::Internal, sentence))))
        });
        METRICS.refresh_ended(counted(&result));
        let now = self.parts.clock.now();
        let (next, is_dead, learned) = {
            let mut state = self.state();
            let told = result.as_deref().map_err(Clone::clone);
            let ended = state.machine.ended(&order.account, order.flight, told, now, jitter());
            let Some(ended) = ended else {
                // The account is gone, or is another sign-in by now.
                state.tell_to_ask_again([order.flight]);
                drop(state);
                self.settled.notify_waiters();
                self.rescheduled.notify_one();
                return;
            };
            let learned = result.as_ref().err().and_then(|failure| state.learn(&order, failure, now));
            let landing = Arc::new(ended.landing);
            for flight in [Some(order.flight), ended.behind].into_iter().flatten() {
                if let Some(sender) = state.flights.remove(&flight) {
                    sender.send_replace(Some(Told::Landed(Arc::clone(&landing))));
                }
            }
            if landing.result.is_ok() {
                state.needs.granted(&order.account, &SlotKey::new(&order.tenant, &order.scopes, order.cae));
            } else if ended.is_dead {
                state.note_death(&order.account);
            }
            (ended.next, ended.is_dead, learned)
        };
        self.settled.notify_waiters();
        self.rescheduled.notify_one();
        if let Some(next) = next {
            self.launch(next);
        }
        if is_dead {
            self.quarantine(&order.account, now.epoch()).await;
        }
        self.keep(&order.account, learned).await;
    }

    /// Asks Entra, one request at a time for an account, and makes what came back durable. The account's turn is
    /// left in `turn`.
    async fn request(
        self: &Arc<Self>,
        order: &Order,
        turn: &mut Option<OwnedMutexGuard<()>>,
    ) -> Result<Box<Grant>, Failure> {
        let (next_turn, target) = self
            .place_of(&order.account)
            .map_err(|error| Failure::own_lasting(FailureKind::Misconfigured, error))?;
        let claims = order.claims.as_deref().map(Claims::parse).transpose();
        let claims =
            claims.map_err(|error| Failure::own(ErrorBody::new(ErrorCode::BadRequest, error.to_string())))?;
        *turn = Some(next_turn.lock_owned().await);
        let now = self.parts.clock.now();
        self.state().machine.clearance(&order.account, order.flight, now)?;
        let refresh_token = self.refresh_token(&order.account).await?;
        let authority = target.authority.with_tenant(&order.tenant);
        let authority = authority.map_err(|error| {
            let error = ErrorBody::new(ErrorCode::Misconfigured, error.to_string());
            Failure::own_lasting(FailureKind::Misconfigured, error)
        })?;
        let target = Target::new(authority, target.client_id);
        let request = RefreshRequest {
            refresh_token: &refresh_token,
            scopes: &order.scopes,
            claims: claims.as_ref(),
            cae: order.cae,
            is_probe: order.is_probe,
            account: &order.account.account,
        };
        let outcome = tokio::select! {
            biased;
            () = self.locking.cut() => return Err(Failure::own(cut_off())),
            outcome = self.parts.entra.refresh(&target, request) => outcome,
        };
        let mut grant = outcome.into_result()?;
        if grant.identity.as_ref().is_some_and(|identity| identity.id != order.account.account) {
            let sentence = "Entra answered with another account's token; it was dropped.";
            return Err(Failure::own_lasting(
                FailureKind::SignInNeeded,
                ErrorBody::new(ErrorCode::AccountMismatch, sentence).with_hint("Run `entra login`."),
            ));
        }
        let unlearned = self.unlearn(order);
        match grant.refresh_token.take() {
            Some(new) => self.save(&order.account, new).await,
            // Without a new one the old one stays (RFC 6749 §6), and has been used just now.
            None => self.note_use(&order.account),
        }
        self.keep(&order.account, unlearned).await;
        Ok(grant)
    }

    fn note_use(&self, key: &AccountKey) {
        let used_on = self.parts.clock.now().epoch();
        if let Some(known) = self.state().known.get_mut(key) {
            known.entry.used_on = used_on;
        }
    }

    fn place_of(&self, key: &AccountKey) -> Result<(Arc<tokio::sync::Mutex<()>>, Target), ErrorBody> {
        let state = self.state();
        let known = state.known.get(key);
        let known =
            known.ok_or_else(|| ErrorBody::new(ErrorCode::SignInNeeded, "The account signed out."))?;
        Ok((Arc::clone(&known.turn), known.target.clone()?))
    }

    /// The account's refresh token: the one that could not be saved yet, else the vault's.
    async fn refresh_token(&self, key: &AccountKey) -> Result<RefreshToken, Failure> {
        if let Some(token) = self.unsaved(key) {
            return Ok(token);
        }
        self.parts.vault.refresh_token(key).await.map_err(|error| match error {
            VaultError::Quarantined(_) => Failure { kind: FailureKind::Dead, fault: Fault::default() },
            // Other records may be well: this is the account's affair alone.
            VaultError::NotFound(_) => Failure::own_lasting(
                FailureKind::SignInNeeded,
                ErrorBody::new(ErrorCode::SignInNeeded, error.to_string()).with_hint("Run `entra login`."),
            ),
            error => Failure::own_outage(error.to_error_body()),
        })
    }

    /// Saves a new refresh token. When the disk refuses, it is kept in memory, said loudly, and tried again
    /// until it is saved: the token before it may be void already, so dropping the new one would sign the
    /// person out.
    async fn save(self: &Arc<Self>, key: &AccountKey, token: RefreshToken) {
        let used_on = self.parts.clock.now().epoch();
        match self.parts.vault.replace_refresh_token(key, token, used_on).await {
            Ok(()) => {
                if let Some(known) = self.state().known.get_mut(key) {
                    known.unsaved = None;
                    known.entry.used_on = used_on;
                }
            }
            Err((error, token)) => {
                let is_being_saved = self.state().known.get(key).is_none_or(|known| known.unsaved.is_some());
                self.keep_unsaved(key, token, error.to_error_body());
                tracing::error!(%error, "a new refresh token could not be saved and is kept in memory");
                if !is_being_saved {
                    let broker = Arc::clone(self);
                    let key = key.clone();
                    tokio::spawn(async move { broker.save_later(&key).await });
                }
            }
        }
    }

    async fn save_later(self: &Arc<Self>, key: &AccountKey) {
        let mut wait = FIRST_SAVE_WAIT;
        loop {
            let due = self.parts.clock.now().boot + wait;
            self.parts.clock.wait_until(due).await;
            if self.save_unsaved(key).await {
                return;
            }
            wait = (wait * 2).min(MAX_SAVE_WAIT);
        }
    }

    /// Whether nothing is left to save.
    pub(super) async fn save_unsaved(&self, key: &AccountKey) -> bool {
        let turn = self.state().known.get(key).map(|known| Arc::clone(&known.turn));
        let Some(turn) = turn else { return true };
        let _turn = turn.lock().await;
        let Some(token) = self.unsaved(key) else { return true };
        let used_on = self.parts.clock.now().epoch();
        match self.parts.vault.replace_refresh_token(key, token, used_on).await {
            Ok(()) => {
                tracing::info!("the refresh token kept in memory is saved now");
                let died_on = {
                    let mut state = self.state();
                    if let Some(known) = state.known.get_mut(key) {
                        known.unsaved = None;
                    }
                    state.machine.death(key).map(|(failure, since)| (words::number(&failure.fault), *since))
                };
                // Saving a token ends a quarantine, and Entra's verdict on this one came first.
                if let Some((number, since)) = died_on
                    && let Err(error) = self.parts.vault.quarantine(key, since, number).await
                {
                    tracing::warn!(%error, "the quarantine could not be written");
                }
                true
            }
            Err((error, token)) => {
                self.keep_unsaved(key, token, error.to_error_body());
                false
            }
        }
    }

    /// A copy of the token that is not saved yet. The original stays until it is on disk: nobody may think it
    /// saved before.
    fn unsaved(&self, key: &AccountKey) -> Option<RefreshToken> {
        let state = self.state();
        let (token, _) = state.known.get(key)?.unsaved.as_ref()?;
        Some(RefreshToken::new(token.expose().to_owned()))
    }

    fn keep_unsaved(&self, key: &AccountKey, token: RefreshToken, error: ErrorBody) {
        if let Some(known) = self.state().known.get_mut(key) {
            known.unsaved = Some((token, error));
        }
    }

    async fn quarantine(self: &Arc<Self>, key: &AccountKey, since: u64) {
        tracing::warn!(
            "Entra declared a refresh token dead; it is in quarantine and the account needs a sign-in"
        );
        let death = self.state().machine.death(key).map(|(failure, _)| failure.fault.clone());
        let number = death.as_ref().and_then(words::number);
        self.note_death_of(key, number, death.and_then(|fault| fault.correlation_id));
        if let Err(error) = self.parts.vault.quarantine(key, since, number).await {
            tracing::warn!(%error, "the quarantine could not be written");
        }
        if let Some(known) = self.state().known.get_mut(key) {
            known.entry.quarantined_on = Some(since);
            known.entry.quarantined_for = number;
        }
        self.purge_after_quarantine(since);
    }
}

/// What nobody is told: whoever waited asks again, and learns why.
fn cut_off() -> ErrorBody {
    ErrorBody::new(ErrorCode::Locked, "The refresh was cut off, since entrad was locked.")
}

/// Which of the counted outcomes it is.
fn counted(result: &Result<Box<Grant>, Failure>) -> Refreshed {
    match result {
        Ok(_) => Refreshed::Refreshed,
        Err(failure) if failure.fault.own.is_some() => Refreshed::NotAsked,
        Err(failure) => match failure.kind {
            FailureKind::AskAdmin => Refreshed::AskAdmin,
            FailureKind::Dead => Refreshed::Dead,
            FailureKind::Misconfigured => Refreshed::Misconfigured,
            FailureKind::RetryAfter { .. } => Refreshed::RetryAfter,
            FailureKind::SignInNeeded => Refreshed::SignInNeeded,
        },
    }
}

const FIRST_SAVE_WAIT: Duration = Duration::from_secs(2);
const MAX_SAVE_WAIT: Duration = Duration::from_secs(60);

/// A draw for the schedule. Without randomness everything still works, only less spread out.
pub(super) fn jitter() -> Jitter {
    let mut draw = [0; 2];
    if getrandom::fill(&mut draw).is_err() {
        tracing::debug!("no randomness for jitter");
    }
    Jitter(u16::from_ne_bytes(draw))
}

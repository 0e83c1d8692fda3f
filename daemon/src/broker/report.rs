//! What is said of the accounts and the daemon: `GET /v1/accounts`, `GET /v1/status`.

use std::sync::Arc;
use std::time::Duration;

use entra_proto::account::{AccountId, AccountInfo, AccountsAnswer, Health};
use entra_proto::error::ErrorBody;
use entra_proto::status::{AccountStatus, StatusAnswer, StoreStatus, TokenStatus};
use entra_proto::version;

use super::{Broker, Known, State};
use crate::account::key::{AccountKey, SlotKey};
use crate::account::machine::state::Plan;
use crate::account::outcome::Failure;
use crate::account::schedule::REFRESH_TOKEN_LIFE;
use crate::account::slot::Slot;
use crate::account::time::Now;
use crate::entra::words::{self, About};
use crate::metrics;
use crate::vault::{Access, HomeKind};

impl Broker {
    /// `GET /v1/accounts`.
    ///
    /// # Errors
    /// Why the vault is closed: then nobody knows who is signed in.
    pub async fn accounts(self: &Arc<Self>) -> Result<AccountsAnswer, ErrorBody> {
        self.restore(Access::Silent).await?;
        let state = self.state();
        let mut accounts: Vec<_> = state.known.keys().filter_map(|key| state.info(key)).collect();
        accounts.sort_by(|a, b| (&a.profile, &a.username).cmp(&(&b.profile, &b.username)));
        Ok(AccountsAnswer { accounts })
    }

    /// The account that this word names, and its profile.
    ///
    /// # Errors
    /// When there is none, or several, or the vault is closed.
    pub async fn account_named(
        self: &Arc<Self>,
        account: &str,
        profile: Option<&str>,
    ) -> Result<(AccountId, String), ErrorBody> {
        self.restore(Access::Silent).await?;
        let key = self.state().choose(Some(account), profile)?;
        Ok((key.account, key.profile))
    }

    /// `GET /v1/status`. A closed vault is part of the answer, not an error.
    ///
    /// # Errors
    /// None today; the signature is that of every route.
    pub async fn status(self: &Arc<Self>) -> Result<StatusAnswer, ErrorBody> {
        let closed = self.restore(Access::Silent).await.err();
        let vault = self.parts.vault.status();
        let now = self.parts.clock.now();
        let state = self.state();
        let mut warnings: Vec<String> =
            state.known.values().filter_map(|known| known.unsaved_warning()).collect();
        warnings.extend_from_slice(state.rules.warnings());
        warnings.extend(state.settings_fault.clone());
        if let Some(skew) = self.parts.entra.skew().filter(|skew| skew.unsigned_abs() > MAX_SKEW) {
            let direction = if skew > 0 { "behind" } else { "ahead of" };
            let seconds = skew.unsigned_abs();
            warnings.push(format!(
                "This machine's clock is {seconds} seconds {direction} Entra's; set it by NTP."
            ));
        }
        warnings.extend(self.parts.vault.warnings());
        warnings.extend(self.parts.audit.warnings());
        warnings.extend(self.locking.warnings());
        Ok(StatusAnswer {
            version: version::VERSION.to_owned(),
            pid: std::process::id(),
            socket: self.parts.socket.display().to_string(),
            loopback: None,
            started_on: self.started_on,
            store: StoreStatus {
                home: vault.home.map_or("none", HomeKind::name).to_owned(),
                is_open: closed.is_none(),
                error: closed.map(Box::new),
            },
            accounts: state.known.values().filter_map(|known| state.account_status(known, now)).collect(),
            open_sign_ins: state.sign_ins.count_open().try_into().unwrap_or(u32::MAX),
            clock_skew: self.parts.entra.skew(),
            warnings,
            lock: self.lock_status(),
            metrics: None,
        })
    }

    /// What metrics tell of accounts as they are now. A vault that is closed stays so: nobody is asked for numbers.
    #[must_use]
    pub fn gauges(&self) -> metrics::Now {
        let state = self.state();
        let is_good = |known: &Known| known.target.is_ok() && state.machine.death(&known.entry.key).is_none();
        let good = state.known.values().filter(|known| is_good(known)).count();
        metrics::Now {
            started_on: self.started_on,
            good: good as u64,
            sign_in_needed: (state.known.len() - good) as u64,
        }
    }
}

/// For verdicts that were taken back, as when a policy was changed and changed back.
const TRY_AGAIN: &str = "For a day after the verdict `entra accounts revive` tries the refresh token again.";

/// Entra's tokens carry `nbf`, and resources allow five minutes of skew; warn well before.
const MAX_SKEW: u64 = 120;

impl Known {
    fn unsaved_warning(&self) -> Option<String> {
        let (_, error) = self.unsaved.as_ref()?;
        let hint = error.hint.as_ref().map(|hint| format!(" {hint}")).unwrap_or_default();
        Some(format!(
            "The newest refresh token of {} is only in memory, because it could not be saved ({}{hint}) If entrad stops now, a new sign-in may be needed.",
            self.entry.username, error.message
        ))
    }

    fn error(&self, failure: &Failure, slot: Option<(&SlotKey, &Slot)>) -> Box<ErrorBody> {
        let about = About {
            client_id: &self.entry.client_id,
            cloud: self.entry.cloud,
            origin: &self.entry.authority,
            tenant: slot.map_or(&self.entry.tenant, |(key, _)| &key.tenant),
            resource: &slot.map_or_else(String::new, |(_, slot)| slot.scopes().to_string()),
            profile: &self.entry.key.profile,
        };
        Box::new(words::error_body(failure, &about))
    }
}

impl State {
    /// The account's refresh token is known to be dead: a person is needed, whether anybody asks or not.
    pub(super) fn note_death(&mut self, key: &AccountKey) {
        let (Some((failure, since)), Some(known)) = (self.machine.death(key), self.known.get(key)) else {
            return;
        };
        let error = known.error(failure, None);
        self.needs.died(key, &error, *since);
    }

    /// What is told of an account.
    pub(super) fn info(&self, key: &AccountKey) -> Option<AccountInfo> {
        let known = self.known.get(key)?;
        let entry = &known.entry;
        let health = match (self.machine.death(key), &known.target) {
            (Some((failure, since)), _) => {
                let mut error = known.error(failure, None);
                error.hint = error.hint.map(|hint| format!("{hint} {TRY_AGAIN}"));
                Health::SignInNeeded { error, since: *since }
            }
            (None, Err(error)) => {
                Health::SignInNeeded { error: Box::new(error.clone()), since: entry.used_on }
            }
            (None, Ok(_)) => Health::Good,
        };
        Some(AccountInfo {
            id: key.account.clone(),
            username: entry.username.clone(),
            name: entry.name.clone(),
            profile: key.profile.clone(),
            cloud: entry.cloud,
            tenant: entry.tenant.clone(),
            client_id: entry.client_id.clone(),
            provenance: entry.provenance.clone(),
            health,
        })
    }

    fn account_status(&self, known: &Known, now: Now) -> Option<AccountStatus> {
        let key = &known.entry.key;
        let tokens = self.machine.slots(key);
        let exercise_due = self.machine.exercise_due(key, now);
        Some(AccountStatus {
            account: self.info(key)?,
            refreshed_on: self.machine.refreshed_on(key),
            refresh_token_dies_on: known.entry.used_on.saturating_add(REFRESH_TOKEN_LIFE.as_secs()),
            exercise_due_on: exercise_due.map(|boot| epoch(boot, now)),
            expectation: self.expectation_of(known, now),
            past_demands: known.past_demands(),
            tokens: tokens.map(|(slot_key, slot)| self.token_status(known, slot_key, slot, now)).collect(),
        })
    }

    fn token_status(&self, known: &Known, slot_key: &SlotKey, slot: &Slot, now: Now) -> TokenStatus {
        let key = &known.entry.key;
        let (plan, due) = self.machine.plan(key, slot_key, now);
        let blocked = self.machine.blocked_until(key, slot_key, now);
        let error = |failure: &Failure| known.error(failure, Some((slot_key, slot)));
        TokenStatus {
            scopes: slot.scopes().clone().into(),
            tenant: slot_key.tenant.clone(),
            cae: slot_key.cae,
            expires_on: slot.valid(now).map(|held| held.expiry.epoch(now)),
            refresh_due_on: due.map(|boot| epoch(boot, now)),
            refresh_reason: plan.describe().to_owned(),
            is_refreshing: plan == Plan::UnderWay,
            blocked_until: blocked.map(|boot| epoch(boot, now)),
            last_outcome_on: slot.last().map(|last| last.on),
            last_error: slot.last().and_then(|last| last.failure.as_ref()).map(error),
        }
    }
}

/// A boot time for people, in seconds since 1970; one that has passed is now.
fn epoch(boot: Duration, now: Now) -> u64 {
    now.wall.saturating_add(boot.saturating_sub(now.boot)).as_secs()
}

//! One slot of the token cache: the token held, when to renew it, and why not to ask now.

use std::sync::Arc;
use std::time::Duration;

use entra_proto::scope::Scopes;
use entra_proto::secret::AccessToken;

use super::budget::{Budget, MOST_PER_KEY};
use super::outcome::{Failure, FailureKind, Grant, Reach};
use super::schedule::{self, Jitter};
use super::time::{Deadline, Now};

/// An access token with its times.
#[derive(Debug)]
pub struct Held {
    /// The token.
    pub token: AccessToken,
    /// What it was granted for.
    pub scopes: Vec<String>,
    /// When it ends.
    pub expiry: Deadline,
    /// When to renew it, ahead of need.
    pub due: Deadline,
}

impl Held {
    /// Starts the clocks of a granted token, which is received `now`.
    #[must_use]
    pub fn new(grant: &Grant, now: Now, jitter: Jitter) -> Self {
        let soft = schedule::soft_expiry(grant.expires_in, grant.refresh_in, jitter);
        Self {
            token: grant.access_token.clone(),
            scopes: grant.scopes.clone(),
            expiry: Deadline::after(now, grant.expires_in),
            due: Deadline::after(now, soft),
        }
    }
}

/// Why a key is refused without asking Entra, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The last word of Entra on it.
    pub failure: Failure,
    /// When asking again may help; `None` when only a person or an administrator can help.
    pub retry_after: Option<Duration>,
}

/// One slot.
#[derive(Debug)]
pub struct Slot {
    pub(super) scopes: Scopes,
    pub(super) held: Option<Arc<Held>>,
    /// Somebody asked since the last refresh. A token that nobody wants is not renewed.
    pub(super) is_wanted: bool,
    /// Results of flights with smaller numbers are not published: a caller has declared them stale.
    pub(super) void_before: u64,
    /// The last failure since the last success.
    pub(super) last_failure: Option<Failure>,
    pub(super) budget: Budget,
    attempts: u32,
    /// Boot time before which no request is sent, after an outage.
    blocked_until: Duration,
    /// "A person is needed", remembered for the challenge it answered.
    remembered: Option<Remembered>,
}

#[derive(Debug)]
struct Remembered {
    claims: Option<String>,
    failure: Failure,
    until: Duration,
}

impl Slot {
    pub(super) fn new(scopes: Scopes) -> Self {
        Self {
            scopes,
            held: None,
            is_wanted: false,
            void_before: 0,
            last_failure: None,
            budget: Budget::default(),
            attempts: 0,
            blocked_until: Duration::ZERO,
            remembered: None,
        }
    }

    /// The scopes, as first asked for.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// The last failure since the last success.
    #[must_use]
    pub fn last_failure(&self) -> Option<&Failure> {
        self.last_failure.as_ref()
    }

    /// The held token, while any life remains.
    #[must_use]
    pub fn valid(&self, now: Now) -> Option<&Arc<Held>> {
        self.held.as_ref().filter(|held| !held.expiry.has_passed(now))
    }

    /// Why Entra is not to be asked now.
    pub(super) fn refusal(&self, claims: Option<&str>, now: Now) -> Option<Refusal> {
        let remembered =
            self.remembered.as_ref().filter(|kept| kept.until > now.boot && kept.claims.as_deref() == claims);
        if let Some(kept) = remembered {
            return Some(Refusal { failure: kept.failure.clone(), retry_after: None });
        }
        let failure = self.last_failure.as_ref().filter(|_| self.blocked_until > now.boot)?;
        let retry_after = Some(self.blocked_until.saturating_sub(now.boot));
        Some(Refusal { failure: failure.clone(), retry_after })
    }

    pub(super) fn succeeded(&mut self, held: Arc<Held>) {
        self.held = Some(held);
        self.is_wanted = false;
        self.last_failure = None;
        self.attempts = 0;
        self.blocked_until = Duration::ZERO;
        self.remembered = None;
    }

    pub(super) fn failed(
        &mut self,
        failure: &Failure,
        claims: Option<String>,
        now: Now,
        jitter: Jitter,
    ) -> Refusal {
        self.last_failure = Some(failure.clone());
        let retry_after = match failure.kind {
            FailureKind::RetryAfter { after, .. } => {
                self.attempts = self.attempts.saturating_add(1);
                let wait = schedule::back_off(self.attempts, after, jitter);
                self.blocked_until = now.boot.saturating_add(wait);
                Some(wait)
            }
            FailureKind::AskAdmin
            | FailureKind::Dead
            | FailureKind::Misconfigured
            | FailureKind::SignInNeeded => {
                let until = now.boot.saturating_add(schedule::REMEMBER_REFUSAL);
                self.remembered = Some(Remembered { claims, failure: failure.clone(), until });
                None
            }
        };
        Refusal { failure: failure.clone(), retry_after }
    }

    /// Whether its last refresh failed for a reason that time does not mend.
    pub(super) fn needs_somebody(&self) -> bool {
        let kind = self.last_failure.as_ref().map(|failure| failure.kind);
        kind.is_some_and(|kind| !matches!(kind, FailureKind::RetryAfter { .. }))
    }

    /// Boot time before which nothing is sent for this slot, whatever the reason.
    pub(super) fn held_back_until(&self, now: Now) -> Duration {
        let remembered = self.remembered.as_ref().map_or(Duration::ZERO, |kept| kept.until);
        let wait = self.budget.wait(MOST_PER_KEY, now.boot);
        let spent = if wait.is_zero() { Duration::ZERO } else { now.boot.saturating_add(wait) };
        self.blocked_until.max(remembered).max(spent)
    }

    /// The network changed: a back-off of our own says nothing of the new one. One that Entra asked for
    /// stands.
    pub(super) fn forget_outage(&mut self, until: Duration) {
        let kind = self.last_failure.as_ref().map(|failure| failure.kind);
        if let Some(FailureKind::RetryAfter { after: None, reach: Reach::Key }) = kind {
            self.attempts = 0;
            self.blocked_until = self.blocked_until.min(until);
        }
    }

    /// Boot time before which an outage or a throttle holds the slot back.
    pub(super) fn blocked_until(&self) -> Duration {
        self.blocked_until
    }
}

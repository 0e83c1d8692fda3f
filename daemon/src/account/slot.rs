//! One slot of the token cache: the token held, when to renew it, and why not to ask now.

use std::sync::Arc;
use std::time::Duration;

use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::scope::Scopes;
use entra_proto::secret::AccessToken;

use super::budget::{Budget, Limits};
use super::outcome::{Failure, FailureKind, Grant, Reach, Trace};
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
    /// How long it was to live when it came.
    pub life: Duration,
    /// By what it is found again in Entra's logs.
    pub trace: Trace,
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
            life: grant.expires_in,
            trace: grant.trace.clone(),
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

/// How the last request to Entra for a slot ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Last {
    /// When, in seconds since 1970.
    pub on: u64,
    /// Why it brought no token; `None` when it did.
    pub failure: Option<Failure>,
}

/// One slot.
#[derive(Clone, Debug)]
pub struct Slot {
    pub(super) scopes: Scopes,
    pub(super) held: Option<Arc<Held>>,
    /// Somebody asked since the last refresh. A token that nobody wants is not renewed.
    pub(super) is_wanted: bool,
    /// The token is of an earlier sign-in: good until it expires, and renewed as soon as somebody wants it.
    pub(super) is_of_earlier_sign_in: bool,
    /// Results of flights with smaller numbers are not published: a caller has declared them stale.
    pub(super) void_before: u64,
    /// The flight that brought the held token: an older one that lands later does not take its place.
    published: u64,
    pub(super) budget: Budget,
    last: Option<Last>,
    /// The last request without a challenge failed for a reason that time does not mend.
    needs_somebody: bool,
    attempts: u32,
    /// No request is sent before this boot time, for this reason: an outage, or a pause that Entra asked for.
    blocked: Option<(Duration, Failure)>,
    /// "A person is needed", each remembered for the challenge it answered.
    remembered: Vec<Remembered>,
    /// The challenge that was answered last, and how often of late.
    challenge: Option<(String, Budget)>,
    per_challenge: usize,
}

#[derive(Clone, Debug)]
struct Remembered {
    claims: Option<String>,
    failure: Failure,
    until: Duration,
}

impl Slot {
    pub(super) fn new(scopes: Scopes, limits: Limits) -> Self {
        Self {
            scopes,
            held: None,
            is_wanted: false,
            is_of_earlier_sign_in: false,
            void_before: 0,
            published: 0,
            budget: Budget::of(limits.per_key),
            per_challenge: limits.per_challenge,
            last: None,
            needs_somebody: false,
            attempts: 0,
            blocked: None,
            remembered: Vec::new(),
            challenge: None,
        }
    }

    /// The scopes, as first asked for.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// How the last request to Entra for it ended.
    #[must_use]
    pub fn last(&self) -> Option<&Last> {
        self.last.as_ref()
    }

    /// The held token, while any life remains.
    #[must_use]
    pub fn valid(&self, now: Now) -> Option<&Arc<Held>> {
        self.held.as_ref().filter(|held| !held.expiry.has_passed(now))
    }

    /// Whether its last refresh failed for a reason that time does not mend.
    #[must_use]
    pub fn needs_somebody(&self) -> bool {
        self.needs_somebody
    }

    /// The held token, where it has the life that a caller wants; or as much as Entra gives at all, since asking
    /// for more would bring no more.
    pub(super) fn good_for(&self, min_validity: Duration, now: Now) -> Option<&Arc<Held>> {
        self.valid(now).filter(|held| {
            let is_as_good_as_any =
                held.life <= min_validity && !held.due.has_passed(now) && !self.is_of_earlier_sign_in;
            held.expiry.remaining(now) > min_validity || is_as_good_as_any
        })
    }

    /// Whether it holds nothing and nothing was ever sent for it.
    pub(super) fn is_blank(&self) -> bool {
        self.held.is_none() && self.last.is_none() && self.budget.is_unspent()
    }

    /// Why Entra is not to be asked now, for reasons of this slot alone.
    pub(super) fn refusal(&self, claims: Option<&str>, now: Now) -> Option<Refusal> {
        let mut remembered = self.remembered.iter().filter(|kept| kept.until > now.boot);
        if let Some(kept) = remembered.find(|kept| kept.claims.as_deref() == claims) {
            return Some(Refusal { failure: kept.failure.clone(), retry_after: None });
        }
        let (until, failure) = self.blocked.as_ref().filter(|(until, _)| *until > now.boot)?;
        Some(Refusal { failure: failure.clone(), retry_after: Some(until.saturating_sub(now.boot)) })
    }

    /// Whether its token has ended since that boot time.
    pub(super) fn has_ended_since(&self, boot: Duration, now: Now) -> bool {
        let elapsed = now.boot.saturating_sub(boot);
        self.held.as_ref().is_some_and(|held| held.expiry.ended_within(elapsed, now))
    }

    /// Whether its last request met an outage that nothing has ended yet.
    pub(super) fn has_met_outage(&self) -> bool {
        self.outage().is_some()
    }

    /// That outage.
    pub(super) fn outage(&self) -> Option<&Failure> {
        self.blocked.as_ref().map(|(_, failure)| failure).filter(|failure| is_outage(failure))
    }

    /// Whether a resource keeps refusing what Entra gives for its challenge: asking again would go on for ever.
    pub(super) fn loop_refusal(&self, claims: Option<&str>, now: Now) -> Option<Refusal> {
        let (_, answered) = self.challenge.as_ref().filter(|(kept, _)| claims == Some(kept))?;
        let wait = answered.wait(now.boot);
        (!wait.is_zero()).then(|| loop_detected(wait))
    }

    /// A flight for it starts.
    pub(super) fn spend(&mut self, claims: Option<&str>, now: Now) {
        self.budget.spend(now.boot);
        let Some(claims) = claims else { return };
        match &mut self.challenge {
            Some((kept, answered)) if kept == claims => answered.spend(now.boot),
            challenge => {
                let mut answered = Budget::of(self.per_challenge);
                answered.spend(now.boot);
                *challenge = Some((claims.to_owned(), answered));
            }
        }
    }

    /// Whether what a flight brings is not to be published: a caller declared it so, or a newer one landed before.
    pub(super) fn is_stale(&self, flight: u64) -> bool {
        flight < self.void_before.max(self.published)
    }

    /// Flight number `flight`, or a sign-in after it, brought a token.
    pub(super) fn succeeded(&mut self, flight: u64, held: Arc<Held>, now: Now) {
        if self.is_stale(flight) {
            return;
        }
        self.published = flight;
        self.held = Some(held);
        self.is_wanted = false;
        self.is_of_earlier_sign_in = false;
        self.last = Some(Last { on: now.epoch(), failure: None });
        self.forget_failures();
    }

    pub(super) fn failed(
        &mut self,
        failure: &Failure,
        claims: Option<String>,
        now: Now,
        jitter: Jitter,
    ) -> Refusal {
        self.last = Some(Last { on: now.epoch(), failure: Some(failure.clone()) });
        let retry_after = match failure.kind {
            FailureKind::RetryAfter { after, .. } => {
                self.attempts = self.attempts.saturating_add(1);
                let wait = schedule::back_off(self.attempts, after, jitter);
                self.blocked = Some((now.boot.saturating_add(wait), failure.clone()));
                Some(wait)
            }
            FailureKind::AskAdmin
            | FailureKind::Dead
            | FailureKind::Misconfigured
            | FailureKind::SignInNeeded => {
                // What a challenge met says nothing of requests without one.
                self.needs_somebody |= claims.is_none();
                self.remember(claims, failure, now);
                None
            }
        };
        Refusal { failure: failure.clone(), retry_after }
    }

    /// What it is, seen from now, in the walk's steps.
    #[cfg(test)]
    pub(super) fn shape(&self, now: Now, to: &mut Vec<u64>) {
        let ahead = |at: Duration| now.ahead(at);
        match &self.held {
            Some(held) => to.extend(held.expiry.shape(now).into_iter().chain(held.due.shape(now))),
            None => to.push(u64::MAX),
        }
        to.push(u64::from(self.is_wanted) + 2 * u64::from(self.is_of_earlier_sign_in));
        to.push(u64::from(self.last.is_some()) + 2 * u64::from(self.needs_somebody));
        let blocked = self.blocked.iter().filter(|(until, why)| *until > now.boot || is_outage(why));
        to.extend(blocked.map(|(until, why)| 2 * ahead(*until) + u64::from(is_outage(why))));
        to.push(u64::MAX);
        to.extend(
            self.remembered
                .iter()
                .filter(|kept| kept.until > now.boot)
                .map(|kept| u64::from(kept.claims.is_some())),
        );
        to.push(u64::MAX);
        self.budget.shape(now, to);
        if let Some((_, answered)) = &self.challenge {
            answered.shape(now, to);
        }
    }

    fn remember(&mut self, claims: Option<String>, failure: &Failure, now: Now) {
        self.remembered.retain(|kept| kept.until > now.boot && kept.claims != claims);
        if self.remembered.len() == MOST_REMEMBERED {
            self.remembered.remove(0);
        }
        let until = now.boot.saturating_add(schedule::REMEMBER_REFUSAL);
        self.remembered.push(Remembered { claims, failure: failure.clone(), until });
    }

    /// A new start, by a success, a sign-in or a hand: what failed before says nothing any more. How often
    /// Entra was asked is not forgotten.
    pub(super) fn forget_failures(&mut self) {
        self.needs_somebody = false;
        self.attempts = 0;
        self.blocked = None;
        self.remembered.clear();
    }

    /// The way to Entra is open again, or is another one: what the old way did says nothing of it. A pause that
    /// Entra asked for stands.
    pub(super) fn forget_outage(&mut self) {
        if self.blocked.take_if(|(_, failure)| is_outage(failure)).is_some() {
            self.attempts = 0;
        }
    }

    /// Boot time before which nothing is sent for this slot, whatever the reason; zero when nothing holds it.
    pub(super) fn held_back_until(&self, now: Now) -> Duration {
        let blocked = self.blocked.as_ref().map_or(Duration::ZERO, |(until, _)| *until);
        let remembered = self.remembered.iter().filter(|kept| kept.claims.is_none()).map(|kept| kept.until);
        let wait = self.budget.wait(now.boot);
        let spent = if wait.is_zero() { Duration::ZERO } else { now.boot.saturating_add(wait) };
        blocked.max(remembered.max().unwrap_or_default()).max(spent)
    }
}

/// An outage without a pause that Entra named.
fn is_outage(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::RetryAfter { after: None, reach: Reach::Outage })
}

/// What a caller is told whose resource refuses every token that Entra gives for the same challenge.
fn loop_detected(wait: Duration) -> Refusal {
    let sentence = "Entra answered this claims challenge again and again within five minutes, and the resource \
         keeps refusing the tokens.";
    let hint = "Sign in with the challenge: `entra login`.";
    let error = ErrorBody::new(ErrorCode::SignInNeeded, sentence).with_hint(hint);
    let failure = Failure { kind: FailureKind::SignInNeeded, ..Failure::own(error) };
    Refusal { failure, retry_after: Some(wait) }
}

/// A resource has one challenge at a time, and a few tools may lag behind.
const MOST_REMEMBERED: usize = 4;

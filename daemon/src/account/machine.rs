//! The machine: every account's tokens, and the rules by which Entra is asked.
//!
//! The hard idea is the *flight*. A caller never asks Entra; it joins the flight of its key, or causes one
//! to start, and hears how it landed. So a thousand callers cost one request, and a caller that goes away
//! changes nothing. Flights carry numbers that only grow: an outcome whose number is no longer known
//! belongs to a sign-in that is gone, and is dropped.
//!
//! Invariants kept here: a valid token is never withheld because a refresh failed (4); an account needs a
//! person only after a proven-dead answer (5); one flight per key (6).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use entra_proto::scope::Scopes;

use super::key::{AccountKey, ClientKey, FlightId, SlotKey};
use super::outcome::{Failure, FailureKind, Grant, Reach};
use super::schedule::Jitter;
use super::slot::{Held, Refusal, Slot};
use super::time::Now;

/// All accounts.
#[derive(Debug, Default)]
pub struct Machine {
    pub(super) accounts: BTreeMap<AccountKey, Account>,
    /// Clients that Entra throttled, with the boot time until which nothing is sent.
    gates: BTreeMap<ClientKey, (Duration, Failure)>,
    flights: u64,
}

/// One account.
#[derive(Debug)]
pub struct Account {
    client: ClientKey,
    slots: BTreeMap<SlotKey, Slot>,
    flights: BTreeMap<FlightId, Flight>,
    /// The proof that its refresh token is dead, and since when in seconds since 1970.
    dead: Option<(Failure, u64)>,
    refreshed_on: Option<u64>,
}

#[derive(Debug)]
struct Flight {
    slot: SlotKey,
    claims: Option<String>,
    /// It waits for the flight before it on the same slot to land.
    is_queued: bool,
}

/// How a caller wants its token.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Least remaining life of a cached token.
    pub min_validity: Duration,
    /// The challenge to answer, as normalised JSON; passes over the cache.
    pub claims: Option<String>,
    /// The caller's token was refused; passes over the cache.
    pub force: bool,
}

impl Ask {
    /// Whether the cache must not answer.
    #[must_use]
    pub fn passes_over_cache(&self) -> bool {
        self.force || self.claims.is_some()
    }
}

/// What becomes of a caller.
#[derive(Debug)]
pub enum Reply {
    /// It is told why not, at once.
    Refuse(Refusal),
    /// It gets this token, at once.
    Serve {
        /// The token.
        held: Arc<Held>,
        /// It is the first caller since the last refresh, so the token is now due to be renewed.
        is_first: bool,
    },
    /// It waits for the flight; the order, if there is one, starts it.
    Wait {
        /// The flight to wait for.
        flight: FlightId,
        /// Carry this out.
        order: Option<Order>,
    },
}

/// A request to send to Entra.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    /// Report the outcome under this number.
    pub flight: FlightId,
    /// Whose refresh token to use.
    pub account: AccountKey,
    /// The tenant to ask.
    pub tenant: String,
    /// The scopes to ask for.
    pub scopes: Scopes,
    /// The challenge to carry.
    pub claims: Option<String>,
    /// Whether to declare the capability to handle challenges.
    pub cae: bool,
}

/// How a flight landed, for everyone who waits for it.
#[derive(Clone, Debug)]
pub struct Landing {
    /// The new token, or why there is none.
    pub result: Result<Arc<Held>, Refusal>,
    /// The old token, where it still has life: for callers that did not pass over the cache.
    pub fallback: Option<Arc<Held>>,
}

/// What follows from an outcome.
#[derive(Debug)]
pub struct Ended {
    /// Tell the waiters.
    pub landing: Landing,
    /// Carry this out next: a flight that had to wait for this one.
    pub next: Option<Order>,
    /// The refresh token is proven dead; quarantine it.
    pub is_dead: bool,
}

impl Machine {
    /// An account signed in, or came back from the vault. Returns the flights of the sign-in it replaces:
    /// whoever waits for them should ask again.
    pub fn sign_in(
        &mut self,
        key: AccountKey,
        client: ClientKey,
        refreshed_on: Option<u64>,
    ) -> Vec<FlightId> {
        let account =
            Account { client, slots: BTreeMap::new(), flights: BTreeMap::new(), dead: None, refreshed_on };
        let replaced = self.accounts.insert(key, account);
        replaced.map(Account::into_flights).unwrap_or_default()
    }

    /// The account came back from the vault with a refresh token that is in quarantine.
    pub fn mark_dead(&mut self, key: &AccountKey, failure: Failure, since: u64) {
        if let Some(account) = self.accounts.get_mut(key) {
            account.dead = Some((failure, since));
        }
    }

    /// The account signed out. Returns its flights: whoever waits for them should ask again.
    pub fn sign_out(&mut self, key: &AccountKey) -> Vec<FlightId> {
        self.accounts.remove(key).map(Account::into_flights).unwrap_or_default()
    }

    /// A token came with a sign-in: it fills its slot.
    pub fn fill(&mut self, key: &AccountKey, slot: &SlotKey, scopes: &Scopes, held: Held) {
        if let Some(account) = self.accounts.get_mut(key) {
            let slot = account.slots.entry(slot.clone()).or_insert_with(|| Slot::new(scopes.clone()));
            slot.succeeded(Arc::new(held));
        }
    }

    /// A caller asks. `None` when the account is unknown.
    pub fn ask(
        &mut self,
        key: &AccountKey,
        slot_key: &SlotKey,
        scopes: &Scopes,
        ask: &Ask,
        now: Now,
    ) -> Option<Reply> {
        let account = self.accounts.get_mut(key)?;
        let slot = account.slots.entry(slot_key.clone()).or_insert_with(|| Slot::new(scopes.clone()));
        let is_first = !std::mem::replace(&mut slot.is_wanted, true);
        if !ask.passes_over_cache()
            && let Some(held) = slot.valid(now)
            && held.expiry.remaining(now) > ask.min_validity
        {
            return Some(Reply::Serve { held: Arc::clone(held), is_first });
        }
        let refusal = match &account.dead {
            Some((failure, _)) => Some(Refusal { failure: failure.clone(), retry_after: None }),
            None => slot
                .refusal(ask.claims.as_deref(), now)
                .or_else(|| gate_refusal(&self.gates, &account.client, now)),
        };
        if let Some(refusal) = refusal {
            let fallback = slot.valid(now).filter(|_| !ask.passes_over_cache());
            return Some(match fallback {
                Some(held) => Reply::Serve { held: Arc::clone(held), is_first },
                None => Reply::Refuse(refusal),
            });
        }
        Some(self.board(key, slot_key, ask))
    }

    /// A flight ended. `None` when its number is no longer known.
    pub fn ended(
        &mut self,
        key: &AccountKey,
        flight_id: FlightId,
        result: Result<&Grant, Failure>,
        now: Now,
        jitter: Jitter,
    ) -> Option<Ended> {
        let account = self.accounts.get_mut(key)?;
        let flight = account.flights.remove(&flight_id)?;
        let slot = account.slots.get_mut(&flight.slot)?;
        let mut is_dead = false;
        let result = match result {
            Ok(grant) => {
                let held = Arc::new(Held::new(grant, now, jitter));
                account.refreshed_on = Some(now.epoch());
                if flight_id.0 >= slot.void_before {
                    slot.succeeded(Arc::clone(&held));
                }
                Ok(held)
            }
            Err(failure) => {
                if failure.kind == FailureKind::Dead {
                    account.dead = Some((failure.clone(), now.epoch()));
                    is_dead = true;
                }
                let refusal = slot.failed(&failure, flight.claims.clone(), now, jitter);
                if let FailureKind::RetryAfter { reach: Reach::Client, .. } = failure.kind {
                    let until = slot.held_back_until();
                    self.gates.insert(account.client.clone(), (until, failure));
                }
                Err(refusal)
            }
        };
        let fallback = slot.valid(now).cloned();
        let next = account.next_queued(key, &flight);
        Some(Ended { landing: Landing { result, fallback }, next, is_dead })
    }

    /// Time passed: the requests that are due now.
    pub fn tick(&mut self, now: Now) -> Vec<Order> {
        let due: Vec<_> =
            self.planned(now).filter(|planned| planned.at <= now.boot).map(|planned| planned.key).collect();
        let plain = Ask { min_validity: Duration::ZERO, claims: None, force: false };
        due.iter()
            .filter_map(|(account, slot)| match self.board(account, slot, &plain) {
                Reply::Wait { order, .. } => order,
                Reply::Refuse(_) | Reply::Serve { .. } => None,
            })
            .collect()
    }

    /// The boot time of the next request that is due, if any.
    #[must_use]
    pub fn next_due(&self, now: Now) -> Option<Duration> {
        self.planned(now).map(|planned| planned.at).min()
    }

    /// The account's slots, each with whether a request is under way for it.
    #[must_use]
    pub fn slots(&self, key: &AccountKey) -> Vec<(&SlotKey, &Slot, bool)> {
        let Some(account) = self.accounts.get(key) else { return Vec::new() };
        let in_flight = |slot: &SlotKey| account.flights.values().any(|flight| flight.slot == *slot);
        account.slots.iter().map(|(key, slot)| (key, slot, in_flight(key))).collect()
    }

    /// The proof that the account's refresh token is dead, and since when.
    #[must_use]
    pub fn death(&self, key: &AccountKey) -> Option<&(Failure, u64)> {
        self.accounts.get(key)?.dead.as_ref()
    }

    /// When the account's refresh token last brought a token, in seconds since 1970.
    #[must_use]
    pub fn refreshed_on(&self, key: &AccountKey) -> Option<u64> {
        self.accounts.get(key)?.refreshed_on
    }

    /// Joins the flight of the key, or starts one. A caller whose token was refused does not join a flight
    /// that may have begun before the refusal; it queues the next one.
    fn board(&mut self, key: &AccountKey, slot_key: &SlotKey, ask: &Ask) -> Reply {
        let next_id = FlightId(self.flights);
        let Some(account) = self.accounts.get_mut(key) else {
            return Reply::Refuse(Refusal { failure: gone(), retry_after: None });
        };
        let Some(slot) = account.slots.get_mut(slot_key) else {
            return Reply::Refuse(Refusal { failure: gone(), retry_after: None });
        };
        let is_same = |flight: &Flight| flight.slot == *slot_key && flight.claims == ask.claims;
        let same = account.flights.iter().filter(|(_, flight)| is_same(flight));
        let joinable = same
            .filter(|(id, flight)| flight.is_queued || (!ask.force && id.0 >= slot.void_before))
            .map(|(id, _)| *id)
            .next_back();
        if let Some(flight) = joinable {
            return Reply::Wait { flight, order: None };
        }
        self.flights += 1;
        if ask.force {
            slot.void_before = next_id.0;
        }
        let is_queued = account.flights.values().any(is_same);
        let flight = Flight { slot: slot_key.clone(), claims: ask.claims.clone(), is_queued };
        let order = (!is_queued).then(|| order(next_id, key, &flight, slot));
        account.flights.insert(next_id, flight);
        Reply::Wait { flight: next_id, order }
    }

    fn planned(&self, now: Now) -> impl Iterator<Item = Planned> {
        self.accounts.iter().filter(|(_, account)| account.dead.is_none()).flat_map(move |(key, account)| {
            let gate = self.gates.get(&account.client).map_or(Duration::ZERO, |(until, _)| *until);
            account.slots.iter().filter_map(move |(slot_key, slot)| {
                let is_flying = account.flights.values().any(|flight| flight.slot == *slot_key);
                let at = planned_at(slot, gate, now).filter(|_| !is_flying)?;
                Some(Planned { at, key: (key.clone(), slot_key.clone()) })
            })
        })
    }

    /// When the slot will next be refreshed ahead of need, on the boot clock; `None` when nobody asked for
    /// it since its last refresh, or it holds nothing to renew.
    #[must_use]
    pub fn due(&self, key: &AccountKey, slot: &SlotKey, now: Now) -> Option<Duration> {
        let account = self.accounts.get(key).filter(|account| account.dead.is_none())?;
        let gate = self.gates.get(&account.client).map_or(Duration::ZERO, |(until, _)| *until);
        planned_at(account.slots.get(slot)?, gate, now)
    }

    /// The boot time before which nothing is sent for the slot, when that lies ahead.
    #[must_use]
    pub fn blocked_until(&self, key: &AccountKey, slot: &SlotKey, now: Now) -> Option<Duration> {
        let account = self.accounts.get(key)?;
        let gate = self.gates.get(&account.client).map_or(Duration::ZERO, |(until, _)| *until);
        Some(account.slots.get(slot)?.held_back_until().max(gate)).filter(|until| *until > now.boot)
    }
}

impl Account {
    fn into_flights(self) -> Vec<FlightId> {
        self.flights.into_keys().collect()
    }

    fn next_queued(&mut self, key: &AccountKey, landed: &Flight) -> Option<Order> {
        let is_behind = |flight: &Flight| {
            flight.is_queued && flight.slot == landed.slot && flight.claims == landed.claims
        };
        let (id, flight) = self.flights.iter_mut().find(|(_, flight)| is_behind(flight))?;
        flight.is_queued = false;
        Some(order(*id, key, flight, self.slots.get(&landed.slot)?))
    }
}

struct Planned {
    at: Duration,
    key: (AccountKey, SlotKey),
}

/// A token is renewed ahead of need only: once it has expired, or Entra wants a person, the next caller
/// decides. So neither a long outage nor a morning after suspend sends requests that nobody waits for.
fn planned_at(slot: &Slot, gate: Duration, now: Now) -> Option<Duration> {
    let held = slot.valid(now).filter(|_| slot.is_wanted && !slot.needs_somebody())?;
    let at = held.due.boot(now).max(slot.held_back_until()).max(gate);
    Some(at).filter(|at| *at < held.expiry.boot(now))
}

fn gate_refusal(
    gates: &BTreeMap<ClientKey, (Duration, Failure)>,
    client: &ClientKey,
    now: Now,
) -> Option<Refusal> {
    let (until, failure) = gates.get(client).filter(|(until, _)| *until > now.boot)?;
    Some(Refusal { failure: failure.clone(), retry_after: Some(until.saturating_sub(now.boot)) })
}

fn order(flight: FlightId, account: &AccountKey, of: &Flight, slot: &Slot) -> Order {
    Order {
        flight,
        account: account.clone(),
        tenant: of.slot.tenant.clone(),
        scopes: slot.scopes.clone(),
        claims: of.claims.clone(),
        cae: of.slot.cae,
    }
}

/// Stands in where an account vanished between two looks; its callers ask again and learn it.
fn gone() -> Failure {
    Failure { kind: FailureKind::SignInNeeded, fault: super::outcome::Fault::default() }
}

#[cfg(test)]
mod tests;

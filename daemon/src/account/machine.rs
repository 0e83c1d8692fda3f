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

use super::budget::{self, Budget, MOST_PER_CLIENT, MOST_PER_KEY};
use super::key::{AccountKey, ClientKey, FlightId, SlotKey};
use super::outcome::{Failure, FailureKind, Grant, Reach};
use super::schedule::Jitter;
use super::slot::{Held, Refusal, Slot};
use super::time::Now;

/// All accounts.
#[derive(Debug, Default)]
pub struct Machine {
    pub(super) accounts: BTreeMap<AccountKey, Account>,
    clients: BTreeMap<ClientKey, Client>,
    flights: u64,
}

/// What all keys of an app registration at an authority share.
#[derive(Debug, Default)]
struct Client {
    /// Entra throttled it: nothing is sent before this boot time.
    throttled: Option<(Duration, Failure)>,
    budget: Budget,
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
                .or_else(|| self.clients.get(&account.client)?.refusal(now)),
        };
        let fallback = slot.valid(now).filter(|_| !ask.passes_over_cache()).cloned();
        let reply = match refusal {
            Some(refusal) => Reply::Refuse(refusal),
            None => self.board(key, slot_key, ask, now)?,
        };
        Some(match (reply, fallback) {
            (Reply::Refuse(_), Some(held)) => Reply::Serve { held, is_first },
            (reply, _) => reply,
        })
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
                    let until = slot.blocked_until();
                    self.clients.entry(account.client.clone()).or_default().throttled =
                        Some((until, failure));
                }
                Err(refusal)
            }
        };
        let fallback = slot.valid(now).cloned();
        let next = account.next_queued(key, &flight);
        Some(Ended { landing: Landing { result, fallback }, next, is_dead })
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

    /// Joins the flight of the key, or starts one where the budget allows. A caller whose token was refused
    /// does not join a flight that may have begun before the refusal; it queues the next one. `None` when the
    /// account or slot is gone.
    fn board(&mut self, key: &AccountKey, slot_key: &SlotKey, ask: &Ask, now: Now) -> Option<Reply> {
        let next_id = FlightId(self.flights);
        let account = self.accounts.get_mut(key)?;
        let slot = account.slots.get_mut(slot_key)?;
        let is_same = |flight: &Flight| flight.slot == *slot_key && flight.claims == ask.claims;
        let same = account.flights.iter().filter(|(_, flight)| is_same(flight));
        let joinable = same
            .filter(|(id, flight)| flight.is_queued || (!ask.force && id.0 >= slot.void_before))
            .map(|(id, _)| *id)
            .next_back();
        if let Some(flight) = joinable {
            return Some(Reply::Wait { flight, order: None });
        }
        let client = self.clients.entry(account.client.clone()).or_default();
        let wait =
            slot.budget.wait(MOST_PER_KEY, now.boot).max(client.budget.wait(MOST_PER_CLIENT, now.boot));
        if !wait.is_zero() {
            return Some(Reply::Refuse(budget::refusal(wait)));
        }
        slot.budget.spend(now.boot);
        client.budget.spend(now.boot);
        self.flights += 1;
        if ask.force {
            slot.void_before = next_id.0;
        }
        let is_queued = account.flights.values().any(is_same);
        let flight = Flight { slot: slot_key.clone(), claims: ask.claims.clone(), is_queued };
        let order = (!is_queued).then(|| order(next_id, key, &flight, slot));
        account.flights.insert(next_id, flight);
        Some(Reply::Wait { flight: next_id, order })
    }
}

impl Client {
    fn refusal(&self, now: Now) -> Option<Refusal> {
        let (until, failure) = self.throttled.as_ref().filter(|(until, _)| *until > now.boot)?;
        Some(Refusal { failure: failure.clone(), retry_after: Some(until.saturating_sub(now.boot)) })
    }

    /// The boot time before which nothing is sent for any key.
    fn held_back_until(&self, now: Now) -> Duration {
        let throttled = self.throttled.as_ref().map_or(Duration::ZERO, |(until, _)| *until);
        let wait = self.budget.wait(MOST_PER_CLIENT, now.boot);
        if wait.is_zero() { throttled } else { throttled.max(now.boot.saturating_add(wait)) }
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

mod plan;
#[cfg(test)]
mod tests;

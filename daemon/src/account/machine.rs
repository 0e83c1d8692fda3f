//! The machine: every account's tokens, and the rules by which Entra is asked.
//!
//! The hard idea is the *flight*. A caller never asks Entra; it joins the flight of its key, or causes one
//! to start, and hears how it landed. So a thousand callers cost one request, and a caller that goes away
//! changes nothing. Flights carry numbers that only grow: an outcome whose number is no longer known
//! belongs to a sign-in that is gone, and is dropped.
//!
//! An event is a method, and what is to be done is what it returns: [`Machine::ask`], [`Machine::ended`],
//! [`Machine::tick`], [`Machine::network_changed`], [`Machine::sign_in`], [`Machine::sign_out`],
//! [`Machine::revive`]. [`state`] names the states between them.
//!
//! Invariants kept here: a valid token is never withheld because a refresh failed (4); an account needs a
//! person only after a proven-dead answer (5); one flight per key (6).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use entra_proto::scope::Scopes;

use super::budget::Limits;
use super::key::{AccountKey, ClientKey, FlightId, SlotKey};
use super::outcome::Failure;
use super::slot::{Held, Slot};
use super::time::Now;

mod ask;
mod client;
mod exercise;
mod land;
mod plan;
pub mod state;

pub use ask::{Ask, Order, Reply};
use client::{Client, PACE};
use exercise::Exercise;
pub use land::{Ended, Landing};

/// All accounts.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    accounts: BTreeMap<AccountKey, Account>,
    clients: BTreeMap<ClientKey, Client>,
    /// The number of the next flight.
    flights: u64,
    limits: Limits,
}

/// One account.
#[derive(Clone, Debug)]
struct Account {
    client: ClientKey,
    slots: BTreeMap<SlotKey, Slot>,
    flights: BTreeMap<FlightId, Flight>,
    /// The proof that its refresh token is dead, and since when in seconds since 1970.
    dead: Option<(Failure, u64)>,
    refreshed_on: Option<u64>,
    exercise: Exercise,
}

#[derive(Clone, Debug)]
struct Flight {
    slot: SlotKey,
    claims: Option<String>,
    /// It waits for the flight before it on the same slot to land.
    is_queued: bool,
    /// It tries whether an outage is over.
    is_probe: bool,
    /// The boot time at which it was ordered.
    ordered: Duration,
}

/// A sign-in, fresh or from the vault.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// What its refresh token is bound to.
    pub client: ClientKey,
    /// When its refresh token last worked, in seconds since 1970.
    pub used_on: u64,
    /// What it was asked for first: what the refresh token is used for where nobody asks for anything. `None`
    /// where that is not known.
    pub rooted_in: Option<(SlotKey, Scopes)>,
}

impl Machine {
    /// An account signed in, or came back from the vault. Tokens of the same client that still live are kept:
    /// Entra honours them whatever became of the refresh token. Returns the flights of the sign-in it replaces:
    /// whoever waits for them should ask again.
    pub fn sign_in(&mut self, key: AccountKey, signed_in: SignedIn) -> Vec<FlightId> {
        let SignedIn { client, used_on, rooted_in } = signed_in;
        let replaced = self.accounts.remove(&key);
        let flights = replaced.iter().flat_map(|account| account.flights.keys().copied()).collect();
        let slots = match replaced {
            Some(account) if account.client == client => account.into_slots(self.flights),
            _ => BTreeMap::new(),
        };
        let exercise = Exercise::new(used_on, rooted_in);
        let account =
            Account { client, slots, flights: BTreeMap::new(), dead: None, refreshed_on: None, exercise };
        self.accounts.insert(key, account);
        flights
    }

    /// The account came back from the vault with a refresh token that is in quarantine.
    pub fn mark_dead(&mut self, key: &AccountKey, failure: Failure, since: u64) {
        if let Some(account) = self.accounts.get_mut(key) {
            account.dead = Some((failure, since));
        }
    }

    /// Somebody wants the account's refresh token to be tried again, whatever was said of it. Returns the flight
    /// that tries it and its order; `None` when the account is unknown, nobody knows what to ask for, or Entra must
    /// not be asked now, for which [`Machine::refusal`] gives the reason.
    pub fn revive(&mut self, key: &AccountKey, now: Now) -> Option<(FlightId, Option<Order>)> {
        let account = self.accounts.get_mut(key)?;
        account.dead = None;
        account.slots.values_mut().for_each(Slot::forget_failures);
        let (slot, scopes) = account.exercise.slot().map(|(slot, scopes)| (slot.clone(), scopes.clone()))?;
        account.slot(&slot, &scopes, self.limits, now);
        let plain = Ask { min_validity: Duration::MAX, claims: None, force: false };
        match self.join_or_start(key, &slot, &plain, now)? {
            Reply::Wait { flight, order, .. } => Some((flight, order)),
            Reply::Refuse(_) | Reply::Serve { .. } => None,
        }
    }

    /// The account signed out. Returns its flights: whoever waits for them should ask again.
    pub fn sign_out(&mut self, key: &AccountKey) -> Vec<FlightId> {
        self.accounts.remove(key).map(|account| account.flights.into_keys().collect()).unwrap_or_default()
    }

    /// A token came with a sign-in: it fills its slot, and Entra can be reached.
    pub fn fill(&mut self, key: &AccountKey, slot: &SlotKey, scopes: &Scopes, held: Held, now: Now) {
        let flights = self.flights;
        if let Some(account) = self.accounts.get_mut(key) {
            account.slot(slot, scopes, self.limits, now).succeeded(flights, Arc::new(held), now);
            account.refreshed_on = Some(now.epoch());
            let client = account.client.clone();
            self.note_answer(&client);
        }
    }

    /// The account's slots.
    pub fn slots(&self, key: &AccountKey) -> impl Iterator<Item = (&SlotKey, &Slot)> {
        self.accounts.get(key).into_iter().flat_map(|account| &account.slots)
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
}

impl Account {
    /// The slot, made where there is none.
    fn slot(&mut self, key: &SlotKey, scopes: &Scopes, limits: Limits, now: Now) -> &mut Slot {
        if !self.slots.contains_key(key) {
            self.make_room(now);
        }
        let twin = self.slots.get(&key.twin()).map(|twin| twin.budget.clone());
        self.slots.entry(key.clone()).or_insert_with(|| {
            let mut slot = Slot::new(scopes.clone(), limits);
            slot.budget = twin.unwrap_or(slot.budget);
            slot
        })
    }

    /// Drops slots that hold nothing of worth once there are very many, else the one whose token ends first.
    fn make_room(&mut self, now: Now) {
        if self.slots.len() < MOST_SLOTS {
            return;
        }
        let flying: Vec<_> = self.flights.values().map(|flight| &flight.slot).collect();
        self.slots.retain(|key, slot| {
            flying.contains(&key) || slot.valid(now).is_some() || slot.held_back_until(now) > now.boot
        });
        if self.slots.len() >= MOST_SLOTS {
            let end = |slot: &Slot| slot.valid(now).map(|held| held.expiry.remaining(now));
            let idle = self.slots.iter().filter(|(key, _)| !flying.contains(key));
            let first = idle.min_by_key(|(_, slot)| end(slot)).map(|(key, _)| key.clone());
            first.map(|key| self.slots.remove(&key));
        }
    }

    /// The slots for a new sign-in of the same account. What was begun before `flights` is not for them.
    fn into_slots(self, flights: u64) -> BTreeMap<SlotKey, Slot> {
        let mut slots = self.slots;
        for slot in slots.values_mut() {
            slot.forget_failures();
            slot.is_of_earlier_sign_in = slot.held.is_some();
            slot.void_before = flights;
        }
        slots
    }

    /// The flight in the air for the slot and challenge, and the one behind it.
    fn flights_of<'a>(
        &'a self,
        slot: &'a SlotKey,
        claims: Option<&'a str>,
    ) -> impl Iterator<Item = (FlightId, &'a Flight)> {
        let is_same = move |flight: &Flight| flight.slot == *slot && flight.claims.as_deref() == claims;
        self.flights.iter().filter(move |(_, flight)| is_same(flight)).map(|(id, flight)| (*id, flight))
    }

    fn is_flying(&self, slot: &SlotKey) -> bool {
        self.flights.values().any(|flight| flight.slot == *slot)
    }
}

/// Each distinct scope set, tenant and CAE choice takes a slot of some hundred bytes and a token of a few
/// thousand. No tool asks for more than a dozen; a loop over made-up scopes must not fill the memory.
const MOST_SLOTS: usize = 16_384;

#[cfg(test)]
mod model;
#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod walk;

//! What will be done by itself, and when.
//!
//! A token is renewed ahead of need where somebody asked for it since its last refresh; one that expired unrenewed,
//! in an outage or while the machine slept, is renewed as soon as it can be. So a token that nobody uses costs one
//! request at most. During an outage one key at a time tries whether it is over.

use std::time::Duration;

use super::super::key::{AccountKey, ClientKey, SlotKey};
use super::super::slot::Slot;
use super::super::time::Now;
use super::{Account, Ask, Client, Machine, Order, Reply};

impl Machine {
    /// Time passed: the requests that are due now, at most one for each client.
    pub fn tick(&mut self, now: Now) -> Vec<Order> {
        let mut due: Vec<Planned<'_>> = Vec::new();
        for planned in self.planned(now).filter(|planned| planned.at <= now.boot) {
            match due.iter_mut().find(|known| known.client == planned.client) {
                Some(longest) if longest.own <= planned.own => {}
                Some(longest) => *longest = planned,
                None => due.push(planned),
            }
        }
        let due: Vec<_> = due.iter().map(|planned| (planned.account.clone(), planned.slot.clone())).collect();
        due.iter().filter_map(|(account, slot)| self.send(account, slot, now)).collect()
    }

    /// The network changed: what an outage holds back may be tried again at once.
    pub fn network_changed(&mut self, now: Now) {
        self.clients.values_mut().for_each(|client| client.forget_attempts(now));
        self.accounts
            .values_mut()
            .flat_map(|account| account.slots.values_mut())
            .for_each(Slot::forget_outage);
    }

    /// The boot time of the next request that is due, if any.
    #[must_use]
    pub fn next_due(&self, now: Now) -> Option<Duration> {
        self.planned(now).map(|planned| planned.at).min()
    }

    /// When the slot will next be refreshed by itself, on the boot clock; `None` when nobody asked for it since
    /// its last refresh, or it holds nothing to renew.
    #[must_use]
    pub fn due(&self, key: &AccountKey, slot: &SlotKey, now: Now) -> Option<Duration> {
        let account = self.accounts.get(key).filter(|account| account.dead.is_none())?;
        let own = renewal(account.slots.get(slot)?, now)?;
        Some(own.at.max(self.scheduled_from(account, own.last_chance, now)))
    }

    /// When the account's refresh token will next be used for its own sake, on the boot clock.
    #[must_use]
    pub fn exercise_due(&self, key: &AccountKey, now: Now) -> Option<Duration> {
        let account = self.accounts.get(key).filter(|account| account.dead.is_none())?;
        let (own, _) = exercise(account, now)?;
        Some(own.at.max(self.scheduled_from(account, own.last_chance, now)))
    }

    /// The boot time before which nothing is sent for the slot, when that lies ahead.
    #[must_use]
    pub fn blocked_until(&self, key: &AccountKey, slot: &SlotKey, now: Now) -> Option<Duration> {
        let account = self.accounts.get(key)?;
        let (slot, client) = (account.slots.get(slot)?, self.clients.get(&account.client));
        let outage = client.and_then(|client| client.outage_refusal(slot, now)?.retry_after);
        let client = client.map_or(Duration::ZERO, |client| client.held_back_until(now));
        let outage = now.boot.saturating_add(outage.unwrap_or_default());
        Some(slot.held_back_until(now).max(client).max(outage)).filter(|until| *until > now.boot)
    }

    fn send(&mut self, key: &AccountKey, slot: &SlotKey, now: Now) -> Option<Order> {
        let account = self.accounts.get_mut(key)?;
        if let Some((root, scopes)) = account.exercise.slot().filter(|(root, _)| *root == slot) {
            let (root, scopes) = (root.clone(), scopes.clone());
            account.slot(&root, &scopes, self.limits, now);
        }
        Client::of(&mut self.clients, &account.client, self.limits).pace(now);
        let plain = Ask { min_validity: Duration::ZERO, claims: None, force: false };
        match self.start(key, slot, &plain, now)? {
            Reply::Wait { order, .. } => order,
            Reply::Refuse(_) | Reply::Serve { .. } => None,
        }
    }

    fn planned(&self, now: Now) -> impl Iterator<Item = Planned<'_>> {
        let good = self.accounts.iter().filter(|(_, account)| account.dead.is_none());
        // While a probe is in the air, whether the outage is over is about to be known.
        let may_send = |account: &Account| !self.is_out(&account.client) || !self.is_in_air(&account.client);
        good.filter(move |(_, account)| may_send(account)).flat_map(move |(key, account)| {
            let renewals = account.slots.iter().filter_map(move |(slot, state)| {
                Some((renewal(state, now)?, slot)).filter(|_| !account.is_flying(slot))
            });
            let exercise = exercise(account, now).filter(|_| account.flights.is_empty());
            renewals.chain(exercise).map(move |(own, slot)| {
                let at = own.at.max(self.scheduled_from(account, own.last_chance, now));
                Planned { client: &account.client, at, own: own.at, account: key, slot }
            })
        })
    }

    fn scheduled_from(&self, account: &Account, last_chance: Option<Duration>, now: Now) -> Duration {
        self.clients
            .get(&account.client)
            .map_or(Duration::ZERO, |client| client.scheduled_from(last_chance, now))
    }

    pub(super) fn is_out(&self, client: &ClientKey) -> bool {
        self.clients.get(client).is_some_and(Client::is_out)
    }

    fn is_in_air(&self, client: &ClientKey) -> bool {
        self.accounts.values().any(|account| account.client == *client && !account.flights.is_empty())
    }
}

/// A request to send by itself.
struct Planned<'a> {
    client: &'a ClientKey,
    at: Duration,
    /// When the key alone would want it: of those that wait for the client, the one that waits longest is next.
    own: Duration,
    account: &'a AccountKey,
    slot: &'a SlotKey,
}

/// When a key alone would want a request, and when its token is about to end, if it holds a live one.
struct Own {
    at: Duration,
    last_chance: Option<Duration>,
}

fn renewal(slot: &Slot, now: Now) -> Option<Own> {
    let held = slot.held.as_ref().filter(|_| slot.is_wanted && !slot.needs_somebody())?;
    let is_live = slot.valid(now).is_some();
    let last_chance = is_live.then(|| held.expiry.boot(now).saturating_sub(LAST_CHANCE));
    Some(Own { at: wanted_at(slot, now).max(slot.held_back_until(now)), last_chance })
}

/// When the held token is to be renewed if nothing holds it back; zero when that is past.
pub(super) fn wanted_at(slot: &Slot, now: Now) -> Duration {
    let held = slot.valid(now).filter(|held| !slot.is_of_earlier_sign_in && !held.due.has_passed(now));
    held.map_or(Duration::ZERO, |held| held.due.boot(now))
}

fn exercise(account: &Account, now: Now) -> Option<(Own, &SlotKey)> {
    let (key, _) = account.exercise.slot()?;
    let held_back = account.slots.get(key).map_or(Duration::ZERO, |slot| slot.held_back_until(now));
    Some((Own { at: account.exercise.due(now).max(held_back), last_chance: None }, key))
}

/// Enough for an answer to come before the token ends.
const LAST_CHANCE: Duration = Duration::from_secs(20);

//! What will be done by itself, and when.

use std::time::Duration;

use super::super::key::{AccountKey, SlotKey};
use super::super::slot::Slot;
use super::super::time::Now;
use super::{Account, Ask, Machine, Order, Reply};

impl Machine {
    /// Time passed: the requests that are due now.
    pub fn tick(&mut self, now: Now) -> Vec<Order> {
        let due: Vec<_> =
            self.planned(now).filter(|planned| planned.at <= now.boot).map(|planned| planned.key).collect();
        let plain = Ask { min_validity: Duration::ZERO, claims: None, force: false };
        due.iter()
            .filter_map(|(account, slot)| match self.board(account, slot, &plain, now)? {
                Reply::Wait { order, .. } => order,
                Reply::Refuse(_) | Reply::Serve { .. } => None,
            })
            .collect()
    }

    /// The network changed: keys that an outage holds back may be tried again, each a moment later than the
    /// one before, so that a network that is back is not greeted by all of them at once.
    pub fn network_changed(&mut self, now: Now) {
        let slots = self.accounts.values_mut().flat_map(|account| account.slots.values_mut());
        for (place, slot) in slots.enumerate() {
            let after = BETWEEN_KEYS.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX)).min(SPREAD);
            slot.forget_outage(now.boot.saturating_add(after));
        }
    }

    /// The boot time of the next request that is due, if any.
    #[must_use]
    pub fn next_due(&self, now: Now) -> Option<Duration> {
        self.planned(now).map(|planned| planned.at).min()
    }

    /// When the slot will next be refreshed ahead of need, on the boot clock; `None` when nobody asked for
    /// it since its last refresh, or it holds nothing to renew.
    #[must_use]
    pub fn due(&self, key: &AccountKey, slot: &SlotKey, now: Now) -> Option<Duration> {
        let account = self.accounts.get(key).filter(|account| account.dead.is_none())?;
        planned_at(account.slots.get(slot)?, self.client_held_back(account, now), now)
    }

    /// The boot time before which nothing is sent for the slot, when that lies ahead.
    #[must_use]
    pub fn blocked_until(&self, key: &AccountKey, slot: &SlotKey, now: Now) -> Option<Duration> {
        let account = self.accounts.get(key)?;
        let slot = account.slots.get(slot)?.held_back_until(now);
        Some(slot.max(self.client_held_back(account, now))).filter(|until| *until > now.boot)
    }

    fn planned(&self, now: Now) -> impl Iterator<Item = Planned> {
        self.accounts.iter().filter(|(_, account)| account.dead.is_none()).flat_map(move |(key, account)| {
            let held_back = self.client_held_back(account, now);
            account.slots.iter().filter_map(move |(slot_key, slot)| {
                let at = planned_at(slot, held_back, now)?;
                let is_flying = account.flights.values().any(|flight| flight.slot == *slot_key);
                (!is_flying).then(|| Planned { at, key: (key.clone(), slot_key.clone()) })
            })
        })
    }

    fn client_held_back(&self, account: &Account, now: Now) -> Duration {
        self.clients.get(&account.client).map_or(Duration::ZERO, |client| client.held_back_until(now))
    }
}

const BETWEEN_KEYS: Duration = Duration::from_millis(200);

/// No key waits longer than this for a network that is back.
const SPREAD: Duration = Duration::from_secs(5);

struct Planned {
    at: Duration,
    key: (AccountKey, SlotKey),
}

/// A token is renewed ahead of need only: once it has expired, or Entra wants a person, the next caller
/// decides. So neither a long outage nor a morning after suspend sends requests that nobody waits for.
fn planned_at(slot: &Slot, held_back: Duration, now: Now) -> Option<Duration> {
    let held = slot.valid(now).filter(|_| slot.is_wanted && !slot.needs_somebody())?;
    let at = held.due.boot(now).max(slot.held_back_until(now)).max(held_back);
    Some(at).filter(|at| *at < held.expiry.boot(now))
}

//! A caller asks: it is served, refused, or waits for a flight.

use std::sync::Arc;
use std::time::Duration;

use entra_proto::scope::Scopes;

use super::super::budget;
use super::super::key::{AccountKey, FlightId, SlotKey};
use super::super::outcome::Failure;
use super::super::slot::{Held, Refusal, Slot};
use super::super::time::Now;
use super::{Client, Flight, Machine};

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
        /// A token with less life than it wants, and some: better than nothing where the flight takes long.
        fallback: Option<Arc<Held>>,
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
    /// It tries whether an outage is over: sent once, whatever comes back.
    pub is_probe: bool,
}

impl Machine {
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
        let slot = account.slot(slot_key, scopes, self.limits, now);
        let is_first = !std::mem::replace(&mut slot.is_wanted, true);
        if !ask.passes_over_cache()
            && let Some(held) = slot.good_for(ask.min_validity, now)
        {
            return Some(Reply::Serve { held: Arc::clone(held), is_first });
        }
        let fallback = slot.valid(now).filter(|_| !ask.passes_over_cache()).cloned();
        let reply = self.join_or_start(key, slot_key, ask, now)?;
        Some(match (reply, fallback) {
            (Reply::Refuse(_), Some(held)) => Reply::Serve { held, is_first },
            (Reply::Refuse(refusal), None) => {
                // A loop over made-up scopes leaves nothing behind.
                let slots = &mut self.accounts.get_mut(key)?.slots;
                if slots.get(slot_key).is_some_and(Slot::is_blank) {
                    slots.remove(slot_key);
                }
                Reply::Refuse(refusal)
            }
            (Reply::Wait { flight, order, .. }, fallback) => Reply::Wait { flight, order, fallback },
            (reply, _) => reply,
        })
    }

    pub(super) fn join_or_start(
        &mut self,
        key: &AccountKey,
        slot_key: &SlotKey,
        ask: &Ask,
        now: Now,
    ) -> Option<Reply> {
        let account = self.accounts.get(key)?;
        if let Some((failure, _)) = &account.dead {
            return Some(Reply::Refuse(Refusal { failure: failure.clone(), retry_after: None }));
        }
        if let Some(flight) = self.joinable(key, slot_key, ask) {
            return Some(Reply::Wait { flight, order: None, fallback: None });
        }
        match self.refusal(key, slot_key, ask.claims.as_deref(), now) {
            Some(refusal) => Some(Reply::Refuse(refusal)),
            None => self.start(key, slot_key, ask, now),
        }
    }

    /// Why no request would be sent for a slot now; `None` when one would be, or the slot is unknown.
    #[must_use]
    pub fn refusal(
        &self,
        key: &AccountKey,
        slot_key: &SlotKey,
        claims: Option<&str>,
        now: Now,
    ) -> Option<Refusal> {
        let account = self.accounts.get(key)?;
        let (slot, client) = (account.slots.get(slot_key)?, self.clients.get(&account.client));
        let refusal = slot
            .refusal(claims, now)
            .or_else(|| client?.outage_refusal(slot, now))
            .or_else(|| slot.loop_refusal(claims, now))
            .or_else(|| client?.refusal(now))
            .or_else(|| self.budget_refusal(key, slot_key, now));
        refusal.map(|refusal| self.with_whole_wait(refusal, key, slot_key, now))
    }

    /// The refusal with the longest wait of all that hold the slot back: a caller that comes back then is not
    /// refused again for what is known now.
    pub(super) fn with_whole_wait(
        &self,
        refusal: Refusal,
        key: &AccountKey,
        slot: &SlotKey,
        now: Now,
    ) -> Refusal {
        let whole = self.blocked_until(key, slot, now).map(|until| until.saturating_sub(now.boot));
        let retry_after = refusal.retry_after.map(|wait| wait.max(whole.unwrap_or_default()));
        Refusal { retry_after, ..refusal }
    }

    /// The flight that this caller may join. One whose token was refused does not join a flight that may have
    /// begun before the refusal, but one that has not begun yet.
    fn joinable(&self, key: &AccountKey, slot_key: &SlotKey, ask: &Ask) -> Option<FlightId> {
        let account = self.accounts.get(key)?;
        let void_before = account.slots.get(slot_key)?.void_before;
        let flights = account.flights_of(slot_key, ask.claims.as_deref());
        let joinable = flights.filter(|(id, flight)| flight.is_queued || (!ask.force && id.0 >= void_before));
        joinable.map(|(id, _)| id).last()
    }

    /// A budget that is used up.
    fn budget_refusal(&self, key: &AccountKey, slot_key: &SlotKey, now: Now) -> Option<Refusal> {
        let account = self.accounts.get(key)?;
        let slot = account.slots.get(slot_key)?;
        let of_key = slot.budget.wait(now.boot);
        let client = self.clients.get(&account.client);
        let of_client = client.map_or(Duration::ZERO, |client| client.budget.wait(now.boot));
        let wait = of_key.max(of_client);
        // An outage that was tried often is told as what it is.
        let told = |failure: &Failure| Refusal { failure: failure.clone(), retry_after: Some(wait) };
        (!wait.is_zero()).then(|| slot.outage().map_or_else(|| budget::refusal(wait), told))
    }

    /// Starts a flight, or queues it behind the one in the air. `None` when the account or slot is gone.
    pub(super) fn start(
        &mut self,
        key: &AccountKey,
        slot_key: &SlotKey,
        ask: &Ask,
        now: Now,
    ) -> Option<Reply> {
        let id = FlightId(self.flights);
        let account = self.accounts.get_mut(key)?;
        let is_queued = account.flights_of(slot_key, ask.claims.as_deref()).next().is_some();
        if let Some(twin) = account.slots.get_mut(&slot_key.twin()) {
            twin.budget.spend(now.boot);
        }
        let slot = account.slots.get_mut(slot_key)?;
        slot.spend(ask.claims.as_deref(), now);
        let client = Client::of(&mut self.clients, &account.client, self.limits);
        client.budget.spend(now.boot);
        let is_probe = client.is_out();
        self.flights += 1;
        if ask.force {
            slot.void_before = id.0;
        }
        let flight = Flight {
            slot: slot_key.clone(),
            claims: ask.claims.clone(),
            is_queued,
            is_probe,
            ordered: now.boot,
        };
        let order = (!is_queued).then(|| order(id, key, &flight, slot, is_probe));
        account.flights.insert(id, flight);
        Some(Reply::Wait { flight: id, order, fallback: None })
    }
}

pub(super) fn order(
    flight: FlightId,
    account: &AccountKey,
    of: &Flight,
    slot: &Slot,
    is_probe: bool,
) -> Order {
    Order {
        flight,
        account: account.clone(),
        tenant: of.slot.tenant.clone(),
        scopes: slot.scopes.clone(),
        claims: of.claims.clone(),
        cae: of.slot.cae,
        is_probe,
    }
}

//! A flight ends: what its callers are told, and what follows for others.

use std::sync::Arc;

use entra_proto::error::{ErrorBody, ErrorCode};

use super::super::key::{AccountKey, ClientKey, FlightId};
use super::super::outcome::{Failure, FailureKind, Grant, Reach};
use super::super::schedule::Jitter;
use super::super::slot::{Held, Refusal};
use super::super::time::Now;
use super::ask::order;
use super::{Client, Flight, Machine, Order};

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
    /// The flight behind it, where it need not be sent any more: tell its waiters the same.
    pub behind: Option<FlightId>,
    /// Carry this out next: a flight that had to wait for this one.
    pub next: Option<Order>,
    /// The refresh token is proven dead; quarantine it.
    pub is_dead: bool,
}

impl Machine {
    /// Whether a flight that waited for its turn is still to be sent: not when its sign-in is gone, the account
    /// died meanwhile, or another flight learned that Entra cannot or will not be asked.
    ///
    /// # Errors
    /// What the other one learned; report it as this flight's outcome.
    pub fn clearance(&self, key: &AccountKey, flight: FlightId, now: Now) -> Result<(), Failure> {
        let account = self.accounts.get(key);
        let Some((account, of)) = account.and_then(|account| Some((account, account.flights.get(&flight)?)))
        else {
            let sentence = "The account signed out, or in again, before Entra was asked.";
            return Err(Failure::own(
                ErrorBody::new(ErrorCode::Unavailable, sentence).with_hint("Ask again."),
            ));
        };
        if let Some((failure, _)) = &account.dead {
            return Err(failure.clone());
        }
        let client = self.clients.get(&account.client);
        client.and_then(|client| client.failed_since(of.ordered, now)).map_or(Ok(()), Err)
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
        let client = account.client.clone();
        let slot = account.slots.get_mut(&flight.slot)?;
        let (mut is_dead, is_good) = (false, result.is_ok());
        let result = match result {
            Ok(grant) => {
                let held = Arc::new(Held::new(grant, now, jitter));
                account.refreshed_on = Some(now.epoch());
                account.exercise.used(now, jitter);
                slot.succeeded(flight_id.0, Arc::clone(&held), now);
                self.note_answer(&client);
                Ok(held)
            }
            Err(failure) => {
                let refusal = slot.failed(&failure, flight.claims.clone(), now, jitter);
                if failure.kind == FailureKind::Dead {
                    account.dead = Some((failure.clone(), now.epoch()));
                    is_dead = true;
                } else if !matches!(failure.kind, FailureKind::RetryAfter { .. }) {
                    account.exercise.refused(&flight.slot, now);
                }
                self.note_failure(&client, &flight, &failure, &refusal, now, jitter);
                if flight.is_probe && never_arrived(&failure) {
                    self.give_back(key, &client, &flight);
                }
                Err(self.with_whole_wait(refusal, key, &flight.slot, now))
            }
        };
        let account = self.accounts.get_mut(key)?;
        let slot = account.slots.get(&flight.slot)?;
        let fallback = slot.valid(now).cloned();
        let behind = account.flights_of(&flight.slot, flight.claims.as_deref()).next().map(|(id, _)| id);
        let mut ended = Ended { landing: Landing { result, fallback }, behind: None, next: None, is_dead };
        if let Some(id) = behind {
            if is_good {
                let next = account.flights.get_mut(&id)?;
                (next.is_queued, next.ordered) = (false, now.boot);
                ended.next = Some(order(id, key, next, slot, false));
            } else {
                account.flights.remove(&id);
                ended.behind = Some(id);
            }
        }
        Some(ended)
    }

    /// What did not reach Entra is no request in Entra's eyes.
    fn give_back(&mut self, key: &AccountKey, client: &ClientKey, flight: &Flight) {
        for slot in [&flight.slot, &flight.slot.twin()] {
            let account = self.accounts.get_mut(key);
            if let Some(slot) = account.and_then(|account| account.slots.get_mut(slot)) {
                slot.budget.give_back(flight.ordered);
            }
        }
        if let Some(client) = self.clients.get_mut(client) {
            client.budget.give_back(flight.ordered);
        }
    }

    fn note_failure(
        &mut self,
        key: &ClientKey,
        flight: &Flight,
        failure: &Failure,
        refusal: &Refusal,
        now: Now,
        jitter: Jitter,
    ) {
        let client = Client::of(&mut self.clients, key, self.limits);
        match failure.kind {
            FailureKind::RetryAfter { after, reach: Reach::Outage } => {
                client.note_outage((&flight.slot, flight.ordered), after, failure, now, jitter);
            }
            FailureKind::RetryAfter { reach: Reach::Client, .. } => {
                let until = now.boot.saturating_add(refusal.retry_after.unwrap_or_default());
                client.throttle(until, failure.clone());
                self.note_answer(key);
            }
            // Nobody was asked: our own defect, or a refusal of our own.
            _ if failure.fault.own.is_some() => {}
            _ => self.note_answer(key),
        }
    }

    /// Entra answered somebody, so nobody need stay away for an outage any longer.
    pub(super) fn note_answer(&mut self, key: &ClientKey) {
        if self.clients.get_mut(key).is_some_and(Client::note_answer) {
            let of_client = self.accounts.values_mut().filter(|account| account.client == *key);
            of_client.flat_map(|account| account.slots.values_mut()).for_each(super::Slot::forget_outage);
        }
    }
}

/// Whether a probe, which is sent once, surely ended on this side of Entra.
fn never_arrived(failure: &Failure) -> bool {
    let is_outage = matches!(failure.kind, FailureKind::RetryAfter { reach: Reach::Outage, .. });
    is_outage && !failure.fault.may_have_arrived && failure.fault.status.is_none()
}

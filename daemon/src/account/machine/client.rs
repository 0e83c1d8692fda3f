//! What all keys of an app registration at an authority share: a throttle, the budget, an outage, the pace.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::budget::{Budget, Limits};
use super::super::key::{ClientKey, SlotKey};
use super::super::outcome::Failure;
use super::super::schedule::{Jitter, ProbeLimit, probe_back_off};
use super::super::slot::{Refusal, Slot};
use super::super::time::Now;

/// The shared part.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) budget: Budget,
    /// Entra throttled it: nothing is sent before this boot time.
    throttled: Option<(Duration, Failure)>,
    outage: Option<Outage>,
    /// The schedule sends nothing before this boot time: its requests go out one by one, so that a network that
    /// is back, or a machine that wakes, does not greet Entra with all keys at once.
    paced_until: Duration,
}

/// The way to Entra is closed.
#[derive(Clone, Debug)]
struct Outage {
    /// Probes that found it so, one after the other.
    attempts: u32,
    /// The key that met it first, and whether others did as well.
    first: SlotKey,
    is_general: bool,
    /// When a request met it last.
    at: Duration,
    failure: Failure,
    retry_after: Option<Duration>,
    jitter: Jitter,
}

impl Client {
    fn new(limits: Limits) -> Self {
        let budget = Budget::of(limits.per_client);
        Self { budget, throttled: None, outage: None, paced_until: Duration::ZERO }
    }

    /// The client, made where there is none.
    pub(super) fn of<'a>(
        all: &'a mut BTreeMap<ClientKey, Self>,
        key: &ClientKey,
        limits: Limits,
    ) -> &'a mut Self {
        all.entry(key.clone()).or_insert_with(|| Self::new(limits))
    }

    pub(super) fn throttle(&mut self, until: Duration, failure: Failure) {
        let until = self.throttled.as_ref().map_or(until, |(before, _)| until.max(*before));
        self.throttled = Some((until, failure));
    }

    /// A request for `slot` that was sent at `sent` found the way closed.
    pub(super) fn note_outage(
        &mut self,
        (slot, sent): (&SlotKey, Duration),
        retry_after: Option<Duration>,
        failure: &Failure,
        now: Now,
        jitter: Jitter,
    ) {
        let outage = self.outage.get_or_insert_with(|| Outage {
            attempts: 0,
            first: slot.clone(),
            is_general: false,
            at: now.boot,
            failure: failure.clone(),
            retry_after,
            jitter,
        });
        // What was sent before the next probe is due, by other keys or at the same time, says nothing of how long
        // it lasts.
        if sent >= outage.probe_from(true) {
            outage.attempts = outage.attempts.saturating_add(1);
        }
        (outage.at, outage.retry_after, outage.jitter) = (now.boot, retry_after, jitter);
        outage.is_general |= outage.first != *slot;
        outage.failure = failure.clone();
    }

    /// Entra answered. Says whether that ends an outage.
    pub(super) fn note_answer(&mut self) -> bool {
        self.outage.take().is_some()
    }

    /// The network changed: the next probe may go out now, and counts as the first, unless a pause was named.
    pub(super) fn forget_attempts(&mut self, now: Now) {
        if let Some(outage) = &mut self.outage {
            if outage.retry_after.is_none() {
                outage.attempts = 0;
            }
            self.paced_until = self.paced_until.min(now.boot);
        }
    }

    pub(super) fn is_out(&self) -> bool {
        self.outage.is_some()
    }

    /// Why nobody's request is sent now.
    pub(super) fn refusal(&self, now: Now) -> Option<Refusal> {
        let (until, failure) = self.throttled.as_ref().filter(|(until, _)| *until > now.boot)?;
        Some(Refusal { failure: failure.clone(), retry_after: Some(until.saturating_sub(now.boot)) })
    }

    /// Why a request is not sent now though its key could be: one key tries for all whether an outage is over.
    /// A key may still try for itself once when its token has ended since the last try, and when it was not there
    /// yet while only one other has met the outage.
    pub(super) fn outage_refusal(&self, slot: &Slot, now: Now) -> Option<Refusal> {
        let outage = self.outage.as_ref().filter(|outage| outage.is_general || slot.has_met_outage())?;
        if slot.has_ended_since(outage.at, now) {
            return None;
        }
        let wait = outage.probe_from(true).saturating_sub(now.boot);
        let refusal = Refusal { failure: outage.failure.clone(), retry_after: Some(wait) };
        (!wait.is_zero()).then_some(refusal)
    }

    /// Why a request that waited for its turn since `ordered` need not be sent any more: another one found out.
    pub(super) fn failed_since(&self, ordered: Duration, now: Now) -> Option<Failure> {
        let outage = self.outage.as_ref().filter(|outage| outage.at > ordered);
        outage.map(|outage| outage.failure.clone()).or_else(|| Some(self.refusal(now)?.failure))
    }

    /// What it is, seen from now, in the walk's steps.
    #[cfg(test)]
    pub(super) fn shape(&self, now: Now, to: &mut Vec<u64>) {
        self.budget.shape(now, to);
        let throttled = self.throttled.as_ref().map_or(0, |(until, _)| now.ahead(*until));
        to.extend([throttled, now.ahead(self.paced_until)]);
        if let Some(outage) = &self.outage {
            let probe = |is_live| now.ahead(outage.probe_from(is_live));
            to.extend([
                u64::from(outage.attempts.min(1)) + 2 * u64::from(outage.is_general),
                probe(true),
                probe(false),
            ]);
        }
        to.push(u64::MAX);
    }

    /// Whether the slot's token has ended since a request met the outage last.
    #[cfg(test)]
    pub(super) fn has_ended_since_outage(&self, slot: &Slot, now: Now) -> bool {
        self.outage.as_ref().is_some_and(|outage| slot.has_ended_since(outage.at, now))
    }

    pub(super) fn pace(&mut self, now: Now) {
        self.paced_until = now.boot.saturating_add(PACE);
    }

    /// The boot time before which nothing is sent for any key, whoever asks.
    pub(super) fn held_back_until(&self, now: Now) -> Duration {
        let throttled = self.throttled.as_ref().map_or(Duration::ZERO, |(until, _)| *until);
        let wait = self.budget.wait(now.boot);
        if wait.is_zero() { throttled } else { throttled.max(now.boot.saturating_add(wait)) }
    }

    /// The boot time before which the schedule sends nothing for a key; `last_chance` is when its token, if it
    /// holds a live one, is about to end: a key tries then in any case, should the outage be over unnoticed.
    pub(super) fn scheduled_from(&self, last_chance: Option<Duration>, now: Now) -> Duration {
        let probe = self.outage.as_ref().map_or(Duration::ZERO, |outage| {
            let probe = outage.probe_from(last_chance.is_some());
            last_chance.filter(|chance| *chance > outage.at).map_or(probe, |chance| probe.min(chance))
        });
        self.held_back_until(now).max(probe).max(self.paced_until)
    }
}

impl Outage {
    /// The boot time of the next probe; earlier where somebody wants a token or one can still be renewed in time.
    fn probe_from(&self, is_live: bool) -> Duration {
        if self.attempts == 0 {
            return Duration::ZERO;
        }
        let limit = match (is_live, self.failure.fault.may_have_arrived) {
            (false, _) => ProbeLimit::NothingToLose,
            (true, true) => ProbeLimit::Entra,
            (true, false) => ProbeLimit::Network,
        };
        let wait = probe_back_off(self.attempts, self.retry_after, limit, self.jitter);
        self.at.saturating_add(wait)
    }
}

/// Twelve keys are renewed within three seconds, and a person notices neither end of it.
pub(super) const PACE: Duration = Duration::from_millis(200);

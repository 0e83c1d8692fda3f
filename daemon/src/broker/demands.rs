//! When a person will be needed next: learned where outcomes are settled, kept in the vault, told to whoever prompts.
//!
//! What is learned is worth a write to the disk and never an error: a demand that could not be kept comes again. It
//! outlives the sign-in that it ended, which is its point, and goes with the account when that signs out.

use entra_proto::status::{Expectation, PastDemand};

use super::{Broker, Known, State};
use crate::account::demand::{Demands, Expected, Kind, Life, Tally};
use crate::account::key::{AccountKey, SlotKey};
use crate::account::machine::Order;
use crate::account::outcome::{Failure, FailureKind};
use crate::account::time::Now;
use crate::entra::age_limit;

impl Broker {
    /// The accounts whose next demand for a person is foreseen, with their user names. One that needs a person already is not
    /// among them. [`Broker::watch_needs`] tells when they change, but not when a use of the refresh token only puts one off:
    /// look again when its time has come.
    #[must_use]
    pub fn expectations(&self) -> Vec<(AccountKey, String, Expectation)> {
        let now = self.parts.clock.now();
        let state = self.state();
        let of = |(key, known): (&AccountKey, &Known)| {
            Some((key.clone(), known.entry.username.clone(), state.expectation_of(known, now)?))
        };
        state.known.iter().filter_map(of).collect()
    }

    /// Forgets what a refresh that has just worked proves wrong. To be called before its use is noted.
    pub(super) fn unlearn(&self, order: &Order) -> Option<Demands> {
        let now = self.parts.clock.now();
        let mut state = self.state();
        let entry = &mut state.known.get_mut(&order.account)?.entry;
        let life = Life::of(&entry.provenance, entry.used_on, now.epoch());
        let is_changed = entry.demands.worked(&slot(order), life);
        is_changed.then(|| entry.demands.clone())
    }

    /// Writes what was learned. Without success it is known until the daemon ends, and learned again.
    pub(super) async fn keep(&self, key: &AccountKey, learned: Option<Demands>) {
        let Some(demands) = learned else { return };
        self.state().needs.expect_anew();
        if let Err(error) = self.parts.vault.learn(key, demands).await {
            tracing::warn!(%error, "what was learned of a demand for a person could not be written");
        }
    }

    /// What is known of an account's demands for the sign-in that takes the place of its last.
    pub(super) fn inherit(&self, key: &AccountKey, now: Now) -> Demands {
        let state = self.state();
        let Some(Known { entry, .. }) = state.known.get(key) else { return Demands::default() };
        let mut demands = entry.demands.clone();
        demands.signed_in_again(Life::of(&entry.provenance, entry.used_on, now.epoch()));
        demands
    }
}

impl State {
    /// Learns from a refusal, where it demands a person for an age.
    pub(super) fn learn(&mut self, order: &Order, failure: &Failure, now: Now) -> Option<Demands> {
        let is_entras = matches!(failure.kind, FailureKind::Dead | FailureKind::SignInNeeded);
        let (kind, stated) = age_limit::demand(&failure.fault).filter(|_| is_entras)?;
        let entry = &mut self.known.get_mut(&order.account)?.entry;
        let life = Life::of(&entry.provenance, entry.used_on, now.epoch());
        let is_changed = entry.demands.note(kind, &slot(order), stated, life);
        is_changed.then(|| entry.demands.clone())
    }

    pub(super) fn expectation_of(&self, known: &Known, now: Now) -> Option<Expectation> {
        if self.machine.death(&known.entry.key).is_some() || known.target.is_err() {
            return None;
        }
        let entry = &known.entry;
        let life = Life::of(&entry.provenance, entry.used_on, now.epoch());
        let expected = entry.demands.next(life)?;
        let (on, seen) = (expected.on, expected.seen);
        Some(Expectation { on, aadsts: expected.kind.code(), reason: reason(&expected), seen })
    }
}

impl Known {
    pub(super) fn past_demands(&self) -> Vec<PastDemand> {
        let past = |tally: Tally| PastDemand {
            aadsts: tally.kind.code(),
            reason: cause(tally.kind).to_owned(),
            seen: tally.seen,
            last_on: tally.last_on,
        };
        self.entry.demands.tally().into_iter().map(past).collect()
    }
}

fn slot(order: &Order) -> SlotKey {
    SlotKey::new(&order.tenant, &order.scopes, order.cae)
}

fn reason(expected: &Expected) -> String {
    let span = span(expected.interval);
    match (expected.kind, expected.is_stated) {
        (Kind::Inactivity, _) => {
            format!("A sign-in that is not used for {span} ends; entrad uses it by itself while it runs.")
        }
        (Kind::SecondFactor, _) => {
            format!("The organisation asked for the second factor again after about {span} before.")
        }
        (_, true) => format!("The organisation asks for a new sign-in every {span}."),
        (_, false) => format!("The organisation asked for a new sign-in after about {span} before."),
    }
}

/// Why a demand came.
const fn cause(kind: Kind) -> &'static str {
    match kind {
        Kind::SignInFrequency => "The sign-in was older than the organisation allows.",
        Kind::Inactivity => "The sign-in had not been used for too long.",
        Kind::SecondFactor => "The second factor was given longer ago than the organisation allows.",
        Kind::Revocation => {
            "The sign-in was revoked, as by a new password or an administrator; that follows no rhythm."
        }
    }
}

/// A span of time for people, in the largest unit that it fills twice.
fn span(seconds: u64) -> String {
    let units = [(24 * 60 * 60, "days"), (60 * 60, "hours"), (60, "minutes"), (1, "seconds")];
    let fits = |(unit, _): &&(u64, &str)| seconds >= 2 * unit;
    units
        .iter()
        .find(fits)
        .map_or_else(|| format!("{seconds} seconds"), |(unit, name)| format!("{} {name}", seconds / unit))
}

#[cfg(test)]
#[path = "demands_tests.rs"]
mod tests;

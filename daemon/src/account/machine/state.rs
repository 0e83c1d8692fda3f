//! The states by name: what a slot holds, what is under way for it, what keeps Entra from being asked, and what
//! will be done by itself.

use std::time::Duration;

use super::super::key::{AccountKey, SlotKey};
use super::super::slot::Slot;
use super::super::time::Now;
use super::plan::wanted_at;
use super::{Machine, PACE};

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Token {
    /// Nothing yet.
    Empty,
    /// A token, not due yet.
    Fresh,
    /// A token that is to be renewed, with life left.
    Due,
    /// A token whose life is over.
    Expired,
}

/// What is under way for a slot without a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Air {
    /// Nothing.
    Clear,
    /// A flight.
    Flight,
    /// A flight, and one behind it for callers whose token was refused.
    FlightAndNext,
}

/// What keeps a caller's request without a challenge from being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gate {
    /// Nothing.
    Open,
    /// Somebody must do something first; remembered for two minutes.
    Refused,
    /// A back-off of this key.
    BackOff,
    /// Entra throttled the client.
    Throttled,
    /// The budget of the key or the client is used up.
    Spent,
}

/// All of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotState {
    /// What it holds.
    pub token: Token,
    /// What is under way.
    pub air: Air,
    /// What holds requests back.
    pub gate: Gate,
    /// Whether somebody asked since the last refresh.
    pub is_wanted: bool,
}

/// What will be done for a slot by itself, and why then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// A request is under way.
    UnderWay,
    /// A refresh ahead of the token's end.
    Renew,
    /// A refresh once a back-off, a throttle or an outage is over.
    RenewAfterBackOff,
    /// A refresh at once: the token ended unrenewed, in an outage or while the machine slept.
    Replace,
    /// A refresh at once: the token is of an earlier sign-in.
    RenewForNewSignIn,
    /// Nothing before somebody has done something about the last refusal.
    WaitForSomebody,
    /// Nothing before somebody asks: nobody did since the last refresh.
    Unwanted,
    /// Nothing before somebody asks: no token is held.
    NothingHeld,
}

impl Plan {
    /// In words, after "next refresh in … " or "no refresh planned".
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::UnderWay => "a request to Entra is under way",
            Self::Renew => "ahead of its expiry",
            Self::RenewAfterBackOff => "after the back-off",
            Self::Replace => "it expired before it could be renewed",
            Self::RenewForNewSignIn => "it is of an earlier sign-in",
            Self::WaitForSomebody => "somebody must mend the last error first",
            Self::Unwanted => "nobody asked for it since its last refresh",
            Self::NothingHeld => "when it is asked for",
        }
    }
}

impl Machine {
    /// The state of a slot; `None` where there is none.
    #[must_use]
    pub fn state(&self, key: &AccountKey, slot_key: &SlotKey, now: Now) -> Option<SlotState> {
        let account = self.accounts.get(key)?;
        let slot = account.slots.get(slot_key)?;
        let client = self.clients.get(&account.client);
        let air = match account.flights_of(slot_key, None).count() {
            0 => Air::Clear,
            1 => Air::Flight,
            _ => Air::FlightAndNext,
        };
        let is_spent = !slot.budget.wait(now.boot).is_zero()
            || client.is_some_and(|client| !client.budget.wait(now.boot).is_zero());
        let gate = match slot.refusal(None, now) {
            Some(refusal) if refusal.retry_after.is_none() => Gate::Refused,
            Some(_) => Gate::BackOff,
            None if client.is_some_and(|client| client.outage_refusal(slot, now).is_some()) => Gate::BackOff,
            None if client.is_some_and(|client| client.refusal(now).is_some()) => Gate::Throttled,
            None if is_spent => Gate::Spent,
            None => Gate::Open,
        };
        Some(SlotState { token: token(slot, now), air, gate, is_wanted: slot.is_wanted })
    }

    /// What will be done for the slot by itself, why, and at which boot time if it is planned.
    #[must_use]
    pub fn plan(&self, key: &AccountKey, slot_key: &SlotKey, now: Now) -> (Plan, Option<Duration>) {
        let Some((account, slot)) =
            self.accounts.get(key).and_then(|account| Some((account, account.slots.get(slot_key)?)))
        else {
            return (Plan::NothingHeld, None);
        };
        let due = self.due(key, slot_key, now);
        let plan = match (due, token(slot, now)) {
            _ if account.is_flying(slot_key) => Plan::UnderWay,
            _ if slot.needs_somebody() || account.dead.is_some() => Plan::WaitForSomebody,
            (None, Token::Empty) => Plan::NothingHeld,
            (None, _) => Plan::Unwanted,
            (Some(due), _) if due > wanted_at(slot, now).max(now.boot + PACE) => Plan::RenewAfterBackOff,
            (Some(_), Token::Expired | Token::Empty) => Plan::Replace,
            (Some(_), _) if slot.is_of_earlier_sign_in => Plan::RenewForNewSignIn,
            (Some(_), _) => Plan::Renew,
        };
        (plan, due)
    }
}

fn token(slot: &Slot, now: Now) -> Token {
    match (&slot.held, slot.valid(now)) {
        (None, _) => Token::Empty,
        (Some(_), None) => Token::Expired,
        (Some(_), Some(held)) if held.due.has_passed(now) || slot.is_of_earlier_sign_in => Token::Due,
        (Some(_), Some(_)) => Token::Fresh,
    }
}

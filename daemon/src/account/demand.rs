//! Demands for a person: what Entra asked for when a sign-in had become too old, and when it is likely to ask again.
//!
//! The one hard idea: a demand is noticed at the next refresh, not when the organisation's interval ends, so the age of
//! the sign-in at a demand is an upper bound of that interval, and its age at a refresh that works is a lower one. A bound
//! that is proven wrong is forgotten: the policy has changed. Invariant: what an unchanged policy does unlearns nothing.

use entra_proto::account::Provenance;
use serde::{Deserialize, Serialize};

use super::key::SlotKey;

/// What a demand is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The sign-in is older than a policy's sign-in frequency.
    SignInFrequency,
    /// The refresh token was not used for too long.
    Inactivity,
    /// The second factor was given too long ago. Who gives it elsewhere does not help this sign-in.
    SecondFactor,
    /// The sign-in was revoked: a new password, an administrator. Never foretold.
    Revocation,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 4] =
        [Self::SignInFrequency, Self::Inactivity, Self::SecondFactor, Self::Revocation];

    /// Entra's number (Microsoft: "Microsoft Entra authentication and authorization error codes").
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::SignInFrequency => 70_043,
            Self::Inactivity => 700_082,
            Self::SecondFactor => 50_078,
            Self::Revocation => 50_173,
        }
    }

    /// Whether it is about the request's own resource. The other kinds are about the refresh token, whatever it is used for.
    const fn is_of_a_resource(self) -> bool {
        matches!(self, Self::SignInFrequency | Self::SecondFactor)
    }
}

/// How old a sign-in is. Instants are seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// When a person signed in.
    pub signed_in_on: u64,
    /// When the refresh token last worked.
    pub used_on: u64,
    /// Now.
    pub now: u64,
}

impl Life {
    /// The life of the sign-in that this is the provenance of.
    #[must_use]
    pub fn of(provenance: &Provenance, used_on: u64, now: u64) -> Self {
        Self { signed_in_on: provenance.signed_in_on, used_on, now }
    }

    /// Since when time counts for a demand of this kind.
    fn start(self, kind: Kind) -> u64 {
        if kind == Kind::Inactivity { self.used_on } else { self.signed_in_on }
    }

    fn age(self, kind: Kind) -> u64 {
        self.now.saturating_sub(self.start(kind))
    }
}

/// The demands that are remembered of an account, oldest first: the last few of each kind.
///
/// It is part of the sealed file. Fields are only ever added, each with a default, and a number that is not known is
/// kept and means nothing, so that an older or newer entrad reads the account in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demands(Vec<Demand>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Demand {
    /// Entra's number.
    aadsts: u32,
    /// What was asked for: tenant and scopes.
    place: String,
    /// When it was noticed, in seconds since 1970.
    on: u64,
    /// How old the sign-in was by then, or how long unused, in seconds.
    age: u64,
    /// How old it may become, in seconds, where Entra said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    stated: Option<u64>,
    /// The person has not signed in since.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_open: bool,
}

/// The demand that is likely to come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// What it will be about.
    pub kind: Kind,
    /// When, in seconds since 1970; past where nothing was asked for since.
    pub on: u64,
    /// The organisation's interval, in seconds.
    pub interval: u64,
    /// Entra named the interval; otherwise it is the shortest that was seen.
    pub is_stated: bool,
    /// How many demands of this kind are remembered.
    pub seen: u32,
}

/// How often there was a demand of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Which.
    pub kind: Kind,
    /// How many are remembered.
    pub seen: u32,
    /// When the last came, in seconds since 1970.
    pub last_on: u64,
}

impl Demands {
    /// Nothing is remembered.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Entra refused a refresh for this. `stated` is the longest age that it said it allows, in seconds. One sign-in is ended
    /// by a kind of demand once, however many requests meet it. Says whether anything was learned.
    pub fn note(&mut self, kind: Kind, slot: &SlotKey, stated: Option<u64>, life: Life) -> bool {
        let stated = stated.filter(|stated| *stated > 0);
        let demand = Demand {
            aadsts: kind.code(),
            place: place(slot),
            on: life.now,
            age: life.age(kind),
            stated,
            is_open: true,
        };
        if let Some(open) = self.0.iter_mut().find(|open| open.is_open && open.is(kind)) {
            // Another resource is stricter, or says more.
            let is_better = stated.is_some_and(|stated| open.stated.is_none_or(|known| stated < known));
            if is_better {
                (open.place, open.stated) = (demand.place, stated);
            }
            return is_better;
        }
        self.0.push(demand);
        let surplus = self.of(kind).count().saturating_sub(MOST_OF_A_KIND);
        for _ in 0..surplus {
            if let Some(oldest) = self.0.iter().position(|demand| demand.is(kind)) {
                self.0.remove(oldest);
            }
        }
        true
    }

    /// A refresh for this worked. `life.used_on` is when one did before. Forgets what that proves wrong, such as the demands that
    /// would have come by now, and says whether there was any.
    pub fn worked(&mut self, slot: &SlotKey, life: Life) -> bool {
        let place = place(slot);
        let before = self.0.len();
        self.0.retain(|demand| match demand.rhythm() {
            Some(kind) => {
                (kind.is_of_a_resource() && demand.place != place) || life.age(kind) <= demand.bound()
            }
            // What works was not revoked after all: the verdict was taken back.
            None => !(demand.is_open && demand.is(Kind::Revocation)),
        });
        self.0.len() < before
    }

    /// The person signed in again, `last` being the life of the sign-in before: what is open is answered. A resource that is
    /// not used any more would foretell its demand for ever, so what the last sign-in outlived without it is forgotten.
    pub fn signed_in_again(&mut self, last: Life) {
        let proven = last.used_on.saturating_sub(last.signed_in_on);
        let came: Vec<_> = Kind::ALL.into_iter().filter(|kind| self.is_open(*kind)).collect();
        self.0.retain(|demand| {
            demand.rhythm().is_none_or(|kind| {
                !kind.is_of_a_resource() || came.contains(&kind) || proven <= demand.bound()
            })
        });
        for demand in &mut self.0 {
            demand.is_open = false;
        }
    }

    /// The demand that is expected first. None of a kind that has come and waits for the person.
    #[must_use]
    pub fn next(&self, life: Life) -> Option<Expected> {
        let expected = Kind::ALL.into_iter().filter(|kind| !self.is_open(*kind)).filter_map(|kind| {
            let (interval, is_stated) = self.interval(kind, life)?;
            let on = life.start(kind).saturating_add(interval);
            Some(Expected { kind, on, interval, is_stated, seen: self.count(kind) })
        });
        expected.min_by_key(|expected| expected.on)
    }

    /// What came how often, the most recent first.
    #[must_use]
    pub fn tally(&self) -> Vec<Tally> {
        let tally = |kind| {
            let last_on = self.of(kind).map(|demand| demand.on).max()?;
            Some(Tally { kind, seen: self.count(kind), last_on })
        };
        let mut tallies: Vec<_> = Kind::ALL.into_iter().filter_map(tally).collect();
        tallies.sort_by_key(|tally| std::cmp::Reverse(tally.last_on));
        tallies
    }

    /// The shortest interval of any resource, and whether Entra named it.
    fn interval(&self, kind: Kind, life: Life) -> Option<(u64, bool)> {
        let proven = life.used_on.saturating_sub(life.start(kind));
        let of_place = |place: &str| {
            let there = || self.of(kind).filter(|demand| demand.place == place);
            if let Some(stated) = there().rev().find_map(|demand| demand.stated) {
                return Some((stated, true));
            }
            let shortest = there().map(|demand| demand.age).filter(|age| *age >= LEAST_AGE).min()?;
            let likely = as_set(shortest);
            Some((if likely > proven { likely } else { shortest }, false))
        };
        let rhythmic = self.0.iter().filter(|demand| demand.rhythm() == Some(kind));
        rhythmic.filter_map(|demand| of_place(&demand.place)).min_by_key(|(interval, _)| *interval)
    }

    fn of(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Demand> {
        self.0.iter().filter(move |demand| demand.is(kind))
    }

    fn count(&self, kind: Kind) -> u32 {
        self.of(kind).count().try_into().unwrap_or(u32::MAX)
    }

    fn is_open(&self, kind: Kind) -> bool {
        self.of(kind).any(|demand| demand.is_open)
    }
}

impl Demand {
    fn is(&self, kind: Kind) -> bool {
        self.aadsts == kind.code()
    }

    /// Its kind, where time brings it.
    fn rhythm(&self) -> Option<Kind> {
        let kind = Kind::ALL.into_iter().find(|kind| self.is(*kind))?;
        (kind != Kind::Revocation).then_some(kind)
    }

    /// A refresh that works at a greater age proves that the policy is another one by now. Entra's clock and ours differ, and
    /// a policy comes into force on all of its machines some minutes late.
    fn bound(&self) -> u64 {
        self.stated.map_or(self.age, |stated| stated.saturating_add((stated / 20).min(MOST_GRACE)))
    }
}

/// The interval that an administrator has set, from the shortest that was seen: sign-in frequency is set in whole hours up to
/// a day and in whole days (Microsoft: "Configure adaptive session lifetime policies"), trust in a second factor and
/// inactivity in whole days.
const fn as_set(seen: u64) -> u64 {
    match seen {
        DAY.. => seen - seen % DAY,
        HOUR.. => seen - seen % HOUR,
        _ => seen,
    }
}

fn place(slot: &SlotKey) -> String {
    let whole = format!("{} {}", slot.tenant, slot.scopes);
    whole.chars().take(MOST_PLACE).collect()
}

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

/// Enough to see a rhythm; the file is written anew at each refresh.
const MOST_OF_A_KIND: usize = 8;

/// Tenant and scopes of one resource; what a caller adds beyond need not be kept apart.
const MOST_PLACE: usize = 256;

/// A refusal sooner than this has another cause than age, as a policy of "every time"; no interval is learned from it.
const LEAST_AGE: u64 = 5 * 60;

/// See [`Demand::bound`]. Microsoft allows five minutes of skew in the same policy.
const MOST_GRACE: u64 = 5 * 60;

#[cfg(test)]
#[path = "demand_tests.rs"]
mod tests;

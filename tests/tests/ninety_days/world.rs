//! Ninety days of a workstation and of the authority, drawn from a seed before they begin.
//!
//! Time is counted from the midnight before the first Monday. What the authority and the network are like is a
//! function of time; what happens once stands in a list. The numbers are constants, here and at the ends of
//! `calendar`, `trouble` and `asks`, each with its reason.

use std::ops::Range;
use std::time::Duration;

use crate::calendar::Calendar;
use crate::chance::Chance;
use crate::spans::{Span, Spans};
use crate::trouble;

/// The ninety days.
pub(crate) struct World {
    /// When which resources are asked for, in order.
    pub(crate) sessions: Vec<Session>,
    /// What happens once, in order.
    pub(crate) happenings: Vec<(Duration, Happening)>,
    /// When the lid is closed for the last time.
    pub(crate) end: Duration,
    /// When the machine sleeps.
    pub(crate) asleep: Spans,
    /// When the authority answers nobody, for any reason.
    pub(crate) unreachable: Spans,
    /// When it is to be left alone by its own word: the same, and the pause that it asked for last in a storm.
    pub(crate) down: Spans,
    /// When the machine has no network though it is awake.
    pub(crate) offline: Spans,
    outages: Spans,
    storms: Spans,
    seed: u64,
}

/// A time in which programs ask for tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub(crate) span: Span,
    /// How many of the resources are asked for: all, or those of the agent.
    pub(crate) resources: usize,
    /// How long after a request for a resource the next one for it comes.
    pub(crate) gap: (Duration, Duration),
}

/// Something that happens once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happening {
    /// A resource answers a program with a claims challenge.
    Challenged { resource: usize },
    /// NTP sets the clock by so many milliseconds.
    ClockSet { by: i64 },
    /// The system says that the network changed.
    NetworkChanged,
    /// The person changes the password; every refresh token is revoked.
    PasswordChanged,
    /// The lid is closed until then.
    Suspended { until: Duration },
}

/// What a request to the authority meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It is served.
    Good,
    /// It does not leave the machine.
    Offline,
    /// The connection breaks.
    Silent,
    /// 429, with `Retry-After` in seconds.
    Throttling(u64),
    /// 503.
    Unavailable,
}

impl World {
    /// The world in which the agent that works at night asks for so many of the resources.
    pub(crate) fn new(seed: u64, agents: usize) -> Self {
        let Calendar { sessions, mut happenings, asleep, offline, end } = Calendar::new(seed, agents);
        let (outages, storms) = (trouble::outages(seed), trouble::storms(seed));
        let unreachable = Spans::of(outages.iter().chain(storms.iter()));
        let with_pause =
            storms.iter().map(|storm| Span { until: storm.until + retry_after(seed, storm), ..storm });
        let down = Spans::of(outages.iter().chain(with_pause));
        for day in CHALLENGED_ON {
            let mut at = hour(day, 11);
            // A resource's challenge needs the authority, and needs it to have forgiven an earlier storm.
            while unreachable.touch(at - 3 * MINUTE, at + MINUTE) || offline.touch(at, at + MINUTE) {
                at += MINUTE;
            }
            for (place, resource) in CAE_RESOURCES.enumerate() {
                let at = at + Duration::from_secs(3 * place as u64);
                happenings.push((at, Happening::Challenged { resource }));
            }
        }
        happenings.push((hour(PASSWORD_CHANGED_ON, 15), Happening::PasswordChanged));
        happenings.sort_by_key(|(at, _)| *at);
        Self { sessions, happenings, end, asleep, unreachable, down, offline, outages, storms, seed }
    }

    /// What a request to the authority meets at this time. A storm or an outage is of one kind from beginning
    /// to end.
    pub(crate) fn condition(&self, at: Duration) -> Condition {
        if self.offline.at(at).is_some() {
            Condition::Offline
        } else if let Some(outage) = self.outages.at(at) {
            if chance_of(self.seed, outage).percent(50) { Condition::Silent } else { Condition::Unavailable }
        } else if let Some(storm) = self.storms.at(at) {
            Condition::Throttling(retry_after(self.seed, storm).as_secs())
        } else {
            Condition::Good
        }
    }
}

fn retry_after(seed: u64, storm: Span) -> Duration {
    Duration::from_secs(chance_of(seed, storm).count(RETRY_AFTER))
}

fn chance_of(seed: u64, span: Span) -> Chance {
    Chance::new(seed ^ span.from.as_millis() as u64)
}

pub(crate) fn hour(day: u32, hour: u32) -> Duration {
    DAY * day + HOUR * hour
}

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// A refresh token dies after as many days without use, so nothing longer can be lived through at once.
pub(crate) const DAYS: u32 = 90;

/// The resources by their short names; an agent that works at night uses the first of them.
pub(crate) const RESOURCES: [&str; ALL] = [
    "foundry",
    "graph",
    "storage",
    "arm",
    "keyvault",
    "sql",
    "devops",
    "acr",
    "servicebus",
    "search",
    "cosmos",
    "monitor",
];
pub(crate) const ALL: usize = 12;

/// Their programs handle claims challenges: Azure's command line and its key vault client do.
pub(crate) const CAE_RESOURCES: Range<usize> = 3..5;

/// Seconds, as Entra's own are.
const RETRY_AFTER: Range<u64> = 30..121;

/// A Tuesday, away from lunch.
const PASSWORD_CHANGED_ON: u32 = 29;
/// Working days from the second week to the twelfth, at eleven.
const CHALLENGED_ON: [u32; 5] = [9, 23, 38, 64, 80];

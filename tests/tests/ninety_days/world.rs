//! Ninety days of a workstation and of the authority, drawn from a seed before they begin.
//!
//! Time is counted from the midnight before the first Monday. What the authority and the network are like is a
//! function of time; what happens once stands in a list. Every number is a named constant at the end.

use std::ops::Range;
use std::time::Duration;

use crate::chance::Chance;
use crate::spans::{Span, Spans};

/// The ninety days.
pub(crate) struct World {
    /// When which resources are asked for, in order.
    pub(crate) sessions: Vec<Session>,
    /// What happens once, in order.
    pub(crate) happenings: Vec<(Duration, Happening)>,
    /// When the machine sleeps.
    pub(crate) asleep: Spans,
    /// When the authority answers nobody, for any reason.
    pub(crate) unreachable: Spans,
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
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut draft = Draft::default();
        let mut lid_closed = None;
        for day in (0..DAYS).filter(|day| is_workday(*day)) {
            draft.workday(day, &mut lid_closed, &mut chance);
        }
        let last = lid_closed.expect("there are workdays");
        draft.suspend(last, DAY * DAYS, false, &mut chance);
        let outages = Spans::of((0..DAYS).map(|night| outage(night, &mut chance)));
        let storms = Spans::of((0..DAYS / 7 + 1).flat_map(|week| storms(week, &mut chance)));
        let unreachable = Spans::of(outages.iter().chain(storms.iter()));
        let offline = Spans::of(draft.offline);
        for day in CHALLENGED_ON {
            let mut at = hour(day, 11);
            while unreachable.touch(at, at + MINUTE) || offline.touch(at, at + MINUTE) {
                at += MINUTE;
            }
            for (place, resource) in CAE_RESOURCES.enumerate() {
                let at = at + Duration::from_secs(3 * place as u64);
                draft.happenings.push((at, Happening::Challenged { resource }));
            }
        }
        let password = hour(PASSWORD_CHANGED_ON, 15);
        draft.happenings.push((password, Happening::PasswordChanged));
        draft.happenings.sort_by_key(|(at, _)| *at);
        let (sessions, asleep) = (draft.sessions, Spans::of(draft.asleep));
        Self { sessions, happenings: draft.happenings, asleep, unreachable, offline, outages, storms, seed }
    }

    /// What a request to the authority meets at this time. A storm or an outage is of one kind from beginning
    /// to end.
    pub(crate) fn condition(&self, at: Duration) -> Condition {
        let kind = |span: Span| Chance::new(self.seed ^ span.from.as_millis() as u64);
        if self.offline.at(at).is_some() {
            Condition::Offline
        } else if let Some(outage) = self.outages.at(at) {
            if kind(outage).percent(50) { Condition::Silent } else { Condition::Unavailable }
        } else if let Some(storm) = self.storms.at(at) {
            Condition::Throttling(kind(storm).count(RETRY_AFTER))
        } else {
            Condition::Good
        }
    }
}

#[derive(Default)]
struct Draft {
    sessions: Vec<Session>,
    happenings: Vec<(Duration, Happening)>,
    asleep: Vec<Span>,
    offline: Vec<Span>,
}

impl Draft {
    /// One day from the morning until the lid is closed, or until the night that the agent works through.
    fn workday(&mut self, day: u32, lid_closed: &mut Option<Duration>, chance: &mut Chance) {
        let begins = hour(day, 8) + chance.within(Duration::ZERO..5 * MINUTE);
        let ends = hour(day, 18) + chance.within(Duration::ZERO..20 * MINUTE);
        // On the first day the machine has just been switched on, and after the agent's night it is awake.
        let mut from = begins;
        if let Some(closed) = lid_closed.take() {
            from = self.suspend(closed, begins, true, chance);
        } else if let Some(night) = self.sessions.last_mut() {
            night.span.until = begins;
        }
        if chance.percent(LUNCH_SUSPENDS) {
            let lunch = hour(day, 12) + chance.within(Duration::ZERO..45 * MINUTE);
            self.ask(from, lunch, ALL);
            let back = lunch + chance.within(LUNCH);
            from = self.suspend(lunch, back, true, chance);
        }
        self.ask(from, ends, ALL);
        for _ in 0..chance.count(NETWORK_CHANGES) {
            let at = chance.within(from..ends - MINUTE);
            self.change_network(at, at + chance.within(CHANGE_OF_NETWORK));
        }
        if chance.percent(CLOCK_SETS) {
            let by = chance.within(CLOCK_STEP).as_millis() as i64;
            let at = chance.within(from..ends - MINUTE);
            let by = if chance.percent(50) { by } else { -by };
            self.happenings.push((at, Happening::ClockSet { by }));
        }
        if AGENT_NIGHTS.contains(&(day % 7)) {
            // Until the next morning, which says when it begins.
            self.ask(ends, ends + DAY, AGENT);
        } else {
            *lid_closed = Some(ends);
        }
    }

    /// Closes the lid, and opens it again; returns when the first program asks after that.
    fn suspend(&mut self, from: Duration, until: Duration, asks: bool, chance: &mut Chance) -> Duration {
        self.asleep.push(Span { from, until });
        self.happenings.push((from, Happening::Suspended { until }));
        if asks {
            self.change_network(until, until + chance.within(NETWORK_AFTER_WAKE));
        }
        until + chance.within(FIRST_ASK_AFTER_WAKE)
    }

    fn change_network(&mut self, from: Duration, until: Duration) {
        self.offline.push(Span { from, until });
        self.happenings.push((until, Happening::NetworkChanged));
    }

    fn ask(&mut self, from: Duration, until: Duration, resources: usize) {
        self.sessions.push(Session { span: Span { from, until }, resources });
    }
}

fn outage(night: u32, chance: &mut Chance) -> Span {
    let from = hour(night, 25) + chance.within(Duration::ZERO..2 * HOUR);
    let long = chance.within(LONG_OUTAGE);
    let short = chance.within(OUTAGE);
    Span { from, until: from + if night % 9 == EVERY_NINTH { long } else { short } }
}

fn storms(week: u32, chance: &mut Chance) -> Vec<Span> {
    let storm = |from| Span { from, until: from + STORM };
    let monday = week * 7;
    // Two on one day could touch, and be longer than what a token has left.
    let first = chance.count(0..5);
    let second = (first + chance.count(1..5)) % 5;
    let at_work = [first, second].map(|day| {
        let nine = hour(monday + day as u32, 9);
        storm(nine + chance.within(Duration::ZERO..8 * HOUR))
    });
    let mut storms = at_work.to_vec();
    let night = monday + AGENT_NIGHTS[chance.count(0..AGENT_NIGHTS.len() as u64) as usize];
    storms.push(storm(hour(night, 20) + chance.within(Duration::ZERO..4 * HOUR)));
    storms
}

fn is_workday(day: u32) -> bool {
    day % 7 < 5 && !HOLIDAY.contains(&day)
}

pub(crate) fn hour(day: u32, hour: u32) -> Duration {
    DAY * day + HOUR * hour
}

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// A refresh token dies after as many days without use, so nothing longer can be lived through at once.
pub(crate) const DAYS: u32 = 90;

/// The resources by their short names. The first three are the agent's.
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
const ALL: usize = 12;
const AGENT: usize = 3;

/// Their programs handle claims challenges: Azure's command line and its key vault client do.
pub(crate) const CAE_RESOURCES: Range<usize> = 3..5;

/// Two weeks in which the machine is not touched, in the middle.
const HOLIDAY: Range<u32> = 42..56;

/// Tuesday and Thursday: with a working day after each.
const AGENT_NIGHTS: [u32; 2] = [1, 3];

/// In a hundred days; people who eat at the desk close no lid.
const LUNCH_SUSPENDS: u64 = 50;
/// From shorter than any token's life to longer than most.
const LUNCH: Range<Duration> = Duration::from_secs(45 * 60)..Duration::from_secs(100 * 60);

/// Association, address and route take some seconds.
const NETWORK_AFTER_WAKE: Range<Duration> = Duration::from_secs(3)..Duration::from_secs(10);
/// A person has unlocked the screen by then.
const FIRST_ASK_AFTER_WAKE: Range<Duration> = Duration::from_secs(15)..Duration::from_secs(25);

/// A day: from the desk to a meeting and back, now and then through a tunnel to another place.
const NETWORK_CHANGES: Range<u64> = 2..5;
const CHANGE_OF_NETWORK: Range<Duration> = Duration::from_secs(2)..Duration::from_secs(8);

/// In a hundred days. A clock is mostly right; a bad one is some minutes off.
const CLOCK_SETS: u64 = 20;
const CLOCK_STEP: Range<Duration> = Duration::from_secs(2)..Duration::from_secs(150);

/// As maintenance takes, shorter than a token's life but longer than what is left of one when it is due.
const OUTAGE: Range<Duration> = Duration::from_secs(20 * 60)..Duration::from_secs(50 * 60);
/// Longer than any token but a revocable one lives.
const LONG_OUTAGE: Range<Duration> = Duration::from_secs(2 * 3600)..Duration::from_secs(5 * 3600);
/// Nights 4, 13, 22 …: nine and seven have no divisor in common, so every weekday has its turn.
const EVERY_NINTH: u32 = 4;

/// Two a week at work and one while the agent works. A storm is over within the time that a token has left when it is due (10 to 15 minutes).
const STORM: Duration = Duration::from_secs(10 * 60);
const RETRY_AFTER: Range<u64> = 30..121;

/// A Tuesday, away from lunch.
const PASSWORD_CHANGED_ON: u32 = 29;
/// Working days from the second week to the twelfth, at eleven.
const CHALLENGED_ON: [u32; 5] = [9, 23, 38, 64, 80];

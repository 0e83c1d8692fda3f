//! The person's ninety days: when the machine is awake, who asks, how it roams.

use std::ops::Range;
use std::time::Duration;

use crate::chance::Chance;
use crate::spans::{Span, Spans};
use crate::world::{ALL, DAY, DAYS, Happening, MINUTE, Session, hour};

/// See the module.
pub(crate) struct Calendar {
    pub(crate) sessions: Vec<Session>,
    pub(crate) happenings: Vec<(Duration, Happening)>,
    pub(crate) asleep: Spans,
    pub(crate) offline: Spans,
    /// When the lid is closed for the last time.
    pub(crate) end: Duration,
}

impl Calendar {
    pub(crate) fn new(seed: u64, agents: usize) -> Self {
        let mut chance = Chance::new(seed);
        let mut draft = Draft { agents, ..Draft::default() };
        let mut lid_closed = None;
        for day in (0..DAYS).filter(|day| is_workday(*day)) {
            draft.workday(day, &mut lid_closed, &mut chance);
        }
        let end = lid_closed.expect("the last workday has no night's work");
        let (asleep, offline) = (Spans::of(draft.asleep), Spans::of(draft.offline));
        Self { sessions: draft.sessions, happenings: draft.happenings, asleep, offline, end }
    }
}

#[derive(Default)]
struct Draft {
    agents: usize,
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
            from = self.suspend(closed, begins, chance);
        } else if let Some(night) = self.sessions.last_mut() {
            night.span.until = begins;
        }
        if chance.percent(LUNCH_SUSPENDS) {
            let lunch = hour(day, 12) + chance.within(Duration::ZERO..45 * MINUTE);
            self.ask(from, lunch);
            let back = lunch + chance.within(LUNCH);
            from = self.suspend(lunch, back, chance);
        }
        self.ask(from, ends);
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
            let span = Span { from: ends, until: ends + DAY };
            self.sessions.push(Session { span, resources: self.agents, gap: AT_NIGHT });
        } else {
            *lid_closed = Some(ends);
        }
    }

    /// Closes the lid, and opens it again; returns when the first program asks after that.
    fn suspend(&mut self, from: Duration, until: Duration, chance: &mut Chance) -> Duration {
        self.asleep.push(Span { from, until });
        self.happenings.push((from, Happening::Suspended { until }));
        self.change_network(until, until + chance.within(NETWORK_AFTER_WAKE));
        until + chance.within(FIRST_ASK_AFTER_WAKE)
    }

    fn change_network(&mut self, from: Duration, until: Duration) {
        self.offline.push(Span { from, until });
        self.happenings.push((until, Happening::NetworkChanged));
    }

    fn ask(&mut self, from: Duration, until: Duration) {
        self.sessions.push(Session { span: Span { from, until }, resources: ALL, gap: AT_WORK });
    }
}

fn is_workday(day: u32) -> bool {
    day % 7 < 5 && !HOLIDAY.contains(&day)
}

/// Four programs use a resource (an editor, a command line, a build, an assistant), each every 20 to 60 seconds.
const AT_WORK: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(15));
/// The agent alone.
const AT_NIGHT: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(60));

/// Two weeks in which the machine is not touched, in the middle.
const HOLIDAY: Range<u32> = 42..56;

/// Tuesday and Thursday: with a working day after each.
pub(crate) const AGENT_NIGHTS: [u32; 2] = [1, 3];

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

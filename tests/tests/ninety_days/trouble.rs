//! The authority's ninety days: when it is away, and when it throttles.

use std::ops::Range;
use std::time::Duration;

use crate::calendar::AGENT_NIGHTS;
use crate::chance::Chance;
use crate::spans::{Span, Spans};
use crate::world::{DAYS, HOUR, MINUTE, hour};

/// One each night.
pub(crate) fn outages(seed: u64) -> Spans {
    let mut chance = Chance::new(seed + 1);
    Spans::of((0..DAYS).map(|night| {
        let from = hour(night, 25) + chance.within(Duration::ZERO..2 * HOUR);
        let life = if night % 9 == EVERY_NINTH { LONG_OUTAGE } else { OUTAGE };
        Span { from, until: from + chance.within(life) }
    }))
}

/// Two a week at work, and one while the agent works.
///
/// Those at work spare the time around noon: a machine that wakes into a storm with every token expired can serve
/// nobody, whatever it does, and would say nothing of how it prepares.
pub(crate) fn storms(seed: u64) -> Spans {
    let mut chance = Chance::new(seed + 2);
    let storm = |from| Span { from, until: from + STORM };
    Spans::of((0..DAYS / 7 + 1).flat_map(|week| {
        let monday = week * 7;
        // Two on one day could touch, and be longer than what a token has left.
        let first = chance.count(0..5);
        let second = (first + chance.count(1..5)) % 5;
        let morning = hour(monday + first as u32, 9) + chance.within(Duration::ZERO..160 * MINUTE);
        let afternoon = hour(monday + second as u32, 14) + chance.within(30 * MINUTE..210 * MINUTE);
        let night = monday + AGENT_NIGHTS[chance.count(0..AGENT_NIGHTS.len() as u64) as usize];
        let evening = hour(night, 20) + chance.within(Duration::ZERO..4 * HOUR);
        [morning, afternoon, evening].map(storm)
    }))
}

/// As maintenance takes, shorter than a token's life but longer than what is left of one when it is due.
const OUTAGE: Range<Duration> = Duration::from_secs(20 * 60)..Duration::from_secs(50 * 60);
/// Longer than any token but a revocable one lives.
const LONG_OUTAGE: Range<Duration> = Duration::from_secs(2 * 3600)..Duration::from_secs(5 * 3600);
/// Nights 4, 13, 22 …: nine and seven have no divisor in common, so every weekday has its turn.
const EVERY_NINTH: u32 = 4;

/// A storm is over within the time that a token has left when it is due (10 to 15 minutes).
const STORM: Duration = Duration::from_secs(10 * 60);

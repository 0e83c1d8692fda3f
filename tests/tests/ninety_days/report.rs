//! The figures, and the table of them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use entra_proto::limits::MIN_VALIDITY;

use crate::least::Callers;
use crate::ledger::{Ledger, Wait, Why};
use crate::spans::Spans;
use crate::world::{CAE_RESOURCES, DAY, DAYS, HOUR, RESOURCES, World};

/// What the ninety days came to.
pub(crate) struct Report<'a> {
    ledger: &'a Ledger<'a>,
    /// Requests of the programs, challenges included.
    asked: u64,
    /// Requests to the authority to refresh, failures included.
    sent: u64,
    /// The fewest that anybody could have sent.
    least: u64,
    by_reason: BTreeMap<Why, u64>,
}

/// What the promises are about.
pub(crate) struct Figures {
    /// Requests of the programs.
    pub(crate) asked: u64,
    /// Of them, those that waited or failed without one of the excuses that the promise names.
    pub(crate) not_excused: u64,
    /// Requests to the authority for each that anybody would have needed.
    pub(crate) sent_per_needed: f64,
}

impl Figures {
    pub(crate) fn waits_per_100_000(&self) -> f64 {
        self.not_excused as f64 * 100_000.0 / self.asked as f64
    }
}

impl<'a> Report<'a> {
    pub(crate) fn new(ledger: &'a Ledger<'a>, world: &World) -> Self {
        let spans = [&world.unreachable, &world.offline, &ledger.signed_out];
        let blocked = Spans::of(spans.into_iter().flat_map(Spans::iter));
        let resources = ledger.resources.iter().enumerate();
        let least = resources.map(|(n, resource)| {
            let usable = ledger.mean_life(CAE_RESOURCES.contains(&n)).saturating_sub(MIN_VALIDITY);
            let callers = Callers { asks: &resource.asks, given: &resource.given, usable };
            resource.challenges + callers.least(&blocked)
        });
        let least = least.sum();
        let asked = |n: &crate::ledger::Resource| n.asks.len() as u64 + n.challenges;
        let mut by_reason = BTreeMap::new();
        for wait in &ledger.waits {
            *by_reason.entry(wait.why).or_default() += 1;
        }
        let asked = ledger.resources.iter().map(asked).sum();
        Self { ledger, asked, sent: ledger.sent.values().sum(), least, by_reason }
    }

    pub(crate) fn figures(&self) -> Figures {
        Figures {
            asked: self.asked,
            not_excused: self.unexcused().count() as u64,
            sent_per_needed: self.sent as f64 / self.least as f64,
        }
    }

    fn unexcused(&self) -> impl Iterator<Item = &Wait> {
        self.ledger.waits.iter().filter(|wait| !wait.why.is_excused())
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{DAYS} days, {} resources", RESOURCES.len())?;
        let waits = self.ledger.waits.len() as u64;
        row(f, "requests of the programs", self.asked)?;
        row(f, "  answered from memory", self.asked - waits)?;
        row(f, "  waited on the network or failed", waits)?;
        for (why, count) in &self.by_reason {
            let excused = if why.is_excused() { " (excused)" } else { "" };
            row(f, &format!("    {}{excused}", why.words()), *count)?;
        }
        row(f, "  of these, not excused", self.unexcused().count() as u64)?;
        writeln!(
            f,
            "  {:<62}{:>12.3}",
            "not excused in 100,000 (at most 1)",
            self.figures().waits_per_100_000()
        )?;
        row(f, "requests to the authority", self.sent)?;
        for (end, count) in &self.ledger.sent {
            row(f, &format!("  {end}"), *count)?;
        }
        row(f, "  (of these, second tries in place)", self.ledger.second_tries)?;
        row(f, "  (of the tokens granted, handed to nobody)", self.ledger.unused)?;
        row(f, "  (attempts without a network, not counted)", self.ledger.unsent)?;
        row(f, "fewest that would have done", self.least)?;
        writeln!(f, "  {:<62}{:>12.3}", "sent for one needed (at most 1.2)", self.figures().sent_per_needed)?;
        let (plain, cae) = (self.ledger.mean_life(false), self.ledger.mean_life(true));
        writeln!(f, "  mean life granted: {} s, revocable {} s", plain.as_secs(), cae.as_secs())?;
        writeln!(f, "the first {SHOWN} of each reason that is no excuse:")?;
        let mut shown: BTreeMap<Why, usize> = BTreeMap::new();
        for wait in self.unexcused() {
            let shown = shown.entry(wait.why).or_default();
            *shown += 1;
            if *shown > SHOWN {
                continue;
            }
            let name = RESOURCES[wait.resource];
            writeln!(f, "  {}  {name:<10} {}; got {}", instant(wait.at), wait.why.words(), wait.end)?;
            if let Some(known) = wait.known {
                writeln!(
                    f,
                    "    (last token due {}, expired {})",
                    instant(known.due),
                    instant(known.expiry)
                )?;
            }
        }
        Ok(())
    }
}

/// Enough to see the pattern of each.
const SHOWN: usize = 20;

fn row(f: &mut fmt::Formatter<'_>, name: &str, count: u64) -> fmt::Result {
    writeln!(f, "  {name:<62}{count:>12}")
}

fn instant(at: Duration) -> String {
    let day = at.as_secs() / DAY.as_secs();
    let of_day = at.as_secs() % DAY.as_secs();
    let weekday =
        ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][usize::try_from(day % 7).unwrap_or_default()];
    let (hour, rest) = (of_day / HOUR.as_secs(), of_day % HOUR.as_secs());
    format!("day {day:>2} {weekday} {hour:02}:{:02}:{:02}", rest / 60, rest % 60)
}

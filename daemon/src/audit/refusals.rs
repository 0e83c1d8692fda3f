//! Refusals that repeat: the first are entries of their own, and what comes of a flood besides is counted in them.
//!
//! Whoever reaches the port for tools can be refused as often as it likes, another user of the machine too, and files are kept by
//! their size: a flood must not push out of them what somebody got. So each kind of refusal (by which program, by which
//! lease, and why) has a number of entries to itself, which comes back slowly. Invariant: every refusal is an entry or is
//! counted in one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use entra_proto::log::LogEvent;

use super::event::Event;

/// What is left to each kind.
#[derive(Default)]
pub(super) struct Refusals {
    kinds: BTreeMap<Kind, Budget>,
}

/// What makes refusals alike. Nothing that a request says is in it; the default is for all that are beyond [`MOST_KINDS`].
#[derive(Default, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    program: Option<String>,
    behind: Option<String>,
    lease: Option<String>,
    error: Option<String>,
}

struct Budget {
    left: u32,
    /// Since when the next one comes back.
    since: Instant,
    /// How many were no entries, and the last of them.
    untold: u64,
    last: Option<(Event, Instant)>,
}

impl Refusals {
    /// The event, if it is to be an entry: every one that is no refusal is.
    pub(super) fn pass(&mut self, event: Event, now: Instant) -> Option<Event> {
        if !event.is(LogEvent::Refused) {
            return Some(event);
        }
        let budget = self.budget(Kind::of(&event), now);
        budget.come_back(now);
        if budget.left == 0 {
            budget.untold += 1;
            budget.last = Some((event, now));
            return None;
        }
        budget.left -= 1;
        budget.last = None;
        Some(told(event, std::mem::take(&mut budget.untold)))
    }

    /// How many are counted that no entry tells of.
    pub(super) fn untold(&self) -> u64 {
        self.kinds.values().map(|budget| budget.untold).sum()
    }

    /// An entry for each kind of which some were counted, and none came for this long.
    pub(super) fn take_untold(&mut self, quiet: Duration, now: Instant) -> Vec<Event> {
        let take = |budget: &mut Budget| {
            let (event, _) = budget.last.take_if(|(_, at)| now.saturating_duration_since(*at) >= quiet)?;
            // It stands for itself besides.
            Some(told(event, std::mem::take(&mut budget.untold).saturating_sub(1)))
        };
        self.kinds.values_mut().filter_map(take).collect()
    }

    fn budget(&mut self, kind: Kind, now: Instant) -> &mut Budget {
        if !self.kinds.contains_key(&kind) && self.kinds.len() >= MOST_KINDS {
            self.kinds.retain(|_, budget| {
                budget.come_back(now);
                budget.left < AT_ONCE || budget.last.is_some()
            });
        }
        let has_room = self.kinds.contains_key(&kind) || self.kinds.len() < MOST_KINDS;
        let kind = if has_room { kind } else { Kind::default() };
        self.kinds.entry(kind).or_insert(Budget { left: AT_ONCE, since: now, untold: 0, last: None })
    }
}

impl Kind {
    fn of(event: &Event) -> Self {
        let entry = event.entry();
        let (program, behind) =
            entry.caller.as_ref().map(|caller| (caller.program.clone(), caller.behind.clone())).unzip();
        Self {
            program: program.flatten(),
            behind: behind.flatten(),
            lease: entry.lease.clone(),
            error: entry.error.as_ref().map(|code| code.name().to_owned()),
        }
    }
}

impl Budget {
    fn come_back(&mut self, now: Instant) {
        let back = now.saturating_duration_since(self.since).as_secs() / ONE_IN.as_secs();
        let back = u32::try_from(back).unwrap_or(u32::MAX);
        self.since = self.since.checked_add(ONE_IN.saturating_mul(back)).unwrap_or(now);
        self.left = self.left.saturating_add(back).min(AT_ONCE);
    }
}

fn told(event: Event, others: u64) -> Event {
    match others {
        0 => event,
        1 => event.detail("1 other like it before was refused, and is counted here alone."),
        _ => {
            event.detail(format!("{others} others like it before were refused, and are counted here alone."))
        }
    }
}

/// More than a tool asks for that a person has just started.
const AT_ONCE: u32 = 60;

/// At this rate a flood of one kind takes more than a month to fill the files.
const ONE_IN: Duration = Duration::from_secs(30);

/// More programs and leases than are refused in half an hour.
const MOST_KINDS: usize = 64;

#[cfg(test)]
mod tests {
    use entra_proto::error::{ErrorBody, ErrorCode};

    use super::*;

    fn refusal(lease: &str, code: ErrorCode) -> Event {
        Event::new(LogEvent::Refused).lease(Some(lease)).failed(&ErrorBody::new(code, ""))
    }

    fn detail(event: Option<Event>) -> String {
        event.expect("an entry").into_entry().detail.unwrap_or_default()
    }

    #[test]
    fn a_flood_is_counted_in_the_entries_that_there_are() {
        let (mut refusals, begun) = (Refusals::default(), Instant::now());
        let flood = |refusals: &mut Refusals, count: u32, now| {
            (0..count).filter_map(|_| refusals.pass(refusal("a", ErrorCode::Refused), now)).count()
        };
        assert_eq!(flood(&mut refusals, 10_000, begun), AT_ONCE as usize);
        assert_eq!(refusals.untold(), 10_000 - u64::from(AT_ONCE));
        for other in [
            refusal("b", ErrorCode::Refused),
            refusal("a", ErrorCode::SignInNeeded),
            Event::new(LogEvent::Issued),
        ] {
            assert_eq!(detail(refusals.pass(other, begun)), "", "another kind is an entry");
        }
        let later = begun + ONE_IN;
        let sentence = detail(refusals.pass(refusal("a", ErrorCode::Refused), later));
        assert!(sentence.starts_with("9940 others like it"), "{sentence}");
        assert_eq!(refusals.untold(), 0);
        assert_eq!(flood(&mut refusals, 10_000, later + ONE_IN * 1_000_000), AT_ONCE as usize);
    }

    #[test]
    fn what_is_untold_is_told_once_it_is_quiet() {
        let (mut refusals, begun) = (Refusals::default(), Instant::now());
        for _ in 0..AT_ONCE + 3 {
            let _entry = refusals.pass(refusal("a", ErrorCode::Refused), begun);
        }
        assert!(refusals.take_untold(ONE_IN, begun).is_empty());
        let mut events = refusals.take_untold(ONE_IN, begun + ONE_IN);
        assert!(detail(events.pop()).starts_with("2 others") && events.is_empty());
        assert!(refusals.take_untold(Duration::ZERO, begun + ONE_IN).is_empty());
    }

    #[test]
    fn kinds_beyond_all_measure_share_what_is_left_and_are_forgotten() {
        let (mut refusals, begun) = (Refusals::default(), Instant::now());
        let flood = |refusals: &mut Refusals, now| {
            (0..10_000)
                .filter_map(|number| refusals.pass(refusal(&number.to_string(), ErrorCode::Refused), now))
                .count()
        };
        assert_eq!(flood(&mut refusals, begun), MOST_KINDS + AT_ONCE as usize);
        assert!(refusals.kinds.len() <= MOST_KINDS + 1);
        let _told = refusals.take_untold(Duration::ZERO, begun);
        let entry = refusals.pass(refusal("x", ErrorCode::Refused), begun + ONE_IN * AT_ONCE);
        assert_eq!(detail(entry), "");
        assert_eq!(refusals.kinds.len(), 1, "all had everything back");
    }
}

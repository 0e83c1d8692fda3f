//! All that ever happened, and what can be read from it by looking through it.
//!
//! Nothing is kept beside the events. A [`Past`] is a look at them up to some moment, so "what was true then" is asked
//! of a shorter past.

use std::time::Duration;

use super::super::super::key::FlightId;
use super::super::super::outcome::Reach;
use super::super::super::time::Now;
use super::event::{End, Event, Flight, Most, pause};

/// The events up to some moment.
#[derive(Clone, Copy)]
pub(super) struct Past<'a> {
    pub(super) events: &'a [(Now, Event)],
    pub(super) most: Most,
}

/// An end, with its flight and its place among the events.
#[derive(Clone, Copy)]
pub(super) struct Landed<'a> {
    pub(super) place: usize,
    pub(super) at: Now,
    pub(super) flight: &'a Flight,
    pub(super) end: End,
}

/// A token that is there for its key.
#[derive(Clone, Copy)]
pub(super) struct Token {
    pub(super) place: usize,
    pub(super) at: Now,
    pub(super) name: FlightId,
    pub(super) life: u64,
    /// The flight that brought it, or the first that was begun after it came.
    number: FlightId,
}

impl<'a> Past<'a> {
    pub(super) fn before(self, place: usize) -> Self {
        Self { events: &self.events[..place], ..self }
    }

    pub(super) fn all(self) -> impl DoubleEndedIterator<Item = (usize, Now, &'a Event)> {
        self.events.iter().enumerate().map(|(place, (at, event))| (place, *at, event))
    }

    pub(super) fn starts(self) -> impl DoubleEndedIterator<Item = (usize, Now, &'a Flight)> {
        self.all().filter_map(|(place, at, event)| match event {
            Event::Started(flight) => Some((place, at, flight)),
            _ => None,
        })
    }

    pub(super) fn ends(self) -> impl DoubleEndedIterator<Item = Landed<'a>> {
        self.all().filter_map(|(place, at, event)| match event {
            Event::Ended(flight, end) => Some(Landed { place, at, flight, end: *end }),
            _ => None,
        })
    }

    fn ended(self, id: FlightId) -> Option<Landed<'a>> {
        self.ends().find(|landed| landed.flight.id == id)
    }

    /// The place of the last event of this kind, and when it was.
    pub(super) fn last(self, is: impl Fn(&Event) -> bool) -> Option<(usize, Now)> {
        self.all().rev().find(|(_, _, event)| is(event)).map(|(place, at, _)| (place, at))
    }

    pub(super) fn signed_in(self) -> (usize, Now) {
        self.last(|event| matches!(event, Event::SignedIn)).expect("a history begins with a sign-in")
    }

    /// The flights under way: of this sign-in, not ended, and not behind one that failed.
    pub(super) fn under_way(self) -> impl Iterator<Item = &'a Flight> {
        let recent = self.starts().skip_while(move |(place, _, _)| *place < self.signed_in().0);
        recent.map(|(_, _, flight)| flight).filter(move |flight| {
            let behind = flight.behind.and_then(|id| self.ended(id));
            self.ended(flight.id).is_none()
                && behind.is_none_or(|landed| matches!(landed.end, End::Granted(_)))
        })
    }

    /// Whether it still waits for the flight before it.
    pub(super) fn is_queued(self, flight: &Flight) -> bool {
        flight.behind.is_some_and(|before| self.ended(before).is_none())
    }

    /// When it was ordered: once it had nothing to wait for.
    pub(super) fn ordered(self, flight: &Flight) -> Option<Duration> {
        match flight.behind {
            Some(before) => self.ended(before).map(|landed| landed.at.boot),
            None => self.starts().find(|(_, _, start)| start.id == flight.id).map(|(_, at, _)| at.boot),
        }
    }

    /// Whether a caller has declared its result stale, having forced one that was begun later.
    pub(super) fn is_stale(self, flight: &Flight) -> bool {
        self.starts().any(|(_, _, later)| later.key == flight.key && later.is_forced && later.id > flight.id)
    }

    /// The newest token for the key, of those that nobody had declared stale when they came.
    pub(super) fn published(self, key: usize) -> Option<Token> {
        let tokens = self.all().filter_map(|(place, at, event)| match event {
            Event::Ended(flight, End::Granted(life)) => {
                let is_good = flight.key == key && !self.before(place).is_stale(flight);
                is_good.then_some(Token { place, at, name: flight.id, life: *life, number: flight.id })
            }
            Event::Filled(gift) if gift.key == key => {
                Some(Token { place, at, name: gift.name, life: gift.life, number: gift.next })
            }
            _ => None,
        });
        tokens.max_by_key(|token| (token.number, token.place))
    }

    /// Whether somebody asked for the key since its last token came.
    pub(super) fn is_wanted(self, key: usize) -> bool {
        let since = self.published(key).map_or(0, |landed| landed.place);
        self.all()
            .any(|(place, _, event)| place > since && matches!(event, Event::Asked(asked) if *asked == key))
    }

    /// The place since which what failed for the key counts: a token, a sign-in or a hand wipes it out.
    fn fresh_start(self, key: usize) -> usize {
        self.published(key).map_or(0, |landed| landed.place).max(self.last_hand())
    }

    /// The place at which somebody last signed in, or had the refresh token tried again.
    pub(super) fn last_hand(self) -> usize {
        self.last(|event| matches!(event, Event::SignedIn | Event::Revived)).map_or(0, |(place, _)| place)
    }

    /// The last answer for the key and challenge that time does not mend, if it still counts.
    pub(super) fn refused(self, key: usize, claims: Option<&str>) -> Option<Landed<'a>> {
        let since = self.fresh_start(key);
        let mut refused = self.ends().rev().filter(|of| of.end.is_lasting());
        refused.find(|of| of.place > since && of.flight.key == key && of.flight.claims == claims)
    }

    /// The last time the key had to stay away that still counts, and the boot time until which.
    pub(super) fn stays_away(self, key: usize) -> Option<(Duration, Landed<'a>)> {
        let mut in_a_row: Vec<(Duration, Landed<'a>)> = Vec::new();
        let since = self.fresh_start(key);
        let mut ends = self.ends().skip_while(|landed| landed.place < since).peekable();
        for (place, _, event) in self.all().skip(since) {
            let landed = ends.next_if(|landed| landed.place == place);
            if let Some(landed) = landed.filter(|landed| landed.flight.key == key)
                && let Some(after) = landed.end.away()
            {
                let attempt = in_a_row.len() as u32 + 1;
                in_a_row.push((landed.at.boot + pause(attempt, after, 60), landed));
            }
            // Another network, or an answer for whichever key, is the end of an outage, and of that alone.
            let is_open = match event {
                Event::NetworkChanged => true,
                Event::Ended(_, end) => end.is_answer(),
                Event::Filled(_) => true,
                _ => false,
            };
            if is_open && in_a_row.last().is_some_and(|(_, last)| last.end.is_nameless_outage()) {
                in_a_row.clear();
            }
        }
        in_a_row.pop()
    }

    /// The boot time until which a throttle lasts, and the last one that was heard.
    pub(super) fn throttle(self) -> Option<(Duration, Landed<'a>)> {
        let throttled = self.ends().filter(|of| matches!(of.end, End::Away { reach: Reach::Client, .. }));
        let known = throttled.filter_map(|of| self.before(of.place + 1).stays_away(of.flight.key));
        known.reduce(|(longest, _), (until, last)| (longest.max(until), last))
    }
}

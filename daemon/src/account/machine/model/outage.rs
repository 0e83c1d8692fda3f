//! What the history says of outages: how long nobody tries, and who may try all the same.

use std::time::Duration;

use super::super::super::time::Now;
use super::event::{End, Event, pause};
use super::history::{Landed, Past};

/// The way to Entra is closed.
#[derive(Clone, Copy)]
pub(super) struct Outage<'a> {
    /// Who met it last.
    pub(super) last: Landed<'a>,
    first: usize,
    /// More than one key has met it.
    is_general: bool,
    /// Requests that met it, of which each was sent when one was due after the one before; from the last change of
    /// the network, if no time was named before.
    tries: u32,
}

impl<'a> Past<'a> {
    /// The outage that was met since Entra answered last.
    pub(super) fn outage(self) -> Option<Outage<'a>> {
        let is_answer =
            |event: &Event| matches!(event, Event::Ended(_, end) if end.is_answer()) || is_filled(event);
        let since = self.last(is_answer).map_or(0, |(place, _)| place);
        let mut known: Option<Outage<'a>> = None;
        for (place, at, event) in self.all().skip(since) {
            match (event, &mut known) {
                (Event::Ended(flight, end), _) if end.is_outage() => {
                    let last = Landed { place, at, flight, end: *end };
                    known = Some(match known {
                        None => Outage { last, first: flight.key, is_general: false, tries: 1 },
                        Some(before) => self.met_again(before, last),
                    });
                }
                (Event::NetworkChanged, Some(outage)) if outage.last.end.is_nameless_outage() => {
                    outage.tries = 0;
                }
                _ => {}
            }
        }
        known
    }

    fn met_again(self, before: Outage<'a>, last: Landed<'a>) -> Outage<'a> {
        let is_try = self.ordered(last.flight) >= Some(before.probe(true));
        let is_general = before.is_general || last.flight.key != before.first;
        Outage { last, is_general, tries: before.tries + u32::from(is_try), ..before }
    }

    /// The outage, where it is one for callers of the key: one key tries for all, but a key that has not met it yet
    /// may try for itself while only one other has, and any whose token has ended since it was met last.
    pub(super) fn outage_of(self, key: usize, now: Now) -> Option<Outage<'a>> {
        let has_met = self.stays_away(key).is_some_and(|(_, landed)| landed.end.is_nameless_outage());
        let outage = self.outage().filter(|outage| outage.is_general || has_met)?;
        (!self.has_ended_since(outage.last.at, key, now)).then_some(outage)
    }

    /// Whether the key's token has ended since then. The wall clock that counts is today's, turned back.
    fn has_ended_since(self, then: Now, key: usize, now: Now) -> bool {
        let Some(token) = self.published(key).filter(|_| self.token(key, now).is_none()) else {
            return false;
        };
        let life = Duration::from_secs(token.life);
        let wall = now.wall - (now.boot - then.boot);
        token.at.boot + life > then.boot && token.at.wall + life > wall
    }

    /// The boot time before which an outage keeps the schedule from sending for the key. Twenty seconds before its
    /// token ends it tries in any case, unless the outage was met later than that.
    pub(super) fn kept_by_outage(self, key: usize, now: Now) -> Option<Duration> {
        let outage = self.outage()?;
        let Some((_, left)) = self.token(key, now) else { return Some(outage.probe(false)) };
        let chance = now.boot + left - LAST_CHANCE;
        let is_ahead = chance > outage.last.at.boot;
        Some(if is_ahead { chance.min(outage.probe(true)) } else { outage.probe(true) })
    }

    /// The boot time at which the schedule's pace lets the next request go.
    pub(super) fn pace(self) -> Duration {
        let sent = self.last(|event| matches!(event, Event::Started(flight) if flight.is_scheduled));
        let Some((sent, at)) = sent else { return Duration::ZERO };
        let mut changes = self.all().filter(|(_, _, event)| matches!(event, Event::NetworkChanged));
        let is_over = changes.any(|(place, _, _)| place > sent && self.before(place).outage().is_some());
        if is_over { at.boot } else { at.boot + Duration::from_millis(200) }
    }
}

impl Outage<'_> {
    /// The boot time of the next try, for a key that holds a live token, or whose caller waits, and for others.
    pub(super) fn probe(&self, is_live: bool) -> Duration {
        let End::Away { after, has_arrived, .. } = self.last.end else { return Duration::ZERO };
        let limit = match (is_live, has_arrived) {
            (false, _) => 900,
            (true, true) => 180,
            (true, false) => 30,
        };
        if self.tries == 0 { Duration::ZERO } else { self.last.at.boot + pause(self.tries, after, limit) }
    }
}

fn is_filled(event: &Event) -> bool {
    matches!(event, Event::Filled(_))
}

const LAST_CHANCE: Duration = Duration::from_secs(20);

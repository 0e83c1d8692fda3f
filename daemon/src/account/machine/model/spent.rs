//! How many requests the history holds of late: of a key, of all of them, for one challenge.

use std::time::Duration;

use super::super::super::time::Now;
use super::event::{Event, Flight};
use super::history::Past;
use super::samples::CAE_TWINS;

impl Past<'_> {
    /// The boot time from which neither the key and its twin nor all keys together have used up what they may send,
    /// if they have now.
    pub(super) fn budget(self, key: usize, now: Now) -> Option<Duration> {
        let is_same = |flight: &Flight| {
            flight.key == key || (CAE_TWINS.contains(&flight.key) && CAE_TWINS.contains(&key))
        };
        let of_key = full(self.most.of_key, self.sent(is_same), now);
        of_key.max(full(self.most.of_all, self.sent(|_| true), now))
    }

    /// The boot time from which the key's challenge may be answered again. Another challenge begins the count anew.
    ///
    /// A try whether an outage is over counts here even if it never arrived.
    pub(super) fn looped(self, key: usize, claims: Option<&str>, now: Now) -> Option<Duration> {
        let challenged = |flight: &Flight| flight.key == key && flight.claims.is_some();
        let starts = self.starts().map(|(_, _, flight)| flight).filter(|flight| challenged(flight));
        let since = starts.filter(|flight| flight.claims != claims).map(|flight| flight.id).next_back();
        let same = self
            .starts()
            .filter(|(_, _, flight)| challenged(flight) && since.is_none_or(|since| flight.id > since));
        full(self.most.of_challenge, same.map(|(_, at, _)| at.boot).collect(), now)
    }

    /// When these were started, without the tries in an outage that never arrived.
    ///
    /// Such a try is known by when it was ordered. One that was begun in an outage and queued was ordered later than
    /// it was started, so it takes back nothing, or another that was started at that very moment.
    fn sent(self, is: impl Fn(&Flight) -> bool) -> Vec<Duration> {
        let mut sent = Vec::new();
        for (_, at, event) in self.all() {
            match event {
                Event::Started(flight) if is(flight) => sent.push(at.boot),
                Event::Ended(flight, end) if is(flight) && flight.is_probe && end.never_arrived() => {
                    let same = sent.iter().rposition(|sent| Some(*sent) == self.ordered(flight));
                    same.map(|same| sent.remove(same));
                }
                _ => {}
            }
        }
        sent
    }
}

/// The boot time from which fewer than `most` of these lie within five minutes.
fn full(most: usize, times: Vec<Duration>, now: Now) -> Option<Duration> {
    let mut ends = times.into_iter().rev().map(|at| at + Duration::from_secs(300));
    ends.nth(most - 1).filter(|end| *end > now.boot)
}

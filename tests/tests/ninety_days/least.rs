//! The fewest requests with which anybody could have served the same callers.
//!
//! An oracle that knows the future fetches a token for a resource only when a request finds none with the least
//! validity left, so each token is used as long as it may be. While the authority cannot be reached it fetches nothing,
//! so there it must have fetched before: at the last moment before. For tokens of one life this is the least possible:
//! every other way of fetching has, after each of its fetches, covered no more of the requests (the intervals that
//! tokens cover are all of one length, and each begins as late as it can). Lives differ from 60 to 90 minutes, so the
//! oracle is given the mean of those that were granted to the daemon. What comes without a refresh is free: the token
//! of a sign-in. A claims challenge needs a request of its own from anybody, and its token is used like any other.

use std::time::Duration;

use crate::spans::Spans;

/// One resource's callers.
pub(crate) struct Callers<'a> {
    /// When they asked, in order.
    pub(crate) asks: &'a [Duration],
    /// When a token came that need not be fetched, or had to be: sign-ins and challenges, in order.
    pub(crate) given: &'a [Duration],
    /// How long a token can be handed out: its life without the least validity.
    pub(crate) usable: Duration,
}

impl Callers<'_> {
    /// The fewest fetches besides those given.
    pub(crate) fn least(&self, blocked: &Spans) -> u64 {
        let mut given = self.given.iter().peekable();
        let (mut fetches, mut covered) = (0, Duration::ZERO);
        for ask in self.asks {
            while let Some(at) = given.next_if(|at| *at <= ask) {
                covered = covered.max(*at + self.usable);
            }
            if *ask < covered {
                continue;
            }
            let fetched = blocked.at(*ask).map_or(*ask, |span| span.from);
            // Nobody could have served it: no token lives as long as the authority was away.
            if fetched + self.usable > *ask {
                fetches += 1;
                covered = fetched + self.usable;
            }
        }
        fetches
    }
}

#[test]
fn the_oracle_fetches_late_and_before_an_outage() {
    use crate::spans::Span;
    let at = |minutes: u64| Duration::from_secs(60 * minutes);
    let least = |asks: &[u64], given: &[u64], outage: (u64, u64)| {
        let asks: Vec<_> = asks.iter().map(|minutes| at(*minutes)).collect();
        let given: Vec<_> = given.iter().map(|minutes| at(*minutes)).collect();
        let blocked = Spans::of([Span { from: at(outage.0), until: at(outage.1) }]);
        Callers { asks: &asks, given: &given, usable: at(60) }.least(&blocked)
    };
    let none = (1_000, 1_001);
    assert_eq!(least(&[0, 30, 59], &[], none), 1);
    assert_eq!(least(&[0, 30, 60, 119], &[], none), 2);
    assert_eq!(least(&[0, 70, 80, 129], &[], (65, 100)), 3, "fetched at 0, 65 and 125");
    assert_eq!(least(&[0, 70, 80, 129], &[0, 70], none), 0, "both given");
    assert_eq!(least(&[0, 200], &[], (65, 300)), 1, "the second one nobody can serve");
}

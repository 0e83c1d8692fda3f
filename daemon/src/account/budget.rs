//! A budget of requests, so that no defect of ours or of a caller makes Entra throttle the person.
//!
//! Entra answers 15 equal requests within five minutes with AADSTS50196 (Microsoft: loop detection), and a
//! caller that forces refreshes in a loop would earn it in seconds. The budget stays below: a flight may be
//! sent twice, since the HTTP layer repeats it once after an outage.

use std::collections::VecDeque;
use std::time::Duration;

use entra_proto::error::{ErrorBody, ErrorCode};

use super::outcome::Failure;
use super::slot::Refusal;
#[cfg(test)]
use super::time::Now;

/// Times at which flights were started, oldest first; those out of the window are forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    most: usize,
    spent: VecDeque<Duration>,
}

impl Budget {
    /// At most this many in a window.
    pub(super) fn of(most: usize) -> Self {
        Self { most, spent: VecDeque::new() }
    }

    /// How long until another flight may start; zero when one may start now.
    pub(super) fn wait(&self, now: Duration) -> Duration {
        let within = self.spent.iter().filter(|at| **at + WINDOW > now);
        let count = within.clone().count();
        let mut within = within;
        let freed = within.nth(count.saturating_sub(self.most));
        freed.filter(|_| count >= self.most).map_or(Duration::ZERO, |at| (*at + WINDOW).saturating_sub(now))
    }

    /// Whether nothing was ever spent.
    pub(super) fn is_unspent(&self) -> bool {
        self.spent.is_empty()
    }

    /// Whether the window up to now holds no more than it may.
    #[cfg(test)]
    pub(super) fn is_kept(&self, now: Duration) -> bool {
        self.spent.iter().filter(|at| **at + WINDOW > now).count() <= self.most
    }

    /// What it is, seen from now: how many were spent within the window.
    #[cfg(test)]
    pub(super) fn shape(&self, now: Now, to: &mut Vec<u64>) {
        to.push(self.spent.iter().filter(|at| **at + WINDOW > now.boot).count() as u64);
    }

    /// A flight starts.
    pub(super) fn spend(&mut self, now: Duration) {
        while self.spent.front().is_some_and(|at| *at + WINDOW <= now) {
            self.spent.pop_front();
        }
        self.spent.push_back(now);
    }

    /// The flight that started then did not reach Entra.
    pub(super) fn give_back(&mut self, at: Duration) {
        if let Some(place) = self.spent.iter().rposition(|spent| *spent == at) {
            self.spent.remove(place);
        }
    }
}

/// What a caller is told when the budget is used up.
pub(super) fn refusal(wait: Duration) -> Refusal {
    let sentence =
        "entrad paused its requests: too many were made within five minutes for Entra to take more.";
    let hint = "Find the program that keeps forcing refreshes (`entra status` shows what it asks for); until then wait.";
    let error = ErrorBody::new(ErrorCode::Throttled, sentence).with_hint(hint);
    Refusal { failure: Failure::own(error), retry_after: Some(wait) }
}

/// How many flights may start in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) per_key: usize,
    pub(super) per_challenge: usize,
    pub(super) per_client: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_key: MOST_PER_KEY, per_challenge: MOST_PER_CHALLENGE, per_client: MOST_PER_CLIENT }
    }
}

/// Entra's own window.
pub(super) const WINDOW: Duration = Duration::from_secs(300);

/// Flights of one key in the window: 14 requests at most. A back-off alone makes about as many.
const MOST_PER_KEY: usize = 7;

/// Flights for one and the same claims challenge of a key in the window: one for each of a few tools that lag
/// behind. A resource that refuses the third token as well will refuse the fourth.
const MOST_PER_CHALLENGE: usize = 3;

/// Flights of one app registration at one authority in the window, whatever the key.
const MOST_PER_CLIENT: usize = 60;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_window_slides() {
        let mut budget = Budget::of(3);
        for second in 0..3 {
            assert_eq!(budget.wait(at(second)), Duration::ZERO);
            budget.spend(at(second));
        }
        assert_eq!(budget.wait(at(10)), at(290));
        assert_eq!(budget.wait(at(300)), Duration::ZERO);
        budget.spend(at(300));
        assert_eq!(budget.wait(at(300)), at(1));
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_allowed(steps in proptest::collection::vec(0_u64..60, 1..200), most in 1_usize..20) {
            let mut budget = Budget::of(most);
            let (mut now, mut started) = (at(1_000), Vec::new());
            for step in steps {
                now += at(step);
                if budget.wait(now).is_zero() {
                    budget.spend(now);
                    started.push(now);
                }
                prop_assert!(started.iter().filter(|at| **at + WINDOW > now).count() <= most);
            }
        }
    }
}

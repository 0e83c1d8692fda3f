//! What was handed out within the last hour, counted by minutes: exact to a minute, and as small for a million as for one.

use std::collections::VecDeque;
use std::time::Duration;

/// How many in each minute of the last hour, the oldest first; minutes since boot.
#[derive(Debug, Default)]
pub(super) struct Hour {
    minutes: VecDeque<(u64, u32)>,
}

impl Hour {
    /// One more.
    pub(super) fn spend(&mut self, now: Duration) {
        let minute = minute(now);
        while self.minutes.front().is_some_and(|(at, _)| at + MINUTES < minute) {
            self.minutes.pop_front();
        }
        match self.minutes.back_mut() {
            Some((at, count)) if *at == minute => *count = count.saturating_add(1),
            _ => self.minutes.push_back((minute, 1)),
        }
    }

    /// How many within the last hour, and up to a minute before.
    pub(super) fn count(&self, now: Duration) -> u32 {
        let minute = minute(now);
        let within = self.minutes.iter().filter(|(at, _)| at + MINUTES >= minute);
        within.fold(0, |count, (_, more)| count.saturating_add(*more))
    }

    /// How long until there is room for one more under this limit; nothing where there is now.
    pub(super) fn wait(&self, now: Duration, most: u32) -> Option<Duration> {
        let mut left = self.count(now);
        if left < most {
            return None;
        }
        let minute = minute(now);
        let until = |at: u64| Duration::from_secs((at + MINUTES + 1) * 60).saturating_sub(now);
        for (at, count) in self.minutes.iter().filter(|(at, _)| at + MINUTES >= minute) {
            left = left.saturating_sub(*count);
            if left < most {
                return Some(until(*at));
            }
        }
        Some(Duration::from_secs(MINUTES * 60))
    }
}

fn minute(now: Duration) -> u64 {
    now.as_secs() / 60
}

const MINUTES: u64 = 60;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_hour_slides() {
        let mut hour = Hour::default();
        for second in [30, 90, 91] {
            assert_eq!(hour.wait(at(second), 3), None);
            hour.spend(at(second));
        }
        assert_eq!((hour.count(at(100)), hour.wait(at(100), 4)), (3, None));
        assert_eq!(hour.wait(at(100), 3), Some(at(3660 - 100)));
        assert_eq!(hour.wait(at(100), 2), Some(at(3720 - 100)), "the first leaves no room yet");
        assert_eq!((hour.count(at(3660)), hour.wait(at(3660), 3)), (2, None));
        assert_eq!(hour.wait(at(100), 0), Some(at(3600)), "never is told as an hour");
        assert_eq!(Hour::default().wait(at(0), 0), Some(at(3600)));
    }

    proptest! {
        #[test]
        fn no_hour_ever_holds_more_than_allowed(
            steps in proptest::collection::vec(0_u64..900, 1..200),
            most in 1_u32..20,
        ) {
            let (mut hour, mut now, mut spent) = (Hour::default(), at(0), Vec::new());
            for step in steps {
                now += at(step);
                match hour.wait(now, most) {
                    None => {
                        hour.spend(now);
                        spent.push(now);
                    }
                    Some(wait) => prop_assert_eq!(hour.wait(now + wait, most), None),
                }
                let within = spent.iter().filter(|at| **at + Duration::from_secs(3600) > now).count();
                prop_assert!(within <= most as usize);
                prop_assert!(hour.minutes.len() <= 61);
            }
        }
    }
}

//! Using a refresh token for its own sake: Entra lets one die after 90 days without use.

use std::time::Duration;

use entra_proto::scope::Scopes;

use super::super::key::SlotKey;
use super::super::schedule::{EXERCISE_AGAIN, Jitter, exercise_after};
use super::super::time::Now;

/// When an account's refresh token was used last, and what to use it for.
#[derive(Clone, Debug)]
pub(super) struct Exercise {
    /// Seconds since 1970. Days pass on the wall clock alone: the machine may have been off.
    used_on: u64,
    after: Duration,
    rooted_in: Option<(SlotKey, Scopes)>,
    /// Boot time before which it is not tried again.
    not_before: Duration,
}

impl Exercise {
    pub(super) fn new(used_on: u64, rooted_in: Option<(SlotKey, Scopes)>) -> Self {
        Self { used_on, after: exercise_after(Jitter(0)), rooted_in, not_before: Duration::ZERO }
    }

    /// What it is, seen from now: whether it is due, and whether that was put off.
    #[cfg(test)]
    pub(super) fn shape(&self, now: Now, to: &mut Vec<u64>) {
        to.push(u64::from(self.due(now) <= now.boot) + 2 * u64::from(self.not_before > now.boot));
    }

    /// A refresh brought a token, whatever for.
    pub(super) fn used(&mut self, now: Now, jitter: Jitter) {
        self.used_on = now.epoch();
        self.after = exercise_after(jitter);
        self.not_before = Duration::ZERO;
    }

    /// A request for this slot was refused for a reason that only somebody can mend.
    pub(super) fn refused(&mut self, slot: &SlotKey, now: Now) {
        if self.slot().is_some_and(|(root, _)| root == slot) {
            self.not_before = now.boot.saturating_add(EXERCISE_AGAIN);
        }
    }

    pub(super) fn slot(&self) -> Option<(&SlotKey, &Scopes)> {
        self.rooted_in.as_ref().map(|(slot, scopes)| (slot, scopes))
    }

    /// The boot time at which it is due. A last use that lies ahead was noted by a clock that was wrong, and
    /// counts as long ago.
    pub(super) fn due(&self, now: Now) -> Duration {
        let used_on = Duration::from_secs(self.used_on);
        let wait = match used_on.checked_sub(now.wall) {
            Some(ahead) if ahead > CLOCK_STEP => Duration::ZERO,
            _ => used_on.saturating_add(self.after).saturating_sub(now.wall),
        };
        now.boot.saturating_add(wait).max(self.not_before)
    }
}

/// A clock that NTP sets back by so little says nothing of days.
const CLOCK_STEP: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600;

    fn at(boot: u64, wall: u64) -> Now {
        Now { boot: Duration::from_secs(boot), wall: Duration::from_secs(wall) }
    }

    #[test]
    fn it_is_due_days_after_the_last_use_on_the_wall_clock() {
        let mut exercise = Exercise::new(100 * DAY, None);
        assert_eq!(exercise.due(at(50, 100 * DAY)).as_secs(), 50 + 3 * DAY);
        assert_eq!(exercise.due(at(50, 200 * DAY)).as_secs(), 50, "the machine was off for long");
        assert_eq!(exercise.due(at(50, 100 * DAY - 60)).as_secs(), 50 + 3 * DAY + 60, "a small step back");
        assert_eq!(exercise.due(at(50, 10 * DAY)).as_secs(), 50, "a wrong clock noted the last use");
        exercise.used(at(50, 10 * DAY), Jitter(u16::MAX));
        assert!(exercise.due(at(50, 10 * DAY)).as_secs() > 2 * DAY);
    }
}

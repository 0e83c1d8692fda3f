//! Time as the machine sees it: two clocks read together, and instants that hold on both.
//!
//! Boot time counts suspend and cannot be set, so it decides. The wall clock is what callers understand and
//! what still moves when a virtual machine is put aside and resumed; a token counts as expired as soon as
//! either clock says so.

use std::time::Duration;

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since the machine booted, suspended time included.
    pub boot: Duration,
    /// Since 1970.
    pub wall: Duration,
}

impl Now {
    /// How many of the walk's steps it is until then; zero when it has passed.
    #[cfg(test)]
    pub(super) fn ahead(self, boot: Duration) -> u64 {
        boot.saturating_sub(self.boot).as_millis().div_ceil(WALK_STEP.as_millis()).min(1000) as u64
    }

    /// Whole seconds since 1970, as the wire has them.
    #[must_use]
    pub fn epoch(self) -> u64 {
        self.wall.as_secs()
    }
}

/// Time passes in steps of this length in the walk over every reachable state.
#[cfg(test)]
pub(super) const WALK_STEP: Duration = Duration::from_secs(300);

/// An instant on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    boot: Duration,
    wall: Duration,
}

impl Deadline {
    /// The instant `life` from `now`.
    #[must_use]
    pub fn after(now: Now, life: Duration) -> Self {
        Self { boot: now.boot.saturating_add(life), wall: now.wall.saturating_add(life) }
    }

    /// What remains by the clock that has less; zero once it has passed.
    #[must_use]
    pub fn remaining(self, now: Now) -> Duration {
        self.boot.saturating_sub(now.boot).min(self.wall.saturating_sub(now.wall))
    }

    /// What it is, seen from now: steps on either clock.
    #[cfg(test)]
    pub(super) fn shape(self, now: Now) -> [u64; 2] {
        match now.ahead(self.boot) {
            0 => [0, 0],
            boot => [boot, Now { boot: now.wall, wall: now.wall }.ahead(self.wall)],
        }
    }

    /// Whether it has passed on either clock.
    #[must_use]
    pub fn has_passed(self, now: Now) -> bool {
        self.remaining(now).is_zero()
    }

    /// Whether it has passed on either clock, and less than `elapsed` ago on both.
    #[must_use]
    pub fn ended_within(self, elapsed: Duration, now: Now) -> bool {
        let is_recent = |then: Duration, now: Duration| then.saturating_add(elapsed) > now;
        self.has_passed(now) && is_recent(self.boot, now.boot) && is_recent(self.wall, now.wall)
    }

    /// The instant for people and callers, in seconds since 1970, by today's wall clock: true also after
    /// the clock was set.
    #[must_use]
    pub fn epoch(self, now: Now) -> u64 {
        now.wall.saturating_add(self.remaining(now)).as_secs()
    }

    /// The instant on the boot clock at which it will have passed, unless the wall clock is set.
    #[must_use]
    pub fn boot(self, now: Now) -> Duration {
        now.boot.saturating_add(self.remaining(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(boot: u64, wall: u64) -> Now {
        Now { boot: Duration::from_secs(boot), wall: Duration::from_secs(wall) }
    }

    #[test]
    fn both_clocks_count() {
        let deadline = Deadline::after(at(100, 1_000_000), HOUR);
        assert_eq!(deadline.remaining(at(200, 1_000_100)), Duration::from_secs(3500));
        assert!(deadline.has_passed(at(3700, 1_003_600)));
    }

    #[test]
    fn a_wall_clock_set_back_extends_nothing() {
        let deadline = Deadline::after(at(100, 1_000_000), HOUR);
        assert_eq!(deadline.remaining(at(200, 900_000)), Duration::from_secs(3500));
        assert_eq!(deadline.epoch(at(200, 900_000)), 903_500);
    }

    #[test]
    fn a_wall_clock_ahead_of_boot_time_expires() {
        let deadline = Deadline::after(at(100, 1_000_000), HOUR);
        assert!(deadline.has_passed(at(101, 1_003_601)));
    }

    #[test]
    fn what_ended_lately_is_told_from_what_ended_long_ago() {
        let deadline = Deadline::after(at(100, 1_000_000), HOUR);
        let ended = |boot, wall| deadline.ended_within(Duration::from_secs(60), at(boot, wall));
        assert!(!ended(3699, 1_003_599), "it lives");
        assert!(ended(3700, 1_003_600) && ended(3759, 1_003_659));
        assert!(!ended(3760, 1_003_660));
    }

    #[test]
    fn the_end_of_time_does_not_overflow() {
        let deadline = Deadline::after(at(100, 4_294_967_296), Duration::MAX);
        assert!(deadline.remaining(at(100, 4_294_967_296)) > HOUR);
    }
}

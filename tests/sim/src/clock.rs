//! The simulated time: the system's, moved by an offset that tests advance.
//!
//! Every age in the simulator (codes, tokens, `Date`) is taken from here, so that a test may pass 90 days at once.
//! Nothing waits on this clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The simulated clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    offset: Duration,
}

impl Clock {
    /// Moves the simulated time forward. Time never goes back here: `Date` can be skewed by a fault instead.
    pub(crate) fn advance(&mut self, by: Duration) {
        self.offset = self.offset.saturating_add(by);
    }

    /// The simulated time.
    pub(crate) fn now(self) -> SystemTime {
        SystemTime::now().checked_add(self.offset).unwrap_or_else(SystemTime::now)
    }

    /// How far the simulated time is ahead of the system's.
    pub(crate) fn offset(self) -> Duration {
        self.offset
    }
}

/// Whole seconds since 1970.
pub(crate) fn unix(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The form of time in Entra's error bodies: `2025-02-19 03:40:30Z`.
pub(crate) fn timestamp(at: SystemTime) -> String {
    let seconds = unix(at);
    let (year, month, day) = civil(seconds / 86_400);
    let of_day = seconds % 86_400;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}Z", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

/// The form of time within the words of Entra's refusals: `2025-02-19T03:40:30.0000000Z`.
pub(crate) fn instant(at: SystemTime) -> String {
    timestamp(at).replace(' ', "T").replace('Z', ".0000000Z")
}

/// Days since 1970 as year, month and day, in the Gregorian calendar; years are counted from March so that the leap
/// day comes last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_have_entras_form() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00Z"),
            (951_782_399, "2000-02-28 23:59:59Z"),
            (951_782_400, "2000-02-29 00:00:00Z"),
            (1_739_936_430, "2025-02-19 03:40:30Z"),
            (4_107_542_400, "2100-03-01 00:00:00Z"),
        ] {
            assert_eq!(timestamp(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn the_clock_advances() {
        let mut clock = Clock::default();
        clock.advance(Duration::from_secs(3_600));
        let ahead = clock.now().duration_since(SystemTime::now()).unwrap();
        assert!(ahead > Duration::from_secs(3_590) && ahead <= Duration::from_secs(3_600), "{ahead:?}");
    }
}

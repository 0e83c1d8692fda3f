//! Instants in words: relative for people, UTC where a date helps, and the countdown's clock.
//!
//! Times of day in other zones would need the zone database, which costs more than it tells here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::platform::since_boot;

/// Seconds since 1970 by this machine's clock; 0 when it is set before that.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// `in 42 min`, `3 h ago` or `now`; both instants are seconds since 1970.
pub(crate) fn relative(now: u64, then: u64) -> String {
    match then.checked_sub(now) {
        Some(0) => "now".to_owned(),
        Some(ahead) => format!("in {}", rough(ahead)),
        None => format!("{} ago", rough(now - then)),
    }
}

/// A length of time in its largest fitting unit: `59 s`, `42 min`, `3 h`, `12 days`.
pub(crate) fn rough(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// `2026-11-21 03:24 UTC` of seconds since 1970.
pub(crate) fn utc(seconds: u64) -> String {
    let (year, month, day) = civil(seconds / 86_400);
    let minute = seconds % 86_400 / 60;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minute / 60, minute % 60)
}

/// `2026-11-21T03:24:00Z` of seconds since 1970 (RFC 3339 section 5.6).
pub(crate) fn rfc3339(seconds: u64) -> String {
    let (year, month, day) = civil(seconds / 86_400);
    let second = seconds % 86_400;
    let (hour, minute, second) = (second / 3600, second % 3600 / 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Seconds since 1970 of `2026-11-21`, `2026-11-21T03:24` or `2026-11-21T03:24:00Z`, in UTC.
pub(crate) fn read_utc(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
    let numbers = |text: &str, sign: char| -> Option<Vec<u64>> {
        text.split(sign).map(|digits| digits.parse().ok().filter(|_| digits.len() <= 4)).collect()
    };
    let [year, month, day] = numbers(date, '-')?[..] else { return None };
    let time = numbers(time.trim_end_matches('Z'), ':')?;
    let (hour, minute, second) = match time[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    if !(1970..=9999).contains(&year) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // The day whose date this is lies within a month of the guess.
    let guess = (year - 1970) * 365 + (year - 1969) / 4 + month.checked_sub(1)? * 30;
    let days = (guess.saturating_sub(40)..guess + 40).find(|days| civil(*days) == (year, month, day))?;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// An instant to count down to, on the clock that no one sets and that goes on while the machine sleeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    boot: Duration,
}

impl Deadline {
    /// The deadline this many seconds from now.
    pub(crate) fn after(seconds: u64) -> Self {
        Self { boot: since_boot().saturating_add(Duration::from_secs(seconds)) }
    }

    /// The time left; zero once it has passed.
    pub(crate) fn left(self) -> Duration {
        self.boot.saturating_sub(since_boot())
    }
}

/// `mm:ss`, rounded up so that `00:00` means it is over; hours are counted as minutes.
pub(crate) fn clock_face(left: Duration) -> String {
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

/// Year, month and day of days since 1970-01-01 in the proleptic Gregorian calendar, by Howard Hinnant's
/// `civil_from_days`: years begin in March, so that the leap day comes last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_FROM_YEAR_ZERO;
    let (era, of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// Days of the calendar's 400-year cycle.
const DAYS_PER_ERA: u64 = 146_097;

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_FROM_YEAR_ZERO: u64 = 719_468;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn dates_are_read_as_they_are_written() {
        for seconds in (0..4_000_000_000).step_by(86_400 * 13 + 4321).chain([951_782_400, 253_402_300_799]) {
            assert_eq!(read_utc(&rfc3339(seconds)), Some(seconds));
        }
        assert_eq!(read_utc("2026-11-21 03:24"), read_utc("2026-11-21T03:24:00Z"));
        for wrong in [
            "",
            "2026",
            "2026-02-29",
            "2026-00-01",
            "1969-12-31",
            "2026-11-21T24:00",
            "2026-11-21T1",
            "a-b-c",
        ] {
            assert_eq!(read_utc(wrong), None, "{wrong}");
        }
    }

    #[rstest]
    #[case(0, "1970-01-01 00:00 UTC")]
    #[case(951_782_399, "2000-02-28 23:59 UTC")]
    #[case(951_782_400, "2000-02-29 00:00 UTC")]
    #[case(1_709_251_199, "2024-02-29 23:59 UTC")]
    #[case(1_767_225_599, "2025-12-31 23:59 UTC")]
    #[case(1_795_231_440, "2026-11-21 03:24 UTC")]
    #[case(4_107_542_400, "2100-03-01 00:00 UTC")]
    fn dates_are_those_of_the_calendar(#[case] seconds: u64, #[case] date: &str) {
        assert_eq!(utc(seconds), date);
    }

    #[rstest]
    #[case(0, "1970-01-01T00:00:00Z")]
    #[case(1_709_251_199, "2024-02-29T23:59:59Z")]
    #[case(1_795_231_445, "2026-11-21T03:24:05Z")]
    fn instants_for_programs_are_whole_seconds_of_utc(#[case] seconds: u64, #[case] text: &str) {
        assert_eq!(rfc3339(seconds), text);
    }

    #[rstest]
    #[case(100, 100, "now")]
    #[case(100, 159, "in 59 s")]
    #[case(0, 2520, "in 42 min")]
    #[case(10_800, 0, "3 h ago")]
    #[case(0, 7_776_000, "in 90 days")]
    fn distances_take_the_fitting_unit(#[case] now: u64, #[case] then: u64, #[case] words: &str) {
        assert_eq!(relative(now, then), words);
    }

    #[test]
    fn the_clock_face_ends_at_zero() {
        assert_eq!(clock_face(Duration::from_secs(899)), "14:59");
        assert_eq!(clock_face(Duration::from_millis(500)), "00:01");
        assert_eq!(clock_face(Duration::ZERO), "00:00");
        assert_eq!(clock_face(Duration::from_secs(6000)), "100:00");
    }

    #[test]
    fn a_deadline_comes_nearer_and_never_passes_zero() {
        let left = Deadline::after(900).left();
        assert!(left <= Duration::from_secs(900) && left > Duration::from_secs(890), "{left:?}");
        assert_eq!(Deadline::after(0).left(), Duration::ZERO);
    }
}

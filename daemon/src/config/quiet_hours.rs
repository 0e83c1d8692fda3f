//! The hours in which nobody is to be asked.

use std::str::FromStr;

/// The setting `quiet_hours`: from one time of day to another, over midnight where the second is the earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// Seconds of the day.
    from: u64,
    to: u64,
}

impl QuietHours {
    /// What the setting may be.
    pub const EXPECTED: &str = "two times of day such as `22:00-07:00`";

    /// When they end, if it is quiet at `epoch` (seconds since 1970). `offset` is how far local time is ahead of UTC then,
    /// in seconds: it changes twice a year in many places, and with the person's journeys.
    #[must_use]
    pub fn end(self, epoch: u64, offset: impl Fn(u64) -> i64) -> Option<u64> {
        let local = i64::try_from(epoch).unwrap_or(i64::MAX).saturating_add(offset(epoch));
        let time = local.rem_euclid(DAY as i64).unsigned_abs();
        let is_within = match self.from < self.to {
            true => (self.from..self.to).contains(&time),
            false => time >= self.from || time < self.to,
        };
        let end = epoch.saturating_add((self.to + DAY - time) % DAY);
        // Where the clock is set meanwhile, the end is at its time of day all the same.
        let end = end.saturating_add_signed(offset(epoch) - offset(end));
        is_within.then(|| end.max(epoch + 1))
    }
}

const DAY: u64 = 24 * 60 * 60;

/// It is none of these.
#[derive(Debug, thiserror::Error)]
pub enum BadQuietHours {
    /// Not two times.
    #[error("`{0}` is not two times of day with a hyphen between")]
    Form(String),
    /// Twice the same.
    #[error("they begin and end at the same time")]
    Empty,
}

impl FromStr for QuietHours {
    type Err = BadQuietHours;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || BadQuietHours::Form(text.to_owned());
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let (from, to) = (time(from).ok_or_else(wrong)?, time(to).ok_or_else(wrong)?);
        if from == to { Err(BadQuietHours::Empty) } else { Ok(Self { from, to }) }
    }
}

/// The second of the day.
fn time(text: &str) -> Option<u64> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |text: &str, below: u64| {
        let is_plain = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u64>().ok().filter(|number| is_plain && *number < below)
    };
    Some((number(hours, 24)? * 60 + number(minutes, 60)?) * 60)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const HOUR: u64 = 3600;

    fn hours(text: &str) -> QuietHours {
        text.parse().unwrap()
    }

    #[rstest]
    #[case("22:00-07:00", 21, None)]
    #[case("22:00-07:00", 22, Some(31))]
    #[case("22:00-07:00", 30, Some(31))]
    #[case("22:00-07:00", 31, None)]
    #[case("9:00-17:00", 9, Some(17))]
    #[case("9:00-17:00", 17, None)]
    fn they_end_at_their_hour(#[case] text: &str, #[case] now: u64, #[case] end: Option<u64>) {
        assert_eq!(hours(text).end(now * HOUR, |_| 0), end.map(|hour| hour * HOUR));
        // The same two hours to the east.
        let east = |_| 2 * HOUR as i64;
        assert_eq!(hours(text).end((now + 22) * HOUR, east), end.map(|hour| (hour + 22) * HOUR));
    }

    #[test]
    fn they_end_at_their_hour_also_in_a_night_that_is_longer() {
        // At hour 27 the clock is set back by one.
        let offset = |epoch: u64| if epoch < 27 * HOUR { HOUR as i64 } else { 0 };
        assert_eq!(hours("22:00-07:00").end(22 * HOUR, offset), Some(31 * HOUR));
    }

    #[rstest]
    #[case("")]
    #[case("22:00")]
    #[case("22-07")]
    #[case("24:00-07:00")]
    #[case("22:60-07:00")]
    #[case("+2:00-07:00")]
    #[case("07:00-07:00")]
    fn what_is_no_two_times_is_refused(#[case] text: &str) {
        assert!(text.parse::<QuietHours>().is_err());
    }
}

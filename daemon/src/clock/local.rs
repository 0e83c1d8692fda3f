//! The time of day where the person is. The system alone knows the zone and its rules.

use time::{OffsetDateTime, UtcOffset};

/// How far local time is ahead of UTC at an instant in seconds since 1970, in seconds. A system that cannot say its zone is at
/// UTC.
#[must_use]
pub fn offset(epoch: u64) -> i64 {
    let instant = i64::try_from(epoch).ok().and_then(|epoch| OffsetDateTime::from_unix_timestamp(epoch).ok());
    let offset = instant.and_then(|instant| UtcOffset::local_offset_at(instant).ok());
    offset.unwrap_or(UtcOffset::UTC).whole_seconds().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_is_further_than_a_day_from_greenwich() {
        for epoch in [0, 1_795_231_445, u64::MAX] {
            assert!(offset(epoch).abs() < 24 * 60 * 60);
        }
    }
}

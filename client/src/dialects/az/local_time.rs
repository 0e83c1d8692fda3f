//! An instant as the Azure CLI's `expiresOn` gives it: this machine's time of day, without its zone.
//!
//! It means two instants in the hour that an autumn repeats, which is why tools read `expires_on` where there is one. The
//! system alone knows the zone and its rules.

use time::{OffsetDateTime, UtcOffset};

/// `2026-11-21 03:24:00.000000` of seconds since 1970, here.
pub(super) fn local_time(seconds: u64) -> String {
    let utc =
        i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    // Beyond the year 9999 no token lives.
    let utc = utc.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    // A system that cannot say its zone tells other programs UTC as well.
    let local = utc.to_offset(UtcOffset::local_offset_at(utc).unwrap_or(UtcOffset::UTC));
    let (year, month, day) = (local.year(), u8::from(local.month()), local.day());
    let (hour, minute, second) = local.to_hms();
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.000000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_instant_is_too_large_to_be_told() {
        assert_eq!(local_time(u64::MAX).len(), "1970-01-01 00:00:00.000000".len());
        // Zones differ by whole minutes nowadays; the tests of the program set one.
        assert!(local_time(1_795_231_445).ends_with(":05.000000"));
    }
}

//! Linux's clock for the countdown.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The time since the machine started, sleep included (clock_gettime(2), CLOCK_BOOTTIME).
pub(crate) fn since_boot() -> Duration {
    let since = clock_gettime(ClockId::Boottime);
    Duration::new(since.tv_sec.unsigned_abs(), since.tv_nsec.unsigned_abs().try_into().unwrap_or(0))
}

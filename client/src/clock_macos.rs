//! macOS's clock for the countdown.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The time since some start, sleep included: unlike elsewhere, CLOCK_MONOTONIC goes on while the machine
/// sleeps (macOS clock_gettime(3)).
pub(crate) fn since_boot() -> Duration {
    let since = clock_gettime(ClockId::Monotonic);
    Duration::new(since.tv_sec.unsigned_abs(), since.tv_nsec.unsigned_abs().try_into().unwrap_or(0))
}

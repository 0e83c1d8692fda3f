//! macOS: `CLOCK_MONOTONIC_RAW`, which goes on while the machine sleeps (clock_gettime(3): `CLOCK_UPTIME_RAW` is
//! the one that does not).
//!
//! No timer of the system follows that clock, so a wake is noticed by the end of the step under way.
#![expect(unsafe_code, reason = "the call that reads this clock has no safe interface")]

use std::future::{Pending, pending};
use std::time::Duration;

/// The boot clock.
pub(super) fn boot() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is ours to write, and the call keeps no pointer to it. It cannot fail for a clock that the
    // system has, and leaves zero otherwise.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_RAW, &raw mut time) };
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Never completes: no wake is told of.
pub(super) fn woken() -> Pending<()> {
    pending()
}

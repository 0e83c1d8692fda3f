//! Waiting on a boot clock that no timer of the runtime follows: macOS and Windows.
//!
//! The runtime's timers stand still while the machine sleeps, so no wait is longer than a step: where the system tells
//! of no wake, the end of the step under way notices what is due, half a minute late at most. The same step notices
//! that the wall clock was set, by what it moved against the boot clock.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

use crate::account::time::Now;

/// Waits until `now` has reached `boot`, which is looked at whenever the machine is `woken` too.
pub(super) async fn until<W: Future<Output = ()>>(
    boot: Duration,
    now: impl Fn() -> Duration,
    woken: impl Fn() -> W,
) {
    loop {
        // Made before the clock is read, so that no wake falls between the two.
        let woken = woken();
        let left = boot.saturating_sub(now());
        if left.is_zero() {
            return;
        }
        let _in_time = timeout(left.min(STEP), woken).await;
    }
}

/// Waits until the wall clock has moved against the boot clock by more than [`JUMP`] within a step, or until a wake.
pub(super) async fn until_set<W: Future<Output = ()>>(now: impl Fn() -> Now, woken: impl Fn() -> W) {
    let mut before = now();
    loop {
        let _in_time = timeout(STEP, woken()).await;
        let after = now();
        let expected = before.wall + after.boot.saturating_sub(before.boot);
        if after.wall.abs_diff(expected) > JUMP {
            return;
        }
        before = after;
    }
}

/// How late a wake may be noticed: less than any margin before an expiry, and two wakes a minute cost nothing.
const STEP: Duration = Duration::from_secs(30);

/// More than two clocks drift apart within a step, or than NTP slews; less than matters for a token.
const JUMP: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::pending;

    use tokio::sync::Notify;
    use tokio::time::{Instant, timeout};

    use super::*;

    const NIGHT: Duration = Duration::from_secs(8 * 3600);

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_at_its_time() {
        let begun = Instant::now();
        until(STEP * 3 + STEP / 2, || begun.elapsed(), pending).await;
        assert_eq!(begun.elapsed(), STEP * 3 + STEP / 2);
        until(Duration::ZERO, || Duration::ZERO, pending).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_due_in_sleep_is_noticed_within_a_step() {
        let (begun, slept) = (Instant::now(), Cell::new(Duration::ZERO));
        let wait = until(NIGHT, || begun.elapsed() + slept.get(), pending);
        tokio::pin!(wait);
        assert!(timeout(STEP / 2, &mut wait).await.is_err());
        slept.set(NIGHT);
        wait.await;
        assert_eq!(begun.elapsed(), STEP);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wake_that_is_told_is_noticed_at_once() {
        let (begun, slept, wake) = (Instant::now(), Cell::new(Duration::ZERO), Notify::new());
        let wait = until(NIGHT, || begun.elapsed() + slept.get(), || wake.notified());
        tokio::pin!(wait);
        assert!(timeout(STEP / 2, &mut wait).await.is_err());
        // Too early to be the night's.
        wake.notify_waiters();
        assert!(timeout(STEP / 4, &mut wait).await.is_err());
        slept.set(NIGHT);
        wake.notify_waiters();
        wait.await;
        assert_eq!(begun.elapsed(), STEP * 3 / 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_is_noticed_and_sleep_or_drift_are_not() {
        let begun = Instant::now();
        let (slept, drifted, set) =
            (Cell::new(Duration::ZERO), Cell::new(Duration::ZERO), Cell::new(Duration::ZERO));
        let now = || {
            let boot = begun.elapsed() + slept.get();
            Now { boot, wall: NIGHT + boot + drifted.get() - set.get() }
        };
        let wait = until_set(now, pending);
        tokio::pin!(wait);
        for _ in 0..5 {
            slept.set(slept.get() + NIGHT);
            drifted.set(drifted.get() + JUMP);
            assert!(timeout(STEP, &mut wait).await.is_err());
        }
        set.set(JUMP * 2);
        assert!(timeout(STEP, &mut wait).await.is_ok());
    }
}

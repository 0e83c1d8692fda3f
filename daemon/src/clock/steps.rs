//! Waiting on a boot clock that no timer of the runtime follows: macOS and Windows.
//!
//! The runtime's timers stand still while the machine sleeps, so no wait is longer than a step: after a wake, the
//! end of the step under way notices what is due, half a minute late at most. The same step notices that the wall
//! clock was set, by what it moved against the boot clock.

use std::time::Duration;

use tokio::time::sleep;

use crate::account::time::Now;

/// Waits until `now` has reached `boot`.
pub(super) async fn until(boot: Duration, now: impl Fn() -> Duration) {
    loop {
        let left = boot.saturating_sub(now());
        if left.is_zero() {
            return;
        }
        sleep(left.min(STEP)).await;
    }
}

/// Waits until the wall clock has moved against the boot clock by more than [`JUMP`] within a step.
pub(super) async fn until_set(now: impl Fn() -> Now) {
    let mut before = now();
    loop {
        sleep(STEP).await;
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

    use tokio::time::{Instant, timeout};

    use super::*;

    const NIGHT: Duration = Duration::from_secs(8 * 3600);

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_at_its_time() {
        let begun = Instant::now();
        until(STEP * 3 + STEP / 2, || begun.elapsed()).await;
        assert_eq!(begun.elapsed(), STEP * 3 + STEP / 2);
        until(Duration::ZERO, || Duration::ZERO).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_due_in_sleep_is_noticed_within_a_step() {
        let (begun, slept) = (Instant::now(), Cell::new(Duration::ZERO));
        let wait = until(NIGHT, || begun.elapsed() + slept.get());
        tokio::pin!(wait);
        assert!(timeout(STEP / 2, &mut wait).await.is_err());
        slept.set(NIGHT);
        wait.await;
        assert_eq!(begun.elapsed(), STEP);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_is_noticed_and_sleep_or_drift_are_not() {
        let begun = Instant::now();
        let (slept, drifted, set) =
            (Cell::new(Duration::ZERO), Cell::new(Duration::ZERO), Cell::new(Duration::ZERO));
        let wait = until_set(|| {
            let boot = begun.elapsed() + slept.get();
            Now { boot, wall: NIGHT + boot + drifted.get() - set.get() }
        });
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

//! Windows: `GetTickCount64`, which counts sleep and hibernation (`QueryUnbiasedInterruptTime` would not), and
//! waiting on it in steps.
//!
//! A waitable timer follows either the wall clock, which may be set, or a time that stands still in sleep; so waits go
//! in steps, and a wake that the system tells of ends the step under way.
//! Source: learn.microsoft.com, "GetTickCount64 function" and "Interrupt Time".
#![expect(unsafe_code, reason = "the call that reads this clock has no safe interface")]

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use windows_sys::Win32::System::SystemInformation::GetTickCount64;

use super::wake::woken;
use super::{Clock, steps};
use crate::account::time::Now;

/// The machine's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now { boot: boot(), wall: SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default() }
    }

    fn wait_until(&self, until: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(steps::until(until, boot, woken))
    }

    fn wait_until_set(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(steps::until_set(|| self.now(), woken))
    }
}

/// In steps of 10 to 16 ms, which is finer than any deadline here.
fn boot() -> Duration {
    // SAFETY: it takes nothing and cannot fail.
    Duration::from_millis(unsafe { GetTickCount64() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_wait_ends_at_its_time_and_not_before() {
        let clock = SystemClock;
        let due = clock.now().boot + Duration::from_millis(30);
        clock.wait_until(due).await;
        assert!(clock.now().boot >= due);
        let past = clock.wait_until(Duration::ZERO);
        tokio::time::timeout(Duration::from_secs(5), past).await.expect("a past instant is over at once");
    }

    #[test]
    fn the_wall_clock_is_that_of_the_standard_library() {
        let before = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let wall = SystemClock.now().wall;
        assert!(before <= wall && wall <= SystemTime::UNIX_EPOCH.elapsed().unwrap());
    }
}

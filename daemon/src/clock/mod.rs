//! The two clocks, and waiting on boot time.
//!
//! A timer of the runtime does not count suspend, so a refresh due during the night would come hours late
//! after the lid opens. On Linux the real clock therefore waits on the system's own boot-time timer, which also
//! means that a waiting daemon makes no system call. Elsewhere it waits in short steps and looks at the boot
//! clock after each.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::account::time::Now;

pub mod local;
#[cfg(any(test, not(target_os = "linux")))]
mod steps;
#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "stepping.rs")]
mod system;

pub use system::SystemClock;

/// A source of time.
pub trait Clock: Send + Sync {
    /// Both clocks, read together.
    fn now(&self) -> Now;

    /// Waits until the boot clock shows `boot`. Dropping the future cancels the wait.
    fn wait_until(&self, boot: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Waits until the wall clock is set, by a person, by NTP, or by a resume that corrects it. Nothing polls
    /// to notice it where the system can tell.
    fn wait_until_set(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

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

    #[tokio::test]
    async fn a_clock_that_nobody_sets_wakes_nobody() {
        let set = SystemClock.wait_until_set();
        assert!(tokio::time::timeout(Duration::from_millis(50), set).await.is_err());
    }

    #[test]
    fn the_wall_clock_is_that_of_the_standard_library() {
        let before = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let wall = SystemClock.now().wall;
        assert!(before <= wall && wall <= SystemTime::UNIX_EPOCH.elapsed().unwrap());
    }
}

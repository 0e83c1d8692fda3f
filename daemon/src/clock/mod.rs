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

#[cfg(any(test, not(target_os = "linux")))]
mod steps;
#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_os = "macos", path = "macos.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod system;
#[cfg(windows)]
#[path = "wake_windows.rs"]
mod wake;

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

//! The clock of a system without timers that count sleep: waiting goes in steps.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use self::machine::{boot, woken};
use super::{Clock, steps};
use crate::account::time::Now;

#[cfg_attr(target_os = "macos", path = "macos.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod machine;

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

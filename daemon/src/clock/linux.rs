//! Linux: `CLOCK_BOOTTIME`, a timerfd on it, and a timerfd that notices when the wall clock is set.
//!
//! The wall clock is read as the rest of the daemon reads it, through the C library: what is told to callers,
//! what is compared with Entra's `Date` and what a certificate is judged by are one clock.

use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use super::Clock;
use crate::account::time::Now;

/// The machine's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now { boot: boot(), wall: SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default() }
    }

    fn wait_until(&self, boot: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            // An expiry of zero would disarm the timer instead of firing at once.
            let at = boot.max(Duration::from_nanos(1));
            let fired = timer(TimerfdClockId::Boottime, TimerfdTimerFlags::ABSTIME, at);
            if let Err(error) = wait(fired).await {
                // Without a timer descriptor (all in use) a short sleep keeps the daemon working.
                tracing::warn!(%error, "no boot-time timer could be had");
                tokio::time::sleep(FALLBACK_SLEEP).await;
            }
        })
    }

    fn wait_until_set(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
            let fired = timer(TimerfdClockId::Realtime, flags, NEVER);
            if let Err(error) = wait(fired).await {
                tracing::warn!(%error, "a clock that is set will go unnoticed until somebody asks");
                std::future::pending::<()>().await;
            }
        })
    }
}

const FALLBACK_SLEEP: Duration = Duration::from_secs(30);

/// Later than any machine runs (year 2242), and early enough for every kernel's arithmetic.
const NEVER: Duration = Duration::from_secs(1 << 33);

fn timer(clock: TimerfdClockId, flags: TimerfdTimerFlags, at: Duration) -> io::Result<OwnedFd> {
    let timer = timerfd_create(clock, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let at =
        Timespec { tv_sec: at.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: at.subsec_nanos().into() };
    let once = Timespec { tv_sec: 0, tv_nsec: 0 };
    timerfd_settime(&timer, flags, &Itimerspec { it_interval: once, it_value: at })?;
    Ok(timer)
}

/// Readable means fired or, with `CANCEL_ON_SET`, that the clock was set (timerfd_create(2)).
async fn wait(timer: io::Result<OwnedFd>) -> io::Result<()> {
    #[expect(
        deprecated,
        reason = "its unsafe successor asks that the descriptor stay open, which an owned one does"
    )]
    let timer = AsyncFd::new(timer?)?;
    timer.readable().await?.retain_ready();
    Ok(())
}

fn boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}

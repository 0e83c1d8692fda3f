//! The machine's two clocks in the driver's hand.
//!
//! Nothing here runs by itself: the driver moves the clocks, and whoever waited for an instant that is now past is
//! woken. The driver can ask for the earliest instant that anybody waits for, which is what makes a discrete-event
//! simulation of it.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use entrad::account::time::Now;
use entrad::clock::Clock;
use tokio::sync::Notify;

/// See the module. Boot time is the time since the simulation began.
pub(crate) struct VirtualClock {
    inner: Mutex<Inner>,
    set: Notify,
}

struct Inner {
    now: Now,
    next: u64,
    waiting: BTreeMap<(Duration, u64), Waker>,
}

impl VirtualClock {
    /// A clock that shows `wall` at boot.
    pub(crate) fn new(wall: Duration) -> Self {
        let now = Now { boot: Duration::ZERO, wall };
        Self { inner: Mutex::new(Inner { now, next: 0, waiting: BTreeMap::new() }), set: Notify::new() }
    }

    /// Lets time pass until the boot clock shows `boot`, and wakes whoever waited for less.
    pub(crate) fn move_to(&self, boot: Duration) {
        let mut inner = self.inner();
        let passed = boot.checked_sub(inner.now.boot).expect("time does not run backwards");
        inner.now.wall += passed;
        inner.now.boot = boot;
        while let Some(first) = inner.waiting.first_entry().filter(|first| first.key().0 <= boot) {
            first.remove().wake();
        }
    }

    /// Sets the wall clock, as NTP does; boot time is not touched.
    pub(crate) fn set_wall(&self, change: impl FnOnce(Duration) -> Duration) {
        let mut inner = self.inner();
        inner.now.wall = change(inner.now.wall);
        self.set.notify_waiters();
    }

    /// The earliest instant that anybody waits for.
    pub(crate) fn earliest(&self) -> Option<Duration> {
        self.inner().waiting.first_key_value().map(|((at, _), _)| *at)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Now {
        self.inner().now
    }

    fn wait_until(&self, boot: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let number = {
            let mut inner = self.inner();
            inner.next += 1;
            inner.next
        };
        let place = Place { clock: self, key: (boot, number) };
        Box::pin(poll_fn(move |context| {
            let mut inner = place.clock.inner();
            if inner.now.boot >= boot {
                return Poll::Ready(());
            }
            inner.waiting.insert(place.key, context.waker().clone());
            Poll::Pending
        }))
    }

    fn wait_until_set(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.set.notified())
    }
}

/// A place among those who wait, given up with the future.
struct Place<'a> {
    clock: &'a VirtualClock,
    key: (Duration, u64),
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.clock.inner().waiting.remove(&self.key);
    }
}

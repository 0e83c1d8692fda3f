//! Calls that may never return, each on a thread of its own.
//!
//! A keyring's provider can hang for ever, and there is no way to interrupt it. So a call runs on a thread that
//! is given up when its time is over. What such a thread brings home later is dropped with it. Invariant: no
//! more than [`MAX_STUCK`] threads hang at a time; past that a call fails at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::error::HomeError;
use crate::harden::with_wiped_stack;

/// Runs calls one at a time and counts those given up.
#[derive(Debug, Default)]
pub(super) struct Calls {
    stuck: Arc<AtomicUsize>,
}

impl Calls {
    /// Runs the call for no longer than `limit`.
    pub(super) fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        call: impl FnOnce() -> Result<T, HomeError> + Send + 'static,
    ) -> Result<T, HomeError> {
        let stuck = self.stuck();
        if stuck >= MAX_STUCK {
            return Err(HomeError::Stuck { stuck });
        }
        // Counted as hanging from the start: then there is no moment at which a thread is not accounted for.
        let hanging = Hanging::begin(&self.stuck);
        let (sender, receiver) = mpsc::sync_channel(1);
        thread::Builder::new().name("entrad-key".to_owned()).spawn(move || {
            // A local: should the call panic, it goes before the sender does.
            let hanging = hanging;
            let result = with_wiped_stack(call);
            drop(hanging);
            // Nobody may be listening any more; the result is then wiped here.
            let _ = sender.send(result);
        })?;
        match receiver.recv_timeout(limit) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(HomeError::Hung { after: limit }),
            Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the call's thread ended").into()),
        }
    }

    /// How many threads hang, or are at work just now.
    pub(super) fn stuck(&self) -> usize {
        self.stuck.load(Ordering::SeqCst)
    }
}

/// One thread that has not come back, counted until it does or its thread ends.
struct Hanging(Arc<AtomicUsize>);

impl Hanging {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Threads that may hang at a time: enough to try again, few enough to be no leak.
const MAX_STUCK: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_result_comes_back_and_nothing_is_counted() {
        let calls = Calls::default();
        assert_eq!(calls.run(LONG, || Ok(7)).unwrap(), 7);
        assert!(matches!(calls.run(LONG, || Err::<(), _>(HomeError::Locked)), Err(HomeError::Locked)));
        assert_eq!(calls.stuck(), 0);
    }

    #[test]
    fn hanging_calls_are_given_up_bounded_and_forgotten_when_they_return() {
        let calls = Calls::default();
        let gates: Vec<_> = (0..MAX_STUCK)
            .map(|_| {
                let (open, gate) = mpsc::channel::<()>();
                let given_up = calls.run(SHORT, move || {
                    let _ = gate.recv();
                    Ok(())
                });
                assert!(matches!(given_up, Err(HomeError::Hung { .. })));
                open
            })
            .collect();
        assert!(matches!(calls.run(LONG, || Ok(())), Err(HomeError::Stuck { stuck: MAX_STUCK })));
        drop(gates);
        while calls.stuck() > 0 {
            thread::yield_now();
        }
        assert!(calls.run(LONG, || Ok(())).is_ok());
    }

    #[test]
    fn a_panic_is_an_error_and_leaves_no_count() {
        let calls = Calls::default();
        let panicked = calls.run(LONG, || -> Result<(), HomeError> { panic!("of the test") });
        assert!(matches!(panicked, Err(HomeError::System(_))));
        assert_eq!(calls.stuck(), 0);
    }
}

//! The requests of one process begin one after another, where it has many connections.
//!
//! What a request needs of the processor it mostly needs at once, before it waits for anything. A process that has a thousand
//! requests there would have everybody else wait for all of these; so the next one of the same process begins only once others had
//! their turn. Once begun they go on side by side: ten thousand may wait for the same token.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::coop::consume_budget;

/// One process's row.
#[derive(Clone)]
pub(super) struct Steps(Arc<Semaphore>);

impl Default for Steps {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Steps {
    /// Does this in its turn, as far as it goes without waiting; the rest of it is not waited for by others.
    pub(super) async fn take<F: Future>(&self, work: F) -> F::Output {
        let mut turn = Arc::clone(&self.0).acquire_owned().await.ok();
        let mut work = pin!(work);
        poll_fn(|context| {
            let done = work.as_mut().poll(context);
            if let Some(turn) = turn.take() {
                // A task stands behind all that are ready to go on by now.
                tokio::spawn(async move { drop(turn) });
            }
            done
        })
        .await
    }
}

/// Lets others go on after a few requests that one connection has in its buffer.
pub(super) async fn give_way_at_times() {
    for _ in 0..COST {
        consume_budget().await;
    }
}

/// Of the 128 operations after which the runtime has a task let others go on (tokio's `task::coop`).
const COST: usize = 16;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn thousands_of_one_process_keep_nobody_waiting() {
        let (begun, steps) = (Arc::new(AtomicUsize::new(0)), Steps::default());
        for _ in 0..MANY {
            let (begun, steps) = (Arc::clone(&begun), steps.clone());
            tokio::spawn(async move { steps.take(async { begun.fetch_add(1, Ordering::Relaxed) }).await });
        }
        let other = Arc::clone(&begun);
        let meanwhile = tokio::spawn(async move {
            for _ in 0..TURNS {
                Steps::default().take(yield_now()).await;
            }
            other.load(Ordering::Relaxed)
        });
        let meanwhile = meanwhile.await.unwrap();
        assert!((1..MANY / 10).contains(&meanwhile), "{meanwhile}");
        while begun.load(Ordering::Relaxed) < MANY {
            yield_now().await;
        }
    }

    const MANY: usize = 10_000;
    const TURNS: usize = 10;

    #[tokio::test]
    async fn who_waits_keeps_no_other_of_its_process_waiting() {
        let (steps, answered) = (Steps::default(), Arc::new(Notify::new()));
        let slow = tokio::spawn({
            let (steps, answered) = (steps.clone(), Arc::clone(&answered));
            async move { steps.take(answered.notified()).await }
        });
        yield_now().await;
        steps.take(async { answered.notify_one() }).await;
        slow.await.unwrap();
    }

    #[tokio::test]
    async fn one_that_has_many_at_hand_lets_others_go_on() {
        let others = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&others);
        let other = tokio::spawn(async move {
            loop {
                counted.fetch_add(1, Ordering::Relaxed);
                yield_now().await;
            }
        });
        for _ in 0..160 {
            give_way_at_times().await;
        }
        assert!(others.load(Ordering::Relaxed) >= 10);
        other.abort();
    }
}

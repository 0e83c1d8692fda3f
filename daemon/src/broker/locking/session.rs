//! Locked with the screen, and before the machine sleeps, where the settings say so.
//!
//! What tells of it may be away, come later, or not exist on this system: then it is looked for again, ever more rarely, and
//! `entra status` says so meanwhile. What locked it so may open it when the person is back, and opens no other lock.

use std::sync::Arc;
use std::time::Duration;

use entra_proto::lock::{LockCause, UnlockRequest};
use tokio::sync::mpsc::{Sender, channel};

use super::super::Broker;
use crate::config::LockOn;
use crate::notify::desktop::{Happening, Trouble, Watched, follow};

impl Broker {
    /// Follows the session for as long as the daemon runs; returns at once where nothing is to be followed.
    pub async fn keep_locked_with(self: Arc<Self>, on: LockOn) {
        let (tell, mut heard) = channel(ROOM);
        for (what, is_on) in [(Watched::Screen, on.screen_lock), (Watched::Sleep, on.suspend)] {
            if is_on {
                tokio::spawn(Arc::clone(&self).watch(what, tell.clone()));
            }
        }
        drop(tell);
        let mut is_screen_locked = false;
        while let Some(what) = heard.recv().await {
            match what {
                Happening::ScreenLocked => is_screen_locked = true,
                Happening::ScreenOpened => is_screen_locked = false,
                Happening::Sleeps(_) | Happening::Woke => {}
            }
            self.happened(what, on.unlock_on_return && !is_screen_locked).await;
        }
    }

    async fn happened(self: &Arc<Self>, what: Happening, may_unlock: bool) {
        match what {
            Happening::ScreenLocked => drop(self.lock(LockCause::ScreenLock, None).await),
            Happening::Sleeps(delay) => {
                let locked = self.lock(LockCause::Suspend, None).await;
                // Now it may sleep.
                drop((delay, locked));
            }
            Happening::ScreenOpened | Happening::Woke => {
                let by = self.lock_status().map(|lock| lock.by);
                let is_ours = matches!(by, Some(LockCause::ScreenLock | LockCause::Suspend));
                if may_unlock
                    && is_ours
                    && let Err(error) = self.unlock(UnlockRequest::default(), None).await
                {
                    tracing::info!("it stays locked: {}", error.message);
                }
            }
        }
    }

    async fn watch(self: Arc<Self>, what: Watched, tell: Sender<Happening>) {
        let mut wait = FIRST_WAIT;
        loop {
            let began = self.parts.clock.now().boot;
            let trouble = follow(what, &tell).await;
            if tell.is_closed() {
                return;
            }
            let sentence = format!("`lock_on` does not hold for {what}: {trouble}.");
            tracing::warn!("{sentence}");
            self.locking.faults().insert(what, sentence);
            if matches!(trouble, Trouble::NotHere) {
                return;
            }
            let now = self.parts.clock.now().boot;
            wait = if now.saturating_sub(began) > LONGEST_WAIT { FIRST_WAIT } else { wait * 2 };
            wait = wait.min(LONGEST_WAIT);
            self.parts.clock.wait_until(now + wait).await;
            self.locking.faults().remove(&what);
        }
    }
}

/// What may happen while a lock is under way.
const ROOM: usize = 8;

/// A desktop comes some seconds after the daemon.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests {
    use super::super::super::tests::{broker, record};
    use super::*;
    use crate::entra::script::Script;

    #[tokio::test]
    async fn what_the_screen_locked_is_opened_with_it_where_that_is_set() {
        let broker = broker(&Script::new(), [record("u.t", "rt")]).await;
        broker.happened(Happening::ScreenOpened, true).await;
        assert!(broker.lock_status().is_none());
        broker.happened(Happening::ScreenLocked, false).await;
        assert_eq!(broker.lock_status().unwrap().by, LockCause::ScreenLock);
        broker.happened(Happening::Woke, false).await;
        assert!(broker.lock_status().is_some());
        broker.happened(Happening::ScreenOpened, true).await;
        assert!(broker.lock_status().is_none());
    }

    #[tokio::test]
    async fn a_lock_by_hand_is_not_opened_by_a_screen() {
        let broker = broker(&Script::new(), [record("u.t", "rt")]).await;
        assert!(broker.lock(LockCause::Hand, None).await.is_ok());
        broker.happened(Happening::ScreenLocked, false).await;
        broker.happened(Happening::ScreenOpened, true).await;
        assert_eq!(broker.lock_status().unwrap().by, LockCause::Hand);
    }
}

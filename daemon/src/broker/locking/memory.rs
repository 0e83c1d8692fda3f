//! What leaves memory when it locks: tokens, keys, and whoever waits.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use entra_proto::lock::LockCause;
use tokio::time::timeout;

use super::super::Broker;

impl Broker {
    /// Ends what waits for a person, and lets requests to Entra land, for as long as there is time.
    pub(super) async fn let_end(self: &Arc<Self>, patience: Duration) {
        {
            let mut state = self.state();
            state.sign_ins.cancel_all("entrad was locked.");
            state.needs.stop();
        }
        let hurried = self.locking.hurry.notified();
        tokio::pin!(hurried);
        // From here on a panic is heard; one of before is seen.
        hurried.as_mut().enable();
        if self.lock_status().is_some_and(|lock| lock.by == LockCause::Panic) {
            return;
        }
        tokio::select! {
            late = timeout(patience, self.settle()) => {
                if late.is_err() && !patience.is_zero() {
                    tracing::warn!("a request to Entra is cut off: it did not end before the lock");
                }
            }
            () = hurried => {}
        }
    }

    /// That a refresh token goes that could not be saved: the one before it may be void.
    pub(super) fn unsaved_warnings(&self) -> Vec<String> {
        let state = self.state();
        let unsaved = state.known.values().filter(|known| known.unsaved.is_some());
        let warning = |name: &str| {
            format!(
                "The newest refresh token of {name} could not be saved and is gone with the lock; a new sign-in may be needed."
            )
        };
        unsaved.map(|known| warning(&known.entry.username)).collect()
    }

    /// Locks, cuts off what is under way, and drops every token and key. Says what is left.
    pub(super) async fn drop_memory(self: &Arc<Self>) -> Option<String> {
        // First, so that whoever is cut off finds it locked, and so that nobody reads the accounts anew behind our back.
        self.locking.change(super::Latch::lock);
        {
            let mut state = self.state();
            self.is_restored.store(false, Ordering::Release);
            let keys: Vec<_> = state.known.keys().cloned().collect();
            for key in keys {
                // As if it signed out: flights keep their numbers, and those of before are nobody's.
                let flights = state.machine.sign_out(&key);
                state.tell_to_ask_again(flights);
            }
            state.known.clear();
            state.flights.clear();
            state.registries = Default::default();
            state.challenges = Default::default();
            state.needs.clear();
            state.sign_ins.cancel_all("entrad was locked.");
        }
        // The client has a copy of the client certificate's key.
        self.parts.entra.rebuild();
        self.settled.notify_waiters();
        self.rescheduled.notify_one();
        // Whoever reads the vault just now learns that it is locked.
        if let Ok(mut stalled) = self.restoring.try_lock() {
            *stalled = None;
        }
        let error = self.parts.vault.lock().await.err()?;
        tracing::warn!(%error, "the sealing key leaves memory as soon as the vault answers");
        Some(format!(
            "Nothing is served, but the sealing key leaves memory only when the key store answers: {error}"
        ))
    }
}

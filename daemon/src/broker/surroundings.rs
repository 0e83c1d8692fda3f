//! What happens around the daemon: the wall clock is set, the network changes.

use std::sync::Arc;

use super::Broker;
use crate::network::Watch;

impl Broker {
    /// Notices for as long as the daemon runs. Between two events it makes no system call.
    pub async fn keep_watch(self: Arc<Self>) {
        let watch = Watch::start();
        if let Err(error) = &watch {
            tracing::info!(%error, "changes of the network go unnoticed; failed connections are noticed all the same");
        }
        loop {
            tokio::select! {
                () = self.parts.clock.wait_until_set() => {
                    tracing::info!("the clock was set");
                    // A clock that was wrong made every certificate invalid: the way is another one now.
                    self.network_changed();
                }
                () = changed(watch.as_ref().ok()) => {
                    tracing::debug!("the network changed");
                    self.network_changed();
                }
            }
        }
    }

    /// The way to Entra may be open again, or lead through another proxy: what an outage holds back is tried
    /// anew, one key first.
    pub fn network_changed(&self) {
        self.parts.entra.rebuild();
        let now = self.parts.clock.now();
        self.state().machine.network_changed(now);
        self.rescheduled.notify_one();
    }
}

async fn changed(watch: Option<&Watch>) {
    let Some(watch) = watch else { return std::future::pending().await };
    if let Err(error) = watch.changed().await {
        tracing::warn!(%error, "changes of the network go unnoticed from now on");
        std::future::pending::<()>().await;
    }
}

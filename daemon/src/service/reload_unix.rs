//! The signal that has the settings read anew.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGHUP, from now on.
pub struct Reload(Signal);

/// Catches SIGHUP.
///
/// # Errors
/// When signals cannot be received.
pub fn told_to_reload() -> io::Result<Reload> {
    signal(SignalKind::hangup()).map(Reload)
}

impl Reload {
    /// Completes at each signal.
    pub async fn recv(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

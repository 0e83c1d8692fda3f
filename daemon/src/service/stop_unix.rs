//! The signals that stop a daemon.

use std::future::Future;
use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Completes when the daemon is told to stop: SIGTERM, SIGINT or SIGHUP. They are caught from now on.
///
/// # Errors
/// When signals cannot be received.
pub fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

/// What stops a daemon, for people.
pub const STOPPED_BY: &str =
    "Signals: SIGTERM and SIGINT stop the daemon after running requests have been answered.";

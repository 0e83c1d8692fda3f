//! The signals that stop a daemon.

use std::future::Future;
use std::io::{self, IsTerminal};

use tokio::signal::unix::{SignalKind, signal};

/// Completes when the daemon is told to stop: by SIGTERM, SIGINT, or the end of the terminal that it was started on. They are
/// caught from now on. Any other SIGHUP has it read its settings anew.
///
/// # Errors
/// When signals cannot be received.
pub fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let is_on_terminal = io::stdin().is_terminal();
    let hung_up = async move {
        while hangup.recv().await.is_some() {
            if is_on_terminal && !io::stdin().is_terminal() {
                return;
            }
        }
        std::future::pending::<()>().await;
    };
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = hung_up => {}
        }
    })
}

/// What stops a daemon, for people.
pub const STOPPED_BY: &str = "Signals: SIGTERM and SIGINT stop the daemon after running requests have been answered. SIGHUP has it read its settings anew.";

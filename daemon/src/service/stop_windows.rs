//! The console events that stop a daemon.
//!
//! A process without a console gets none of them and is ended by its task or by the end of the session. That
//! costs nothing: what the vault says is saved is on disk, and a file is replaced as a whole.

use std::future::Future;
use std::io;

use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};

/// Completes when the daemon is told to stop: Ctrl-C, Ctrl-Break, a closed console, or the end of the session.
/// They are caught from now on. After a close the system ends the process within five seconds.
///
/// # Errors
/// When console events cannot be received.
pub fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut stop, mut close) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
    let (mut logoff, mut shutdown) = (ctrl_logoff()?, ctrl_shutdown()?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = stop.recv() => {}
            _ = close.recv() => {}
            _ = logoff.recv() => {}
            _ = shutdown.recv() => {}
        }
    })
}

/// What stops a daemon, for people.
pub const STOPPED_BY: &str = "Ctrl-C and Ctrl-Break stop the daemon after running requests have been answered; so does a closed console.";

//! What ends the program on Unix: two signals.

use std::io;

use tokio::select;
use tokio::signal::unix::{SignalKind, signal};

/// Waits for Ctrl-C or for the system's request to end.
///
/// # Errors
/// When the system refuses to have a signal handled.
pub(crate) async fn asked_for() -> io::Result<()> {
    let (mut interrupted, mut terminated) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    Ok(())
}

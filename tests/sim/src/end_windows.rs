//! What ends the program on Windows: the console's events.

use std::io;

use tokio::select;
use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};

/// Waits for Ctrl-C or Ctrl-Break, or until the console or the system goes.
///
/// # Errors
/// When the system refuses to have an event handled.
pub(crate) async fn asked_for() -> io::Result<()> {
    let (mut interrupted, mut broken) = (ctrl_c()?, ctrl_break()?);
    let (mut closed, mut shut_down) = (ctrl_close()?, ctrl_shutdown()?);
    select! {
        _ = interrupted.recv() => {}
        _ = broken.recv() => {}
        _ = closed.recv() => {}
        _ = shut_down.recv() => {}
    }
    Ok(())
}

//! Telling the world that the daemon can serve.

use std::io::{self, Write};
use std::path::Path;

/// Says `ready` with the socket's path on standard output, and to a service manager that listens.
///
/// # Errors
/// When standard output is closed, so that nobody could have heard it.
#[expect(clippy::print_stdout, reason = "the ready line is this program's output")]
pub fn say_ready(socket: &Path) -> io::Result<()> {
    println!("ready {}", socket.display());
    io::stdout().flush()?;
    #[cfg(target_os = "linux")]
    tell_manager(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Status("Serving tokens.")]);
    Ok(())
}

/// Says that the daemon is stopping.
pub fn say_stopping() {
    #[cfg(target_os = "linux")]
    tell_manager(&[sd_notify::NotifyState::Stopping]);
}

/// Without a manager (`NOTIFY_SOCKET` unset) nobody is told.
#[cfg(target_os = "linux")]
fn tell_manager(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

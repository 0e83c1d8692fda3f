//! Telling the world that the daemon can serve, and being told to stop.

use std::io::{self, Write};
use std::path::Path;

#[cfg_attr(target_os = "linux", path = "handed_linux.rs")]
#[cfg_attr(target_os = "macos", path = "handed_macos.rs")]
#[cfg_attr(windows, path = "handed_windows.rs")]
mod handed;
#[cfg_attr(target_os = "linux", path = "manager_linux.rs")]
#[cfg_attr(target_os = "macos", path = "manager_macos.rs")]
#[cfg_attr(windows, path = "manager_windows.rs")]
mod manager;
#[cfg_attr(unix, path = "reload_unix.rs")]
#[cfg_attr(windows, path = "reload_windows.rs")]
mod reload;
#[cfg_attr(unix, path = "stop_unix.rs")]
#[cfg_attr(windows, path = "stop_windows.rs")]
mod stop;
#[cfg(windows)]
#[path = "stop_event_windows.rs"]
mod stop_event;

pub use handed::Handed;
pub use reload::{Reload, told_to_reload};
pub use stop::{STOPPED_BY, told_to_stop};

/// Says `ready` with the socket's path on standard output, and to a service manager that listens.
///
/// # Errors
/// When standard output is closed, so that nobody could have heard it.
#[expect(clippy::print_stdout, reason = "the ready line is this program's output")]
pub fn say_ready(socket: &Path) -> io::Result<()> {
    println!("ready {}", socket.display());
    io::stdout().flush()?;
    manager::say_ready();
    Ok(())
}

/// Says that the daemon is stopping.
pub fn say_stopping() {
    manager::say_stopping();
}

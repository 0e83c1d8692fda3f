//! The console events that stop a daemon, and an event of our own for one without a console.
//!
//! A daemon that a logon task starts gets no console event; it is asked by its event, or ended with the session. Of
//! the session's end a program is not told that has loaded user32.dll, as ours has by way of shell32.dll. To be ended
//! costs nothing: what the vault says is saved is on disk, and a file is replaced as a whole.
//! Source: learn.microsoft.com, "SetConsoleCtrlHandler function" and "Kernel object namespaces".

use std::future::{Future, pending};
use std::io;

use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};

use super::stop_event::StopEvent;

/// Completes when the daemon is told to stop: Ctrl-C, Ctrl-Break, a closed console, the end of the session where it is
/// told, or the event `Local\entrad-stop-PID`, which is known in the daemon's session. They are caught from now on. After a close the system ends the process within
/// five seconds.
///
/// # Errors
/// When console events cannot be received. Without its own event the daemon goes on, and the log says so.
pub fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut stop, mut close) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
    let (mut logoff, mut shutdown) = (ctrl_logoff()?, ctrl_shutdown()?);
    let event = asked_by(&format!(r"Local\entrad-stop-{}", std::process::id()));
    let asked = async move {
        match event {
            Some(event) => event.is_set().await,
            None => pending().await,
        }
    };
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = stop.recv() => {}
            _ = close.recv() => {}
            _ = logoff.recv() => {}
            _ = shutdown.recv() => {}
            () = asked => {}
        }
    })
}

/// The event, unless another program has its name or the system refuses.
fn asked_by(name: &str) -> Option<StopEvent> {
    let made = StopEvent::make(name);
    made.inspect_err(
        |error| tracing::warn!(%name, %error, "the event that stops this daemon is not ours: end it by its process"),
    )
    .ok()
}

/// What stops a daemon, for people.
pub const STOPPED_BY: &str = "Ctrl-C and Ctrl-Break stop the daemon after running requests have been answered; so does a closed console. \
     Without a console, process PID is stopped from PowerShell: \
     [Threading.EventWaitHandle]::OpenExisting('Local\\entrad-stop-PID').Set()";

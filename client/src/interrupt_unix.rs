//! How a person, or the system, ends a wait on Unix: three signals.

use std::{io, thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Calls `tell` at each such signal from now on, in a thread of its own, in place of the process's end.
///
/// # Errors
/// When the system refuses to have them handled.
pub(crate) fn on_interrupt(tell: impl Fn() + Send + Sync + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::spawn(move || signals.forever().for_each(|_| tell()));
    Ok(())
}

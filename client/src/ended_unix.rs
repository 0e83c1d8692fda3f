//! The end of a program that we started, on Unix.

use std::io;
use std::process::Child;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// What waits for its end, for a thread of its own. The program stays to be waited for, so that its id is no other's until
/// its owner has seen its status.
///
/// # Errors
/// None; on Windows there are some.
pub(crate) fn until_ended(child: &Child) -> io::Result<impl FnOnce() + Send + use<>> {
    let id = Pid::from_child(child);
    let wait = move || waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    Ok(move || while matches!(wait(), Err(Errno::INTR)) {})
}

/// Ends a program that was set apart, and what it started.
pub(crate) fn end(child: &mut Child) {
    // It may have ended just now.
    let _ended = kill_process_group(Pid::from_child(child), Signal::KILL);
}

//! Keeping a browser away from our terminal, on Unix.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Has the command start in a process group of its own, which the terminal's Ctrl-C does not reach.
pub(crate) fn set_apart(command: &mut Command) {
    command.process_group(0);
}

//! What ends a wait: signals.

use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process};

/// Each kind of interruption, the person's Ctrl-C first.
pub(crate) const INTERRUPTIONS: [Signal; 3] = [Signal::INT, Signal::TERM, Signal::HUP];

/// Prepares a program to be interrupted.
pub(crate) fn interruptible(_program: &mut Command) {}

/// Interrupts it.
pub(crate) fn interrupt(child: &Child, kind: Signal) {
    kill_process(Pid::from_child(child), kind).unwrap();
}

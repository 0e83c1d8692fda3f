//! What ends a wait: a console's events. Ctrl-C itself would reach every program of the console, Ctrl-Break can
//! be sent to one, and the two are one to it.
#![allow(unsafe_code, reason = "consoles are functions of Windows")]

use std::io;
use std::os::windows::process::CommandExt;
use std::process::{Child, Command};
use std::sync::Once;

use windows_sys::Win32::System::Console::{
    AllocConsole, CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent, GetConsoleCP,
};
use windows_sys::Win32::System::Threading::CREATE_NEW_PROCESS_GROUP;

/// Each kind of interruption that can be sent to one program.
pub(crate) const INTERRUPTIONS: [u32; 1] = [CTRL_BREAK_EVENT];

/// Prepares a program to be interrupted: it gets a console, which is ours.
pub(crate) fn interruptible(program: &mut Command) {
    static CONSOLE: Once = Once::new();
    CONSOLE.call_once(|| {
        // SAFETY: neither takes a pointer.
        let is_there = unsafe { GetConsoleCP() != 0 || AllocConsole() != 0 };
        assert!(is_there, "{}", io::Error::last_os_error());
    });
    program.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

/// Interrupts it.
pub(crate) fn interrupt(child: &Child, kind: u32) {
    // SAFETY: it takes numbers alone.
    let is_sent = unsafe { GenerateConsoleCtrlEvent(kind, child.id()) } != 0;
    assert!(is_sent, "{}", io::Error::last_os_error());
}

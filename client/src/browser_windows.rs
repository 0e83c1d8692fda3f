//! Keeping a browser away from our console, on Windows.

use std::os::windows::process::CommandExt;
use std::process::Command;

use windows_sys::Win32::System::Threading::DETACHED_PROCESS;

/// Has the command start without our console, which alone passes on Ctrl-C.
pub(crate) fn set_apart(command: &mut Command) {
    command.creation_flags(DETACHED_PROCESS);
}

//! How a person, or the system, ends a wait on Windows: the console's events.
#![expect(unsafe_code, reason = "the console calls a function of ours")]

use std::sync::OnceLock;
use std::time::Duration;
use std::{io, thread};

use windows_sys::Win32::Foundation::TRUE;
use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, CTRL_C_EVENT, SetConsoleCtrlHandler};
use windows_sys::core::BOOL;

/// Calls `tell` at each such event from now on, in a thread of its own, in place of the process's end. The
/// first caller alone is told.
///
/// # Errors
/// When the system refuses to have them handled.
pub(crate) fn on_interrupt(tell: impl Fn() + Send + Sync + 'static) -> io::Result<()> {
    if TELL.set(Box::new(tell)).is_err() {
        return Ok(());
    }
    // SAFETY: `heard` has the form that is asked for and stays for as long as the process does.
    if unsafe { SetConsoleCtrlHandler(Some(heard), TRUE) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// What the system calls, each time in a new thread (Microsoft: "HandlerRoutine callback function").
unsafe extern "system" fn heard(event: u32) -> BOOL {
    if let Some(tell) = TELL.get() {
        tell();
    }
    // With the return from any other event, which says that the console or the session goes, the process
    // ends. The main thread ends it sooner, once it has cancelled what is open.
    if !matches!(event, CTRL_C_EVENT | CTRL_BREAK_EVENT) {
        thread::sleep(LAST_MOMENTS);
    }
    TRUE
}

static TELL: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

/// As long as the system gives a console program whose window is closed.
const LAST_MOMENTS: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn the_consoles_events_are_told_and_do_not_end_the_process() {
        let (tell, hear) = channel();
        on_interrupt(move || tell.send(()).unwrap()).unwrap();
        for event in [CTRL_C_EVENT, CTRL_BREAK_EVENT] {
            // SAFETY: any thread may call it with any number.
            assert_eq!(unsafe { heard(event) }, TRUE);
            hear.try_recv().unwrap();
        }
    }
}

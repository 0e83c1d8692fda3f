//! Windows's Event Log, under Application, as the source `entrad`.
//!
//! A source that is not registered is shown with a sentence of Windows's before the line; nothing is registered, since that takes
//! an administrator.
#![expect(unsafe_code, reason = "the Event Log has no safe interface")]

use std::io;
use std::ptr;

use tracing::Level;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE,
    RegisterEventSourceW, ReportEventW,
};

use super::queue::Sink;
use super::{LogError, SinkName};

/// What this system has besides standard error and a file, and its names in a sentence.
pub(super) const OWN: (&[SinkName], &str) = (&[SinkName::EventLog], "event_log");

/// Opens one of the system's own.
pub(super) fn open(name: SinkName) -> Result<Box<dyn Sink>, LogError> {
    match name {
        SinkName::EventLog => {
            let source = EventLog::open().map_err(|reason| LogError::Sink { name, path: None, reason })?;
            Ok(Box::new(source))
        }
        other => Err(LogError::Missing(other, OWN.1)),
    }
}

struct EventLog(HANDLE);

// SAFETY: the handle is no thread's own, and one thread at a time has this value.
unsafe impl Send for EventLog {}

impl EventLog {
    fn open() -> io::Result<Self> {
        let name = wide("entrad");
        // SAFETY: the name ends in zero; without a server's name it is this machine's log.
        let source = unsafe { RegisterEventSourceW(ptr::null(), name.as_ptr()) };
        if source.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(source)) }
    }
}

impl Sink for EventLog {
    fn write(&mut self, level: Level, line: &str) -> io::Result<()> {
        let kind = match level {
            Level::ERROR => EVENTLOG_ERROR_TYPE,
            Level::WARN => EVENTLOG_WARNING_TYPE,
            Level::INFO | Level::DEBUG | Level::TRACE => EVENTLOG_INFORMATION_TYPE,
        };
        let line = wide(line);
        let lines = [line.as_ptr()];
        // SAFETY: the handle is open, the one string ends in zero, and both outlive the call; there is no user and no data.
        let done = unsafe {
            ReportEventW(self.0, kind, 0, EVENT, ptr::null_mut(), 1, 0, lines.as_ptr(), ptr::null())
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl Drop for EventLog {
    fn drop(&mut self) {
        // SAFETY: the handle is open and is not used again.
        unsafe { DeregisterEventSource(self.0) };
    }
}

fn wide(text: &str) -> Vec<u16> {
    text.replace('\0', " ").encode_utf16().chain([0]).collect()
}

/// All lines are of one kind.
const EVENT: u32 = 1;

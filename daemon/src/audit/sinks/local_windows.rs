//! The Windows Event Log (learn.microsoft.com, "ReportEventW function").
//!
//! The source needs no registration for entries to arrive; the viewer then shows the line as the event's own text.
#![expect(unsafe_code, reason = "the Event Log has no safe interface")]

use std::io;
use std::ptr::{null, null_mut};

use entra_proto::log::{LogEntry, LogEvent};
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE, RegisterEventSourceW,
    ReportEventW,
};

use super::Deliver;
use crate::audit::settings::Sink;

/// The way to this sink.
pub(super) fn sink(sink: Sink) -> Box<dyn Deliver> {
    match sink {
        Sink::EventLog => Box::new(EventLog { source: None }),
        Sink::File | Sink::Journald | Sink::Syslog => Box::new(NotHere),
    }
}

struct EventLog {
    source: Option<Source>,
}

impl Deliver for EventLog {
    fn deliver(&mut self, entry: &LogEntry, line: &str) -> io::Result<()> {
        let source = match self.source.take() {
            Some(source) => source,
            None => Source::register()?,
        };
        source.report(&entry.event, line)?;
        self.source = Some(source);
        Ok(())
    }
}

struct NotHere;

impl Deliver for NotHere {
    fn deliver(&mut self, _: &LogEntry, _: &str) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system has none"))
    }
}

/// The registration of `entrad` as one who reports.
struct Source(HANDLE);

// SAFETY: the handle is the process's, and one thread at a time has it.
unsafe impl Send for Source {}

impl Source {
    fn register() -> io::Result<Self> {
        let name = wide("entrad");
        // SAFETY: the name ends in zero; no server means this machine.
        let handle = unsafe { RegisterEventSourceW(null(), name.as_ptr()) };
        if handle.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(handle)) }
    }

    fn report(&self, event: &LogEvent, line: &str) -> io::Result<()> {
        let kind = match event {
            LogEvent::Damaged | LogEvent::Lost | LogEvent::Refused | LogEvent::SignInFailed => {
                EVENTLOG_WARNING_TYPE
            }
            _ => EVENTLOG_INFORMATION_TYPE,
        };
        // A string may have 31,839 characters (ReportEventW, `lpStrings`).
        let text = wide(&line.chars().take(31_000).collect::<String>());
        let strings = [text.as_ptr()];
        // SAFETY: the handle is registered, there is one string, it ends in zero and outlives the call; there is no user and no
        // data.
        let reported = unsafe {
            ReportEventW(self.0, kind, 0, number(event), null_mut(), 1, 0, strings.as_ptr(), null())
        };
        if reported == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // SAFETY: the handle is registered, and nobody has it after this.
        unsafe { DeregisterEventSource(self.0) };
    }
}

/// The event's number in the Event Log; one that was given never changes.
fn number(event: &LogEvent) -> u32 {
    match event {
        LogEvent::Started => 1,
        LogEvent::Stopped => 2,
        LogEvent::Issued => 10,
        LogEvent::Refused => 11,
        LogEvent::SignedIn => 20,
        LogEvent::SignInFailed => 21,
        LogEvent::SignedOut => 22,
        LogEvent::RefreshTokenDied => 23,
        LogEvent::RefreshTokenRevived => 24,
        LogEvent::LeaseMade => 30,
        LogEvent::LeaseRevoked => 31,
        LogEvent::LeaseEnded => 32,
        LogEvent::AgentsStopped => 33,
        LogEvent::AgentsResumed => 34,
        LogEvent::ConsentAsked => 35,
        LogEvent::ConsentAnswered => 36,
        LogEvent::ConsentRevoked => 37,
        LogEvent::Locked => 60,
        LogEvent::Unlocked => 61,
        LogEvent::UnlockFailed => 62,
        LogEvent::Panicked => 63,
        LogEvent::ConfigurationChanged => 40,
        LogEvent::ConfigurationRefused => 41,
        LogEvent::Lost => 50,
        LogEvent::Rotated => 51,
        LogEvent::Repaired => 52,
        LogEvent::Damaged => 53,
        // The daemon writes what it knows.
        LogEvent::Unknown(_) => 0,
    }
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

//! The unified log, by syslog(3): since macOS 10.12 that writes there, while os_log(3) is a macro that only C can use.
#![expect(unsafe_code, reason = "syslog(3) has no safe interface")]

use std::ffi::CString;
use std::io;

use tracing::Level;

use super::queue::Sink;
use super::{LogError, SinkName};

/// What this system has besides standard error and a file, and its names in a sentence.
pub(super) const OWN: (&[SinkName], &str) = (&[SinkName::UnifiedLog], "unified_log");

/// Opens one of the system's own.
pub(super) fn open(name: SinkName) -> Result<Box<dyn Sink>, LogError> {
    match name {
        SinkName::UnifiedLog => Ok(Box::new(UnifiedLog)),
        other => Err(LogError::Missing(other, OWN.1)),
    }
}

/// Names itself by the program's name, as syslog(3) does without openlog(3).
struct UnifiedLog;

impl Sink for UnifiedLog {
    fn write(&mut self, level: Level, line: &str) -> io::Result<()> {
        let priority = match level {
            Level::ERROR => libc::LOG_ERR,
            Level::WARN => libc::LOG_WARNING,
            Level::INFO => libc::LOG_INFO,
            Level::DEBUG | Level::TRACE => libc::LOG_DEBUG,
        };
        let line = CString::new(line.replace('\0', " "))?;
        // SAFETY: both strings end in zero and outlive the call, and the form takes exactly the one that follows it.
        unsafe { libc::syslog(libc::LOG_DAEMON | priority, c"%s".as_ptr(), line.as_ptr()) };
        Ok(())
    }
}

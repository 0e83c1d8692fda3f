//! What stands for the export to a collector in a build without it: a refusal.

use entra_proto::log::LogEntry;

use crate::logging::Reader;
use crate::metrics::Now;

/// There is none.
#[derive(Debug)]
pub enum Otlp {}

impl Otlp {
    /// Refuses.
    ///
    /// # Errors
    /// [`OtlpError::Absent`], always.
    pub fn start(_endpoint: &str) -> Result<Self, OtlpError> {
        Err(OtlpError::Absent)
    }

    /// Who reads the log.
    #[must_use]
    pub fn reader(&self) -> Reader {
        match *self {}
    }

    /// Takes the numbers.
    pub fn count(&self, _now: impl Fn() -> Now + Send + Sync + 'static) {
        match *self {}
    }

    /// Takes an entry of the audit log.
    pub fn entry(&self, _entry: &LogEntry) {
        match *self {}
    }

    /// Ends it.
    pub fn stop(&self) {
        match *self {}
    }
}

/// Why nothing is exported.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// The build cannot.
    #[error(
        "`otlp_endpoint` is set, and this build of entrad exports nothing. Install one that was built with the feature `otlp`, or leave the setting out."
    )]
    Absent,
}

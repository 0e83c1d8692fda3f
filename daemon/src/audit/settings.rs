//! How much is kept, and where entries go besides.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::config;

/// What an administrator or a person may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// Where entries go; nothing is kept or told without any.
    pub sinks: BTreeSet<Sink>,
    /// MiB of a file before the next begins, at least 1.
    pub size: u64,
    /// How many files are kept, the one that is written included, at least 2.
    pub files: usize,
}

impl From<&config::AuditSettings> for AuditSettings {
    /// Values that the configuration has checked.
    fn from(audit: &config::AuditSettings) -> Self {
        Self {
            sinks: audit.sinks.value.iter().filter_map(|name| name.parse().ok()).collect(),
            size: audit.size.value,
            files: usize::try_from(audit.files.value).unwrap_or(usize::MAX),
        }
    }
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self { sinks: BTreeSet::from([Sink::File]), size: 8, files: 8 }
    }
}

/// Where entries go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sink {
    /// The hash-chained files, which alone can be read back and verified.
    File,
    /// systemd's journal, with a field for each part of an entry.
    Journald,
    /// The local syslog; on macOS that is the way into the unified log.
    Syslog,
    /// The Windows Event Log.
    EventLog,
}

impl Sink {
    /// Each by its name in settings.
    pub const ALL: [(&'static str, Self); 4] = [
        ("file", Self::File),
        ("journald", Self::Journald),
        ("syslog", Self::Syslog),
        ("event_log", Self::EventLog),
    ];
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, sink)| sink == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

impl FromStr for Sink {
    type Err = UnknownSink;

    fn from_str(text: &str) -> Result<Self, UnknownSink> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        found.map(|(_, sink)| *sink).ok_or_else(|| UnknownSink(text.to_owned()))
    }
}

/// There is no sink of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no sink; there are file, journald, syslog and event_log")]
pub struct UnknownSink(String);

//! A value and where it came from.

use std::fmt;
use std::path::PathBuf;

use entra_proto::config::{self as wire, Origin};

use super::Owner;

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Its origin.
    pub source: Source,
}

impl<T> Setting<T> {
    /// A value nobody set.
    pub fn built_in(value: T) -> Self {
        Self { value, source: Source::BuiltIn }
    }

    /// The same with its value converted.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Setting<U> {
        Setting { value: convert(self.value), source: self.source }
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    BuiltIn,
    /// The managed settings of Claude Desktop: the file, registry key or preference.
    ClaudeDesktop(String),
    /// A flag.
    CommandLine(String),
    /// A variable.
    Environment(String),
    /// A file and line.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Who may write to it.
        owner: Owner,
    },
    /// A managed source: the file and line, registry value or preference.
    Managed(String),
}

impl Source {
    /// Whether only an administrator can have set it for entrad.
    #[must_use]
    pub fn is_administrators(&self) -> bool {
        matches!(self, Self::File { owner: Owner::Administrator, .. } | Self::Managed(_))
    }

    /// Whether nothing can override it.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Managed(_))
    }

    /// The layer it belongs to.
    #[must_use]
    pub fn layer(&self) -> wire::Layer {
        match self {
            Self::BuiltIn => wire::Layer::BuiltIn,
            Self::ClaudeDesktop(_) => wire::Layer::ClaudeDesktop,
            Self::File { owner: Owner::Administrator, .. } => wire::Layer::Machine,
            Self::File { owner: Owner::User, .. } => wire::Layer::User,
            Self::Environment(_) => wire::Layer::Environment,
            Self::CommandLine(_) => wire::Layer::CommandLine,
            Self::Managed(_) => wire::Layer::Managed,
        }
    }

    /// As answers name it.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin { layer: self.layer(), place: self.to_string() }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::ClaudeDesktop(place)
            | Self::CommandLine(place)
            | Self::Environment(place)
            | Self::Managed(place) => f.write_str(place),
            Self::File { path, line, .. } => write!(f, "{}:{line}", path.display()),
        }
    }
}

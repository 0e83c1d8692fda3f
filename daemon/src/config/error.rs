//! Why a layer, or the whole of the settings, cannot be used: what, where, and what to do.

use std::io;
use std::path::PathBuf;

use entra_proto::endpoint;

use super::owner;
use super::source::Source;

/// Why a layer is refused.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// A setting that is not everybody's.
    #[error(
        "{source_}: only an administrator may set `{key}`; remove it there, or have it set in the administrator's file or a managed source."
    )]
    Administrators {
        /// The key.
        key: String,
        /// Where.
        source_: Source,
    },
    /// A table of the default profile, which would be read by nobody.
    #[error(
        "{source_}: the default profile has no table; set `{key}` at the top level, outside of every table."
    )]
    DefaultProfile {
        /// The key within the table.
        key: String,
        /// Where.
        source_: Source,
    },
    /// An administrator's file or folder could have been written by somebody else.
    #[error("{}", owner::refusal(.0))]
    NotAdministrators(PathBuf),
    /// A file of a managed folder lies elsewhere.
    #[error("{0}: a managed file may be no link that leads out of its folder; put the file itself there.")]
    LeadsOut(PathBuf),
    /// A variable that is not text.
    #[error("{0} is not valid UTF-8.")]
    NotText(String),
    /// A profile's name.
    #[error(
        "{source_}: `{key}` is no profile name; use letters, digits, hyphens and underscores, at most 64."
    )]
    ProfileName {
        /// The key.
        key: String,
        /// Where.
        source_: Source,
    },
    /// Not what its form says: TOML, a property list, JSON, a registry.
    #[error("{place}: {reason}.")]
    Syntax {
        /// The file and line, or the registry key.
        place: String,
        /// The parser's reason.
        reason: String,
    },
    /// A value of a wrong type.
    #[error("{source_}: `{key}` is {found}; it should be {expected}.")]
    Type {
        /// The key.
        key: String,
        /// Where.
        source_: Source,
        /// What stands there.
        found: &'static str,
        /// What should.
        expected: &'static str,
    },
    /// A key nobody knows.
    #[error("{source_}: there is no setting `{key}`; did you mean `{nearest}`?")]
    Unknown {
        /// The key.
        key: String,
        /// The valid key most like it.
        nearest: String,
        /// Where.
        source_: Source,
    },
    /// The file cannot be read.
    #[error("{path} cannot be read: {reason}.")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// A value that does not convert.
    #[error("{source_}: `{key}` should be {expected}: {reason}{}", stop(.reason))]
    Value {
        /// The key.
        key: String,
        /// Where.
        source_: Source,
        /// What it should be.
        expected: String,
        /// Why it is not.
        reason: String,
    },
}

impl LayerError {
    /// Where the value stands that is wrong, if it is a value.
    #[must_use]
    pub fn source_of(&self) -> Option<&Source> {
        match self {
            Self::Administrators { source_, .. }
            | Self::DefaultProfile { source_, .. }
            | Self::ProfileName { source_, .. }
            | Self::Type { source_, .. }
            | Self::Unknown { source_, .. }
            | Self::Value { source_, .. } => Some(source_),
            Self::NotAdministrators(_)
            | Self::LeadsOut(_)
            | Self::NotText(_)
            | Self::Syntax { .. }
            | Self::Unreadable { .. } => None,
        }
    }
}

/// What ends the sentence that this reason closes, where it does not end one itself.
fn stop(reason: &str) -> &'static str {
    if reason.ends_with('.') { "" } else { "." }
}

/// Why the configuration cannot be used. Each message says where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A layer is bad.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// No place for the socket.
    #[error(transparent)]
    Endpoint(#[from] endpoint::EndpointError),
    /// There is no home folder.
    #[error("No home folder is known; set HOME.")]
    NoHome,
    /// The system did not say who runs the daemon, which the socket's name needs on Windows.
    #[error("The system does not say who you are ({0}); name a socket by --socket.")]
    NoUser(#[source] io::Error),
}

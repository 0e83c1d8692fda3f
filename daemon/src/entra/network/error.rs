//! Why the way out cannot be set up as the settings have it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::proxy_url::ProxyFault;
use crate::entra::remedies::remedy;

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A setting.
    Setting(&'static str),
    /// What the system says.
    System,
    /// A variable of the environment.
    Variable(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(key) => write!(f, "`{key}`"),
            Self::System => f.write_str("this system's settings"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

/// The settings of the network cannot be followed. Each is one sentence, without a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// A certificate of ours does not parse.
    #[error("Certificate {number} in {} is none: {reason}.", path.display())]
    BadCertificate {
        /// The file.
        path: PathBuf,
        /// Which one in it, from 1.
        number: usize,
        /// Why.
        reason: String,
    },
    /// The key does not parse, or is of a kind that TLS has no use for.
    #[error("The key in {} cannot be used: {reason}.", path.display())]
    BadKey {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A key without its certificate.
    #[error("`client_key` is set, and `client_certificate` is not.")]
    KeyAlone,
    /// The key belongs to another certificate.
    #[error("The key in {} does not belong to the first certificate in {}.", key.display(), certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A file without a certificate.
    #[error("{} holds no certificate.", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A file without a key.
    #[error("{} holds no private key.", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// An encrypted key that nobody gave a passphrase for.
    #[error("The key in {} is encrypted, and its passphrase is not known.", path.display())]
    NoPassphrase {
        /// The key's file.
        path: PathBuf,
    },
    /// An entry of a list that says nothing.
    #[error("`no_proxy` has the entry {entry:?}, which is no domain, address, network or `*`.")]
    NoProxyEntry {
        /// The entry.
        entry: String,
    },
    /// The address of a proxy.
    #[error("{place} names no proxy that entrad can use: {fault}.")]
    Proxy {
        /// Where it stands.
        place: Place,
        /// What is wrong with it.
        fault: ProxyFault,
    },
    /// Files that are on a disk, or on another machine, that does not answer.
    #[error("The files that the settings of the network name were not read in time.")]
    Slow,
    /// A file that cannot be read.
    #[error("{} cannot be read: {reason}.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// It is set or kept, and cannot be had.
    #[error("The passphrase of the client's key cannot be had: {reason}.")]
    PassphraseUnavailable {
        /// Why: the file is not private, or the vault is locked.
        reason: String,
    },
    /// It does not open the key.
    #[error("The passphrase does not open the key in {}.", path.display())]
    WrongPassphrase {
        /// The key's file.
        path: PathBuf,
    },
}

impl NetworkError {
    /// The setting that is to blame, where that can be told without reading a file.
    #[must_use]
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::KeyAlone => Some("client_key"),
            Self::NoProxyEntry { .. } => Some("no_proxy"),
            Self::Proxy { place: Place::Setting(key), .. } => Some(key),
            _ => None,
        }
    }
}

impl NetworkError {
    /// A name that does not change.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::BadCertificate { .. } | Self::NoCertificate { .. } => "client_certificate_unusable",
            Self::BadKey { .. } | Self::NoKey { .. } => "client_key_unusable",
            Self::KeyAlone => "client_key_alone",
            Self::Mismatch { .. } => "client_key_mismatch",
            Self::NoPassphrase { .. } => "client_key_passphrase_missing",
            Self::NoProxyEntry { .. } => "no_proxy_entry",
            Self::Proxy { .. } => "proxy_address",
            Self::Slow => "network_files_slow",
            Self::Unreadable { .. } => "client_certificate_unreadable",
            Self::PassphraseUnavailable { .. } => "client_key_passphrase_unavailable",
            Self::WrongPassphrase { .. } => "client_key_passphrase_wrong",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        remedy(self.name()).unwrap_or_default()
    }
}

/// The system's words without the number behind them and without a full stop, to end a sentence of ours.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().trim_end_matches(['.', '\r', '\n']).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_ends_our_sentence_with_one_full_stop() {
        for text in
            ["File not found.", "File not found.\r\n", "File not found. (os error 2)", "File not found"]
        {
            assert_eq!(plain(&io::Error::other(text)), "file not found");
        }
    }
}

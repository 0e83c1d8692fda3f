//! Where the sealing key lives, and which home a configuration chooses.
//!
//! A [`Home`] is called on a thread of its own that may be given up at any time, so its methods block freely,
//! share nothing, and keep nothing of ours in place should they return too late.

use std::fmt;
use std::io;
use std::str::FromStr;

use super::error::HomeError;
use super::locked_key::LockedKey;
use super::sealed_file::{Header, KeyId, KeySlot};
use super::system_home;

/// A place that keeps the sealing key.
pub(super) trait Home: Send + Sync {
    /// Whether a new key could be kept here, as far as can be told without a person.
    fn check(&self) -> Result<(), HomeError>;

    /// The key that sealed the file.
    fn fetch(&self, header: &Header, access: Access) -> Result<LockedKey, HomeError>;

    /// Makes a key and keeps it; what comes back goes into the file's header.
    fn create(&self, key_id: KeyId, access: Access) -> Result<(LockedKey, KeySlot), HomeError>;

    /// Deletes the key of that file, as far as the home keeps it outside the file. Nobody is asked.
    fn erase(&self, _: &Header) -> Result<(), HomeError> {
        Ok(())
    }

    /// Drops what it remembers to have a key by.
    fn forget(&self) {}
}

/// Whether a person is there who started this and may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A person started it: an unlock dialog or a question on the terminal may appear.
    MayPrompt,
    /// In the background: nothing may appear.
    Silent,
}

/// The homes there are. Besides memory and a passphrase each system has one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HomeKind {
    /// Windows' data protection.
    Dpapi,
    /// macOS' login keychain.
    Keychain,
    /// This process; gone when it ends.
    Memory,
    /// A passphrase, stretched with Argon2id.
    Passphrase,
    /// The desktop's Secret Service: GNOME Keyring, KeePassXC, KWallet.
    SecretService,
}

impl HomeKind {
    /// The home that this system has.
    pub const SYSTEM: Self = system_home::KIND;

    /// The name used in configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dpapi => "dpapi",
            Self::Keychain => "keychain",
            Self::Memory => "memory",
            Self::Passphrase => "passphrase",
            Self::SecretService => "secret-service",
        }
    }

    pub(super) fn code(self) -> u8 {
        match self {
            Self::Dpapi => 4,
            Self::Keychain => 3,
            Self::Memory => 255,
            Self::Passphrase => 2,
            Self::SecretService => 1,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        ALL.into_iter().find(|home| home.code() == code)
    }
}

const ALL: [HomeKind; 5] =
    [HomeKind::Dpapi, HomeKind::Keychain, HomeKind::Memory, HomeKind::Passphrase, HomeKind::SecretService];

impl fmt::Display for HomeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The setting `store`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreChoice {
    /// Wherever an existing file's key is; for a new one the system's own home, else a configured passphrase.
    #[default]
    Auto,
    /// This home and no other.
    Pinned(HomeKind),
}

impl StoreChoice {
    /// The name used in configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Pinned(home) => home.name(),
        }
    }
}

impl fmt::Display for StoreChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for StoreChoice {
    type Err = BadStoreChoice;

    fn from_str(name: &str) -> Result<Self, BadStoreChoice> {
        if name == "auto" {
            return Ok(Self::Auto);
        }
        match ALL.into_iter().find(|home| home.name() == name) {
            Some(home @ (HomeKind::Memory | HomeKind::Passphrase | HomeKind::SYSTEM)) => {
                Ok(Self::Pinned(home))
            }
            None if !["keyutils", "systemd-creds"].contains(&name) => {
                Err(BadStoreChoice::Unknown { name: name.chars().take(40).collect() })
            }
            _ => Err(BadStoreChoice::NotHere { name: name.to_owned() }),
        }
    }
}

/// The setting `store` names no home that can be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadStoreChoice {
    /// A home of another system, or one that this build has not.
    #[error(
        "The store `{name}` is not available in this build on this system; use auto, {}, passphrase or memory.",
        HomeKind::SYSTEM
    )]
    NotHere {
        /// As given.
        name: String,
    },
    /// No home at all.
    #[error("`{name}` is not a store; use auto, {}, passphrase or memory.", HomeKind::SYSTEM)]
    Unknown {
        /// As given, shortened.
        name: String,
    },
}

/// Bytes from the system's generator, for keys, nonces and names.
pub(super) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| io::Error::other("the system gave no random bytes"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_round_trip() {
        for home in ALL {
            assert_eq!(HomeKind::from_code(home.code()), Some(home));
        }
        for home in [HomeKind::Memory, HomeKind::Passphrase, HomeKind::SYSTEM] {
            assert_eq!(home.name().parse(), Ok(StoreChoice::Pinned(home)));
        }
        assert_eq!("auto".parse(), Ok(StoreChoice::Auto));
        assert_eq!(HomeKind::from_code(0), None);
    }

    #[test]
    fn homes_of_other_systems_are_told_from_nonsense() {
        let homes = ["keychain", "dpapi", "secret-service", "systemd-creds", "keyutils"];
        for name in homes.into_iter().filter(|name| *name != HomeKind::SYSTEM.name()) {
            let error = name.parse::<StoreChoice>().unwrap_err();
            assert!(matches!(error, BadStoreChoice::NotHere { .. }), "{name}");
            assert!(error.to_string().contains(&format!("use auto, {}, ", HomeKind::SYSTEM)), "{error}");
        }
        assert!(matches!("plain".parse::<StoreChoice>(), Err(BadStoreChoice::Unknown { .. })));
    }
}

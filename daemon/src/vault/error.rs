//! What can go wrong with the vault, and what a person is told about it.
//!
//! Each variant says what state the file is in by what it is: only [`VaultError::is_mended_by_sign_in`] ones let
//! a sign-in set a file aside, and nothing else ever does.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use entra_proto::error::{ErrorBody, ErrorCode};

use super::home::{HomeKind, StoreChoice};
use super::passphrase::PassphraseError;
use super::sealed_file::{Damage, KeyId};
use crate::account::key::AccountKey;
use crate::files::FileError;

/// Why the vault could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Too many calls wait already.
    #[error("Too many requests wait for the vault.")]
    Busy,
    /// The pinned home is not the file's.
    #[error("The setting `store` is `{pinned}`, but the key of {} is in `{file}`.", path.display())]
    ChoiceDiffers {
        /// As configured.
        pinned: HomeKind,
        /// As the file's header has it.
        file: HomeKind,
        /// The file.
        path: PathBuf,
    },
    /// The file is not what was written.
    #[error("The vault {} is damaged: {cause}.", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: Damage,
    },
    /// The folder or file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The key's home said no.
    #[error("The key of the vault cannot be used ({home}): {source}.")]
    Home {
        /// Which home.
        home: HomeKind,
        /// Why.
        source: HomeError,
    },
    /// The home answers and has no such key. The file is kept.
    #[error("The key {key_id} of the vault {} is not in its home ({home}).", path.display())]
    KeyMissing {
        /// The home that was asked.
        home: HomeKind,
        /// Which key.
        key_id: KeyId,
        /// The file.
        path: PathBuf,
    },
    /// Somebody locked entrad.
    #[error("entrad is locked.")]
    Locked,
    /// Under `auto`, no home can keep a new key.
    #[error("No safe home for the vault's key can be used: {system}, and no passphrase is configured.")]
    NoHome {
        /// What is wrong with the system's own home.
        system: HomeError,
    },
    /// No such record.
    #[error("The vault has no sign-in of account {} under profile `{}`.", .0.account, .0.profile)]
    NotFound(AccountKey),
    /// The pinned home was not set up.
    #[error("The setting `store` or the vault {} asks for a passphrase, and none is configured.", path.display())]
    PassphraseNotConfigured {
        /// The file.
        path: PathBuf,
    },
    /// The file is sealed by a passphrase, and whoever unlocks gave none.
    #[error("It takes the passphrase of the vault to unlock.")]
    PassphraseNeeded,
    /// A person is being asked for another request; this one asks nobody.
    #[error("The vault is locked, and its unlock dialog is open.")]
    Prompting,
    /// Entra called this token dead; it is kept for a day and not used.
    #[error("The sign-in of account {} under profile `{}` is over.", .0.account, .0.profile)]
    Quarantined(AccountKey),
    /// The vault's own thread could not be started or has ended.
    #[error("The vault's thread does not run.")]
    ThreadGone,
    /// The call took longer than it may.
    #[error("The vault did not answer within {} s.", after.as_secs_f32().ceil())]
    TimedOut {
        /// How long it had.
        after: Duration,
    },
    /// The records are more than a file may hold.
    #[error("The vault would grow to {bytes} bytes, more than a vault may have.")]
    TooLarge {
        /// How large it would be.
        bytes: usize,
    },
    /// The file is of a later version or a home this build does not know. It is kept.
    #[error("The vault {} was written by another entrad: {}.", path.display(), cause)]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is new about it.
        cause: super::sealed_file::FormatError,
    },
}

/// What opens a lock, in a sentence.
pub const UNLOCK: &str = "Run `entra unlock`.";

/// Why a home of the key could not do what it was asked. The texts are parts of a sentence.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Nobody provides the Secret Service and the bus can start nobody.
    #[error("no program provides the Secret Service in this session")]
    Absent,
    /// What the home keeps under the key's name is no key.
    #[error("what is stored under the key's name is not a key")]
    BadKey,
    /// The provider went away in the middle, twice.
    #[error("the Secret Service's provider ended in the middle of the call")]
    Broken,
    /// The person closed the unlock dialog, or none could be shown.
    #[error("the unlock dialog was dismissed or could not be shown")]
    Cancelled,
    /// The system's own store refused with this error.
    #[error("the system refused with {name}")]
    Denied {
        /// The error's name or number.
        name: String,
    },
    /// The provider's answer makes no sense.
    #[error("the provider's answer could not be read")]
    Garbled,
    /// No answer in time.
    #[error("it did not answer within {} s", after.as_secs_f32().ceil())]
    Hung {
        /// How long it had.
        after: Duration,
    },
    /// The keyring is locked, and this call may not ask for its password.
    #[error("the keyring is locked")]
    Locked,
    /// There is no session bus.
    #[error("there is no D-Bus session bus")]
    NoBus,
    /// The Secret Service has no lasting default collection to put a key into.
    #[error("the keyring has no default collection yet")]
    NoCollection,
    /// The home answers and has no such key.
    #[error("it has no such key")]
    NoKey,
    /// The home is another system's.
    #[error("this system has no such home")]
    OtherSystem,
    /// The passphrase could not be had, or is wrong.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// The provider refused with this D-Bus error.
    #[error("the provider refused with {name}")]
    Refused {
        /// The error's name.
        name: String,
    },
    /// Earlier calls have not returned yet.
    #[error("{stuck} earlier calls to it still hang")]
    Stuck {
        /// How many.
        stuck: usize,
    },
    /// Memory, a thread or randomness could not be had.
    #[error("the system refused memory, a thread or random bytes")]
    System(#[from] io::Error),
}

impl VaultError {
    /// Whether an explicit sign-in may set the file aside and begin a new one.
    #[must_use]
    pub fn is_mended_by_sign_in(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::KeyMissing { .. })
    }

    /// Whether a passphrase was given and is not the vault's.
    #[must_use]
    pub fn is_wrong_passphrase(&self) -> bool {
        matches!(self, Self::Home { source: HomeError::Passphrase(PassphraseError::Wrong), .. })
    }

    /// Whether the vault itself is well, and only the record asked for is not.
    pub(super) fn is_about_one_record(&self) -> bool {
        matches!(self, Self::NotFound(_) | Self::Quarantined(_))
    }

    /// The error as callers get it.
    #[must_use]
    pub fn to_error_body(&self) -> ErrorBody {
        let body = ErrorBody::new(self.code(), self.to_string());
        match self.hint() {
            Some(hint) => body.with_hint(hint),
            None => body,
        }
    }

    fn code(&self) -> ErrorCode {
        match self {
            Self::Busy | Self::TimedOut { .. } => ErrorCode::TimedOut,
            Self::Damaged { .. } => ErrorCode::StoreDamaged,
            Self::Home { source, .. } => source.code(),
            Self::Locked | Self::PassphraseNeeded => ErrorCode::Locked,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::Prompting => ErrorCode::StoreLocked,
            Self::Quarantined(_) => ErrorCode::SignInNeeded,
            Self::ThreadGone => ErrorCode::Internal,
            Self::ChoiceDiffers { .. }
            | Self::File(_)
            | Self::KeyMissing { .. }
            | Self::NoHome { .. }
            | Self::PassphraseNotConfigured { .. }
            | Self::TooLarge { .. }
            | Self::Unreadable { .. } => ErrorCode::StoreUnavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Busy | Self::TimedOut { .. } => "Try again; an unlock dialog may be waiting for an answer.",
            Self::ChoiceDiffers { file, .. } => {
                return Some(format!(
                    "Set `store = \"{}\"` or `\"{file}\"` in config.toml, or move the file away and sign in again.",
                    StoreChoice::Auto
                ));
            }
            Self::Damaged { .. } => {
                "Restore the file from a backup, or run `entra login`: it begins a new vault and keeps this file as vault.sealed.damaged-<time>."
            }
            Self::File(error) => error.hint(),
            Self::Home { source, .. } | Self::NoHome { system: source } => source.hint(),
            Self::KeyMissing { home: HomeKind::Dpapi, key_id, .. } => {
                return Some(format!(
                    "Use the file as the user and on the computer that made it, or run `entra login`: it begins a new vault and keeps this file as vault.sealed.keyless-{key_id}."
                ));
            }
            Self::KeyMissing { key_id, .. } => {
                return Some(format!(
                    "Bring back the keyring that held it, or run `entra login`: it begins a new vault and keeps this file as vault.sealed.keyless-{key_id}."
                ));
            }
            Self::Locked | Self::PassphraseNeeded => UNLOCK,
            Self::NotFound(_) | Self::Quarantined(_) => "Run `entra login`.",
            Self::PassphraseNotConfigured { .. } => PASSPHRASE_WAY,
            Self::Prompting => "Answer the dialog, then try again.",
            Self::ThreadGone => "Restart entrad.",
            Self::TooLarge { .. } => "Sign out of accounts that are no longer used: `entra logout`.",
            Self::Unreadable { .. } => "Install the newer entrad again. The file was not changed.",
        };
        Some(hint.to_owned())
    }
}

impl HomeError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Cancelled | Self::Locked | Self::Passphrase(PassphraseError::NeedsPerson) => {
                ErrorCode::StoreLocked
            }
            Self::Hung { .. } | Self::Stuck { .. } => ErrorCode::TimedOut,
            Self::Absent
            | Self::BadKey
            | Self::Broken
            | Self::Denied { .. }
            | Self::Garbled
            | Self::NoBus
            | Self::NoCollection
            | Self::NoKey
            | Self::OtherSystem
            | Self::Passphrase(_)
            | Self::Refused { .. }
            | Self::System(_) => ErrorCode::StoreUnavailable,
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Absent | Self::NoBus => {
                "Start a keyring (GNOME Keyring, KeePassXC or KWallet), or set `store = \"passphrase\"` and `passphrase_file` in config.toml."
            }
            Self::BadKey => {
                "Remove the damaged item `entrad` from the keyring; then `entra login` begins a new vault."
            }
            Self::Broken => "Try again in a moment.",
            Self::Cancelled | Self::Locked => "Unlock the keyring: run `entra login` and answer its dialog.",
            Self::Hung { .. } | Self::Stuck { .. } => {
                "See whether the keyring's program still answers, and restart it; entrad will find it again."
            }
            Self::Denied { .. } => {
                "See whether you are signed in to this computer as the user who made the vault, then try again. If that is over for good, move the file away and run `entra login`."
            }
            Self::NoCollection => {
                "Create a default keyring with your desktop's password tool, or set `store = \"passphrase\"` and `passphrase_file` in config.toml."
            }
            Self::NoKey => "Run `entra login`.",
            Self::OtherSystem => {
                "Use the file on the system that made it, or move it away and run `entra login`."
            }
            Self::Passphrase(error) => error.hint(),
            Self::Garbled | Self::Refused { .. } => "Look into the keyring program's log.",
            Self::System(_) => "Free some memory and try again.",
        }
    }
}

/// The way out for a machine without a keyring.
const PASSPHRASE_WAY: &str = "Set `passphrase_file` in config.toml to a file that only you can read.";

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies() -> Vec<ErrorBody> {
        let path = PathBuf::from("/state/vault.sealed");
        let key = AccountKey { profile: "default".to_owned(), account: "a.t".parse().unwrap() };
        let home = |source| VaultError::Home { home: HomeKind::SecretService, source };
        let after = Duration::from_secs(5);
        [
            VaultError::Busy,
            VaultError::Damaged { path: path.clone(), cause: Damage::NotAuthentic },
            home(HomeError::Absent),
            home(HomeError::Cancelled),
            home(HomeError::Hung { after }),
            home(HomeError::Locked),
            home(HomeError::Passphrase(PassphraseError::Wrong)),
            home(HomeError::Stuck { stuck: 3 }),
            VaultError::KeyMissing {
                home: HomeKind::SecretService,
                key_id: KeyId([1; 16]),
                path: path.clone(),
            },
            VaultError::NoHome { system: HomeError::NoBus },
            VaultError::NotFound(key.clone()),
            VaultError::PassphraseNotConfigured { path },
            VaultError::Quarantined(key),
            VaultError::Prompting,
            VaultError::ThreadGone,
            VaultError::TimedOut { after },
            home(HomeError::Denied { name: "OSStatus -1".to_owned() }),
            home(HomeError::OtherSystem),
        ]
        .iter()
        .map(VaultError::to_error_body)
        .collect()
    }

    #[test]
    fn every_message_and_hint_is_a_sentence() {
        for body in bodies() {
            let hint = body.hint.clone().unwrap();
            for text in [&body.message, &hint] {
                assert!(text.starts_with(char::is_uppercase) && text.ends_with('.'), "{text}");
            }
        }
    }

    #[test]
    fn no_way_to_lose_a_key_is_called_signed_out() {
        let missing = &bodies()[8];
        assert_eq!(missing.code, ErrorCode::StoreUnavailable);
        assert!(missing.hint.as_ref().unwrap().contains("keyless-0101"));
    }

    #[test]
    fn codes_tell_waiting_from_configuring() {
        let codes: Vec<_> = bodies().into_iter().map(|body| body.code.name().to_owned()).collect();
        let expected = "timed_out store_damaged store_unavailable store_locked timed_out store_locked \
            store_unavailable timed_out store_unavailable store_unavailable not_found store_unavailable \
            sign_in_needed store_locked internal timed_out store_unavailable store_unavailable";
        assert_eq!(codes.join(" "), expected);
    }
}

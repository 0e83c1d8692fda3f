//! `POST /v1/lock`, `/v1/unlock` and `/v1/panic`: stop serving, serve again, drop everything.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::secret::Passphrase;

/// How the daemon is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockStatus {
    /// How far it is.
    pub state: LockState,
    /// Since when, in seconds since 1970.
    pub since: u64,
    /// What locked it.
    pub by: LockCause,
    /// What opens it.
    pub opened_by: Opener,
}

/// How far a lock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockState {
    /// Requests that were under way may end, for a few seconds; none begins.
    Closing,
    /// Nothing is served, and neither a token nor the sealing key is in memory.
    Locked,
}

/// What locked the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockCause {
    /// Somebody asked for it.
    Hand,
    /// The screen was locked.
    ScreenLock,
    /// The machine went to sleep.
    Suspend,
    /// Everything was dropped.
    Panic,
    /// It was locked by an earlier daemon, and nobody can read why.
    Unknown,
}

impl fmt::Display for LockCause {
    /// The end of a sentence that begins with "It was locked".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hand => "by hand",
            Self::ScreenLock => "with the screen",
            Self::Suspend => "when the machine went to sleep",
            Self::Panic => "by `entra panic`, which dropped everything",
            Self::Unknown => "by an earlier entrad, whose note cannot be read",
        })
    }
}

/// What it takes to unlock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opener {
    /// The store hands the key out, as a keyring does.
    Store,
    /// The passphrase, which whoever unlocks must give.
    Passphrase,
}

/// The answer to `POST /v1/lock`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockAnswer {
    /// How it is locked now.
    pub lock: LockStatus,
    /// What a person should know, each a full sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// `POST /v1/unlock`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnlockRequest {
    /// The passphrase, where the lock is opened by it: 1 to 1024 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Passphrase>,
}

/// The answer to that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlockAnswer {
    /// Whether it was locked before.
    pub was_locked: bool,
    /// What a person should know, each a full sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// `POST /v1/panic`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanicRequest {
    /// Whether Entra is to revoke the sessions of every account besides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoke_sessions: bool,
}

/// The answer to that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanicAnswer {
    /// How it is locked now.
    pub lock: LockStatus,
    /// Files that were erased, by name.
    pub erased: Vec<String>,
    /// The accounts that were signed in, as far as they were known.
    pub accounts: Vec<PanickedAccount>,
    /// What a person should know, each a full sentence: what could not be erased.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// An account that everything was dropped of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanickedAccount {
    /// Its user name.
    pub username: String,
    /// Its profile.
    pub profile: String,
    /// Until when an access token of it that was handed out may live, in seconds since 1970; nothing where none was in
    /// memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_end_on: Option<u64>,
    /// Whether Entra revoked its sessions, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
}

/// What became of an account's sessions at Entra.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Revocation {
    /// Entra revoked them. It may take a few minutes until every service knows.
    Revoked,
    /// They stand.
    Failed {
        /// Why, and what to do, in full sentences.
        reason: String,
    },
}

//! Who is signed in: `GET /v1/accounts` and the account's identity.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;
use crate::error::ErrorBody;
use crate::limits::MAX_NAME;

/// An account's lasting identity: `uid.utid`, its object id and tenant in its home directory.
///
/// The e-mail-like user name can change hands; this cannot (Microsoft: `client_info`, `home_account_id`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

impl AccountId {
    /// The text `uid.utid`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccountId {
    type Err = BadAccountId;

    fn from_str(text: &str) -> Result<Self, BadAccountId> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if text.is_empty() || text.len() > MAX_NAME || !text.bytes().all(is_plain) {
            return Err(BadAccountId);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl TryFrom<String> for AccountId {
    type Error = BadAccountId;

    fn try_from(text: String) -> Result<Self, BadAccountId> {
        text.parse()
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        id.0
    }
}

/// The text is no account id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("An account id is `uid.utid`: letters, digits, dots and hyphens.")]
pub struct BadAccountId;

/// `GET /v1/accounts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountsAnswer {
    /// Every account the daemon holds, by profile and user name.
    pub accounts: Vec<AccountInfo>,
}

/// One signed-in account under one profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountInfo {
    /// Its identity.
    pub id: AccountId,
    /// Its user name, for people; it can change.
    pub username: String,
    /// The display name, where Entra gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The profile it signed in under.
    pub profile: String,
    /// The cloud it belongs to.
    pub cloud: Cloud,
    /// The tenant the profile signs in to.
    pub tenant: String,
    /// The app registration it signed in with.
    pub client_id: String,
    /// How and when its refresh token came to be.
    pub provenance: Provenance,
    /// Whether it can serve tokens.
    pub health: Health,
}

/// Which flow rooted a refresh token, and when. Later refreshes keep it: Entra keeps the mark as well
/// (Microsoft: Conditional Access, authentication flows, protocol tracking).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The flow.
    pub flow: Flow,
    /// When the person signed in, seconds since 1970.
    pub signed_in_on: u64,
}

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Authorization code with PKCE in the system browser (RFC 8252).
    Browser,
    /// Device authorization grant (RFC 8628).
    DeviceCode,
}

impl Flow {
    /// The flow in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::DeviceCode => "device code",
        }
    }
}

/// Whether an account can serve tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Health {
    /// It can.
    Good,
    /// A person must sign in again; the reason is Entra's last word.
    SignInNeeded {
        /// Why.
        error: Box<ErrorBody>,
        /// Since when, seconds since 1970.
        since: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked_and_lower_case() {
        assert_eq!("AAAA-1.bbbb-2".parse::<AccountId>().unwrap().as_str(), "aaaa-1.bbbb-2");
        for bad in ["", "a b", "a/b", "ada@example.com", &"x".repeat(MAX_NAME + 1)] {
            assert_eq!(bad.parse::<AccountId>(), Err(BadAccountId), "{bad}");
        }
    }
}

//! `POST /v1/token`: the question every tool asks.

use serde::{Deserialize, Serialize};

use crate::account::AccountId;
use crate::secret::{AccessToken, LeaseSecret};

/// What a caller asks for. Exactly one of `scopes` and `resource` is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// Scopes of one resource, as Entra's v2.0 endpoint takes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// A v1 resource, to which `/.default` is appended with every slash kept, or a short name of
    /// [`crate::resource`] such as `foundry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The account to use: its id (`uid.utid`) or its user name. Needed when several are signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The profile to use; the account signed in under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Another tenant in which the account is known, instead of the profile's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// A claims challenge from a resource: JSON, or base64 of it as it stands in `WWW-Authenticate`.
    /// The cached token is passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<String>,
    /// Seconds to wait for a person where one must sign in, at most [`crate::limits::MAX_WAIT`]; refused at once when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u16>,
    /// The caller handles claims challenges, so the token may be a long-lived one that the resource can
    /// revoke (continuous access evaluation, `xms_cc` = `cp1`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cae: bool,
    /// Least remaining life in seconds; [`crate::limits::MIN_VALIDITY`] when absent, at most
    /// [`crate::limits::MAX_MIN_VALIDITY`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_validity: Option<u64>,
    /// Pass over the cached token, for a caller whose token was refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force_refresh: bool,
    /// The secret of a lease, which narrows what may be asked for: its account and profile stand for those that are
    /// not given, others are refused, and so is a resource that it is not for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseSecret>,
}

/// A token and what a caller needs to know about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenAnswer {
    /// The token, opaque.
    pub access_token: AccessToken,
    /// `Bearer` (RFC 6750).
    pub token_type: String,
    /// When it expires: seconds since 1970, by this machine's clock.
    pub expires_on: u64,
    /// The scopes it was granted for.
    pub scopes: Vec<String>,
    /// The account it speaks for.
    pub account: AccountId,
    /// The tenant it was asked from.
    pub tenant: String,
    /// Where it came from.
    pub source: Source,
    /// When the daemon means to have a newer one, in seconds since 1970; a caller that asks again then
    /// need not wait.
    pub refresh_due_on: u64,
}

/// Where an answered token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The daemon's memory.
    Cache,
    /// A request to Entra that this answer waited for.
    Refresh,
}

//! `GET /v1/status`: what the daemon holds, what it will do next, and what went wrong last.

use serde::{Deserialize, Serialize};

use crate::account::AccountInfo;
use crate::error::ErrorBody;
use crate::lock::LockStatus;

/// `GET /v1/status`. Instants are seconds since 1970 by this machine's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusAnswer {
    /// The daemon's version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// The socket it serves.
    pub socket: String,
    /// When it started.
    pub started_on: u64,
    /// The home of the key and whether it can be used.
    pub store: StoreStatus,
    /// Each account with its tokens.
    pub accounts: Vec<AccountStatus>,
    /// Sign-ins waiting for a person.
    pub open_sign_ins: u32,
    /// The loopback port for tools, where it was wanted since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loopback: Option<LoopbackStatus>,
    /// Seconds by which Entra's clock is ahead of ours, measured on its last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_skew: Option<i64>,
    /// How it is locked; it serves when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockStatus>,
    /// Things a person should know, each a full sentence with what to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What was counted since the start; nothing from a daemon that does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricsStatus>,
}

/// What was counted since the start, in short; `GET /v1/metrics` has all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsStatus {
    /// Requests for a token, whatever became of them.
    pub requests: u64,
    /// Those answered from memory.
    pub from_cache: u64,
    /// Those answered by a request to Entra that they waited for.
    pub by_refresh: u64,
    /// Those refused.
    pub refused: u64,
    /// Refreshes that brought a token.
    pub refreshed: u64,
    /// Refreshes that did not.
    pub refreshes_failed: u64,
    /// How often a person was asked.
    pub prompts: u64,
    /// Sign-ins that were begun.
    pub sign_ins: u64,
}

impl MetricsStatus {
    /// The share of tokens that came from memory, in percent, rounded down; nothing before the first token.
    #[must_use]
    pub fn cache_percent(&self) -> Option<u64> {
        let answered = self.from_cache.checked_add(self.by_refresh).filter(|answered| *answered > 0)?;
        Some(self.from_cache.saturating_mul(100) / answered)
    }
}

/// The loopback port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopbackStatus {
    /// Its number, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Why it is not open, with what to do; it is when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// The home of the sealing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// `secret-service`, `passphrase`, `memory` …
    pub home: String,
    /// Whether refresh tokens can be read and written.
    pub is_open: bool,
    /// When it cannot: why, and the ways out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<ErrorBody>>,
}

/// An account and its tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStatus {
    /// Who.
    pub account: AccountInfo,
    /// When the refresh token was last used with success, where it was since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshed_on: Option<u64>,
    /// When the refresh token dies unless it is used (90 days without use).
    pub refresh_token_dies_on: u64,
    /// When it will be used for its own sake, so that it does not die, unless somebody's request uses it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exercise_due_on: Option<u64>,
    /// When a person will be needed next, where that was learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expectation: Option<Expectation>,
    /// What a person was asked for before, each cause once, the most recent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past_demands: Vec<PastDemand>,
    /// The tokens it holds or lately asked for.
    pub tokens: Vec<TokenStatus>,
}

/// When Entra is likely to ask for a person again, from when it did before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// When, in seconds since 1970.
    pub on: u64,
    /// The error that is expected then (`AADSTS…`), such as 70043 for a sign-in that is too old.
    pub aadsts: u32,
    /// Why, in a sentence for people.
    pub reason: String,
    /// How often it was seen.
    pub seen: u32,
}

/// Why Entra asked for a person before, and how often that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastDemand {
    /// The error that it came with (`AADSTS…`), such as 50173 for a revoked sign-in.
    pub aadsts: u32,
    /// Why, in a sentence for people.
    pub reason: String,
    /// How often it was seen lately; only the last few are kept.
    pub seen: u32,
    /// When it was seen last, in seconds since 1970.
    pub last_on: u64,
}

/// One slot of the token cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenStatus {
    /// The scopes.
    pub scopes: Vec<String>,
    /// The tenant.
    pub tenant: String,
    /// Whether it is the slot for callers that handle claims challenges.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cae: bool,
    /// When the held token expires, if one is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<u64>,
    /// When the next refresh is due, if one is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_due_on: Option<u64>,
    /// Why then, or why none is planned.
    pub refresh_reason: String,
    /// Whether a request to Entra is under way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_refreshing: bool,
    /// No request is sent before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_until: Option<u64>,
    /// When the last request to Entra for it ended, well unless there is a `last_error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_outcome_on: Option<u64>,
    /// How it ended, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<Box<ErrorBody>>,
}

//! What a test may see of the service's memory, and why a wish of a test was not met.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::clock::unix;
use crate::state::{DeviceCode, Verdict};

/// A device code as a test may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CodeView {
    /// What the person types.
    pub user_code: String,
    /// The client that asked.
    pub client_id: String,
    /// What it asked for.
    pub scope: String,
    /// Where it stands.
    pub status: CodeStatus,
    /// Who approved it.
    pub username: Option<String>,
    /// Unix time of its end.
    pub expires_at: u64,
}

/// Where a device code stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeStatus {
    /// Approved, and not yet redeemed.
    Approved,
    /// Declined.
    Declined,
    /// Too old.
    Expired,
    /// Nobody has decided yet.
    Pending,
    /// Tokens were issued for it.
    Redeemed,
}

impl DeviceCode {
    pub(crate) fn view(&self, now: SystemTime) -> CodeView {
        let (status, username) = match &self.verdict {
            Verdict::Redeemed { username } => (CodeStatus::Redeemed, Some(username)),
            _ if now >= self.expires_at => (CodeStatus::Expired, None),
            Verdict::Approved { username } => (CodeStatus::Approved, Some(username)),
            Verdict::Declined => (CodeStatus::Declined, None),
            Verdict::Pending => (CodeStatus::Pending, None),
        };
        CodeView {
            user_code: self.user_code.clone(),
            client_id: self.client_id.clone(),
            scope: self.scopes.text.clone(),
            status,
            username: username.cloned(),
            expires_at: unix(self.expires_at),
        }
    }
}

/// Counts and the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateView {
    /// Simulated Unix time.
    pub now: u64,
    /// How far the simulated time is ahead, in seconds.
    pub clock_offset_seconds: u64,
    /// Requests since the start, those on `/_sim/` not counted.
    pub requests: u64,
    /// Access tokens issued.
    pub access_tokens_issued: u64,
    /// Refresh tokens never used.
    pub live_refresh_tokens: usize,
    /// Refresh tokens that were used and replaced.
    pub superseded_refresh_tokens: usize,
    /// Refresh tokens that were revoked.
    pub revoked_refresh_tokens: usize,
    /// Faults that still wait.
    pub waiting_faults: usize,
}

/// Why the simulator did not do what a test wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The code was approved, declined or redeemed before.
    #[error("This device code was decided before.")]
    CodeDecided,
    /// The code is too old.
    #[error("This device code has expired.")]
    CodeExpired,
    /// Not an authorization URL.
    #[error("This is not a URL.")]
    NotAUrl,
    /// The service itself refuses.
    #[error("The service refuses: AADSTS{code}: {text}")]
    Refused {
        /// The AADSTS number.
        code: u32,
        /// Its words.
        text: String,
    },
    /// The event did not come.
    #[error("Waited {within:?} for {what}, and none came.")]
    TimedOut {
        /// What was waited for.
        what: &'static str,
        /// The limit, `Options::wait_limit`.
        within: Duration,
    },
    /// No such code was given out.
    #[error("No device code was given out with the user code '{user_code}'.")]
    UnknownCode {
        /// What was typed.
        user_code: String,
    },
    /// Nobody has this name.
    #[error("There is no user '{username}'.")]
    UnknownUser {
        /// The name.
        username: String,
    },
}

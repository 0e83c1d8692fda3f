//! What a request to Entra came to, as data the machine can eat.
//!
//! Outcomes are not errors: each variant's comment says what is done with it.

use std::time::Duration;

use entra_proto::account::AccountId;
use entra_proto::error::ErrorBody;
use entra_proto::secret::AccessToken;

use super::refresh_token::RefreshToken;

/// How a token request ended.
#[derive(Debug)]
pub enum Outcome {
    /// Only an administrator can mend it. The refresh token stays; the key is not tried again for a while.
    AskAdmin(Fault),
    /// The refresh token will never work again. It is quarantined and the account needs a sign-in.
    Dead(Fault),
    /// The app registration, scope or tenant is wrong. The refresh token stays.
    Misconfigured(Fault),
    /// A new access token, and usually a new refresh token.
    Refreshed(Box<Grant>),
    /// An outage, a throttle or no network. Nothing is dropped; asked again after `after`, or by our own
    /// back-off when Entra named no time.
    RetryAfter {
        /// What happened.
        fault: Fault,
        /// `Retry-After`, at most an hour.
        after: Option<Duration>,
        /// What is held back until then.
        reach: Reach,
    },
    /// A person is needed for this key. The refresh token stays, since it may be good for other resources.
    SignInNeeded(Fault),
}

/// What a back-off holds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every request of the client id to the authority: Entra said 429.
    Client,
    /// The one key that failed.
    Key,
    /// The one key that failed and, of what is done ahead of need, every other key of the client as well: no
    /// answer came, or one that is not Entra's, or the vault is closed. One key at a time tries whether it is over.
    Outage,
}

/// What Entra granted.
#[derive(Debug)]
pub struct Grant {
    /// The access token.
    pub access_token: AccessToken,
    /// The new refresh token; `None` means that the old one stays.
    pub refresh_token: Option<RefreshToken>,
    /// Life of the access token from receipt.
    pub expires_in: Duration,
    /// When Entra would like a proactive refresh; only where it lies between zero and `expires_in`.
    pub refresh_in: Option<Duration>,
    /// The granted scopes; the requested ones where the answer names none (RFC 6749 §5.1). OpenID scopes
    /// are left out.
    pub scopes: Vec<String>,
    /// Who it is, where the answer says so.
    pub identity: Option<Identity>,
    /// By what the grant is found again in Entra's logs.
    pub trace: Trace,
}

/// By what a token is found again in Entra's logs; no part of it is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The access token's own id (`uti`), where it can be read.
    pub uti: Option<String>,
    /// The id of the request that brought it (`client-request-id`).
    pub correlation_id: Option<String>,
}

/// Who signed in, from `client_info` and the id token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `uid.utid` of `client_info`, or the id token's `sub` where there is none.
    pub id: AccountId,
    /// `preferred_username`, else `upn`, else `unique_name`, else the id. For people.
    pub username: String,
    /// Display name.
    pub name: Option<String>,
    /// The tenant that issued the token (`tid`).
    pub tenant: Option<String>,
}

/// Why a request failed: Entra's error answer, or what stood in for one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// OAuth's `error`, or our own word where no error body came: `network`, `not_json`, `http_503`.
    pub error: String,
    /// `error_description`, or our own sentence: plain text, no control characters, bounded.
    pub description: String,
    /// `error_codes`: the AADSTS numbers, first the most specific.
    pub codes: Vec<u32>,
    /// `suberror`.
    pub suberror: Option<String>,
    /// `claims`: the challenge to carry into the sign-in that follows.
    pub claims: Option<String>,
    /// `correlation_id`, else the one we sent.
    pub correlation_id: Option<String>,
    /// `trace_id`.
    pub trace_id: Option<String>,
    /// `timestamp`, as Entra writes it.
    pub timestamp: Option<String>,
    /// The HTTP status, where an answer came.
    pub status: Option<u16>,
    /// Where no good answer came: the request may have got as far as Entra. Asking again soon costs Entra
    /// something then, and costs nobody anything otherwise.
    pub may_have_arrived: bool,
    /// Our own error, where Entra was not even asked: the vault was closed, or the authority is not allowed.
    pub own: Option<Box<ErrorBody>>,
}

/// Our own word for [`Fault::error`] where a proxy wants a user name and password.
pub const PROXY_AUTHENTICATION: &str = "proxy_authentication";

impl Outcome {
    /// Parts what was granted from what failed.
    ///
    /// # Errors
    /// The failure, for every variant but [`Outcome::Refreshed`].
    pub fn into_result(self) -> Result<Box<Grant>, Failure> {
        let (kind, fault) = match self {
            Self::Refreshed(grant) => return Ok(grant),
            Self::AskAdmin(fault) => (FailureKind::AskAdmin, fault),
            Self::Dead(fault) => (FailureKind::Dead, fault),
            Self::Misconfigured(fault) => (FailureKind::Misconfigured, fault),
            Self::RetryAfter { fault, after, reach } => (FailureKind::RetryAfter { after, reach }, fault),
            Self::SignInNeeded(fault) => (FailureKind::SignInNeeded, fault),
        };
        Err(Failure { kind, fault })
    }
}

/// An [`Outcome`] that brought no token; it can be kept and told to many callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which outcome.
    pub kind: FailureKind,
    /// Why.
    pub fault: Fault,
}

impl Failure {
    /// A failure of our own, before Entra was asked: tried again like an outage.
    #[must_use]
    pub fn own(error: ErrorBody) -> Self {
        let after = error.retry_after.map(Duration::from_secs);
        let fault = Fault { error: "entrad".to_owned(), own: Some(Box::new(error)), ..Fault::default() };
        Self { kind: FailureKind::RetryAfter { after, reach: Reach::Key }, fault }
    }

    /// A failure of our own that time does not mend: not tried again by itself.
    #[must_use]
    pub fn own_lasting(kind: FailureKind, error: ErrorBody) -> Self {
        Self { kind, ..Self::own(error) }
    }

    /// A failure of our own that every other key would meet as well, as a vault that is closed.
    #[must_use]
    pub fn own_outage(error: ErrorBody) -> Self {
        let after = error.retry_after.map(Duration::from_secs);
        Self { kind: FailureKind::RetryAfter { after, reach: Reach::Outage }, ..Self::own(error) }
    }
}

/// The outcomes that bring no token; see [`Outcome`] for what is done with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// [`Outcome::AskAdmin`].
    AskAdmin,
    /// [`Outcome::Dead`].
    Dead,
    /// [`Outcome::Misconfigured`].
    Misconfigured,
    /// [`Outcome::RetryAfter`].
    RetryAfter {
        /// What Entra asked for.
        after: Option<Duration>,
        /// What is held back.
        reach: Reach,
    },
    /// [`Outcome::SignInNeeded`].
    SignInNeeded,
}

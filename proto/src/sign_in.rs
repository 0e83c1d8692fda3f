//! `POST /v1/sign-ins` and the stream of what happens to one.
//!
//! A sign-in is the only thing in the protocol that waits for a person. It is started by an explicit act,
//! lives under an unguessable id, and tells its story as JSON lines: `code` or `authorization`, `waiting` …, perhaps `switched` and
//! another beginning, then exactly one of `signed_in` and `failed`.

use serde::{Deserialize, Serialize};

use crate::account::{AccountInfo, Flow};
use crate::cloud::Cloud;
use crate::error::ErrorBody;
use crate::secret::{AuthorizationUrl, UserCode};

/// What to sign in to. Everything is optional: the profile's configuration, then the account already signed
/// in under it, then the built-in defaults fill the gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// The profile; `default` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The cloud, one of the built-in ones: a caller never chooses a sign-in host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<Cloud>,
    /// The tenant: an id, a domain, or `organizations`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The app registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The scopes to ask consent for; Microsoft Graph's `.default` when absent, which asks consent for every
    /// permission that the app registration lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// The account expected to sign in: its id or user name. Another one is refused and its tokens dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The flow to take, and no other; without it the daemon begins with one that is allowed and fits, and climbs to the next
    /// where Entra refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Flow>,
    /// Whether the caller can open a page in a browser on this machine, so that a sign-in may climb to one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_browser: bool,
    /// The claims challenge to carry: JSON or base64 of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<String>,
    /// A challenge that an error answer left with the daemon (`claims_handle`), instead of `claims`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims_handle: Option<String>,
}

/// The answer to `POST /v1/sign-ins`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInStarted {
    /// The id for `GET /v1/sign-ins/{id}/events` and `DELETE /v1/sign-ins/{id}`.
    pub id: String,
}

/// One line of the event stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum SignInEvent {
    /// The page to sign in on, in a browser on this machine.
    Authorization(Box<AuthorizationShown>),
    /// The code to enter and where.
    Code(Box<CodeShown>),
    /// It did not work; the stream ends.
    Failed {
        /// What went wrong and which command mends it.
        error: Box<ErrorBody>,
    },
    /// The person is signed in; the stream ends.
    SignedIn {
        /// Who.
        account: Box<AccountInfo>,
    },
    /// Entra refused one flow, and another begins: what was shown before is void.
    Switched {
        /// The flow that was refused.
        from: Flow,
        /// The flow that begins.
        to: Flow,
        /// Why.
        error: Box<ErrorBody>,
    },
    /// Nothing yet. Sent after each poll that found nothing, and at least every
    /// [`crate::limits::EVENT_INTERVAL`].
    Waiting {
        /// When the code expires, seconds since 1970; absent while there is none yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_on: Option<u64>,
        /// Why the wait is longer than usual, where it is: Entra asked to slow down, or cannot be reached.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notice: Option<String>,
    },
}

/// Everything a person should see before typing a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeShown {
    /// The code to type.
    pub user_code: UserCode,
    /// The page to type it on, as Entra named it.
    pub verification_uri: String,
    /// Whether the page is one of Microsoft's for this cloud. One that is not is shown with a warning and
    /// never opened.
    pub is_trusted_uri: bool,
    /// When the code expires, seconds since 1970.
    pub expires_on: u64,
    /// Seconds of life the code has left as the event is written; count these down, not the clock.
    pub expires_in: u64,
    /// Entra's own sentence, in its language, as plain text.
    pub message: String,
    /// The flow that this code belongs to.
    pub flow: Flow,
    /// The profile that will be signed in.
    pub profile: String,
    /// Its cloud.
    pub cloud: Cloud,
    /// The tenant asked.
    pub tenant: String,
    /// The app registration that asks.
    pub client_id: String,
    /// What the client id is known as, where it is a well-known one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
    /// The program that started the sign-in, as the kernel names it, with its process id.
    pub program: String,
    /// The scopes asked for.
    pub scopes: Vec<String>,
    /// The correlation id of the request and all its polls, for the sign-in logs.
    pub correlation_id: String,
}

/// A page for the browser, and what a person should know before it opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationShown {
    /// The page. Its answer comes back to this machine, so a browser elsewhere is of no use.
    pub url: AuthorizationUrl,
    /// When it is waited for no longer, seconds since 1970.
    pub expires_on: u64,
    /// Seconds until then as the event is written; count these down, not the clock.
    pub expires_in: u64,
    /// The profile that will be signed in.
    pub profile: String,
    /// Its cloud.
    pub cloud: Cloud,
    /// The tenant asked.
    pub tenant: String,
    /// The app registration that asks.
    pub client_id: String,
    /// What the client id is known as, where it is a well-known one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
    /// The program that started the sign-in, as the kernel names it, with its process id.
    pub program: String,
    /// The scopes asked for.
    pub scopes: Vec<String>,
    /// The correlation id of the page and of the request after it, for the sign-in logs.
    pub correlation_id: String,
}

impl SignInEvent {
    /// Whether the stream ends with this event.
    #[must_use]
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::SignedIn { .. })
    }
}

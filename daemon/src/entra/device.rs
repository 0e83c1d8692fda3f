//! The device code: asked for once, shown to the person who started it, good for about fifteen minutes.
//!
//! What comes back is shown to people, so every text is made plain and the page is checked against
//! Microsoft's own. The device code itself never leaves this room: only a [`Poll`] can use it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use entra_proto::scope::Scopes;
use entra_proto::secret::UserCode;
use serde::Deserialize;
use tokio::time::Instant;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Entra;
use super::answer;
use super::claims::{self, Claims};
use super::form::Form;
use super::lenient::{Lenient, secret};
use super::no_reply::NoReply;
use super::poll::Poll;
use super::reply::{Ask, Reply};
use super::sort;
use super::target::Target;
use super::text::plain;
use crate::account::outcome::{Fault, Outcome, Reach};

/// A code for a person to type, and the means to wait for it.
pub struct DeviceCode {
    /// The code to type.
    pub user_code: UserCode,
    /// The page to type it on, as Entra named it, in plain characters.
    pub verification_uri: String,
    /// Whether the page is one of Microsoft's. One that is not is shown with a warning and never opened.
    pub is_trusted_uri: bool,
    /// Entra's own sentence, as plain text; it holds the user code.
    pub message: String,
    /// Life of the code from receipt.
    pub expires_in: Duration,
    /// When it is over, by the monotonic clock.
    pub deadline: Instant,
    /// The time between polls, as Entra set it.
    pub interval: Duration,
    /// `client-request-id` of this request and all its polls, for the sign-in logs.
    pub correlation_id: String,
    pub(super) target: Target,
    pub(super) scopes: Scopes,
    pub(super) claims: Option<String>,
    pub(super) device_code: Zeroizing<String>,
}

impl Entra {
    /// Asks for a device code (RFC 8628 §3.1). To be called when a person is ready: the code lives from now.
    ///
    /// `claims` is the challenge that the sign-in is to meet; `cae` says that the callers it is for handle
    /// challenges. Ends within 30 seconds.
    ///
    /// # Errors
    /// Why there is no code: any [`Outcome`] but a grant.
    pub async fn request_code(
        &self,
        target: &Target,
        scopes: &Scopes,
        claims: Option<&Claims>,
        cae: bool,
    ) -> Result<DeviceCode, Outcome> {
        let correlation_id = Uuid::new_v4().to_string();
        let claims = claims::parameter(claims, cae);
        let ask = Ask {
            url: target.authority.device_code_endpoint(),
            form: Form::device_code(target, scopes, claims.as_deref()),
            correlation_id: correlation_id.clone(),
            anchor: None,
        };
        let reply = self.exchange.post(ask).await;
        let received_at = Instant::now();
        let shown = read(reply, target, &correlation_id)?;
        Ok(DeviceCode {
            user_code: shown.user_code,
            is_trusted_uri: target.authority.trusts_page(&shown.verification_uri),
            verification_uri: shown.verification_uri,
            message: shown.message,
            expires_in: shown.expires_in,
            deadline: received_at + shown.expires_in,
            interval: shown.interval,
            correlation_id,
            target: target.clone(),
            scopes: scopes.clone(),
            claims,
            device_code: shown.device_code,
        })
    }

    /// Waits for the person. The code can be used by one poll only; keep what is to be shown of it first.
    #[must_use]
    pub fn poll(&self, code: DeviceCode) -> Poll {
        Poll::new(Arc::clone(&self.exchange), code)
    }
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCode")
            .field("verification_uri", &self.verification_uri)
            .field("expires_in", &self.expires_in)
            .field("interval", &self.interval)
            .field("correlation_id", &self.correlation_id)
            .finish_non_exhaustive()
    }
}

/// Reads the reply: what there is to show, or why there is no code.
pub(super) fn read(
    reply: Result<Reply, NoReply>,
    target: &Target,
    correlation_id: &str,
) -> Result<Shown, Outcome> {
    let status = reply.as_ref().ok().map(|reply| reply.status);
    let body: DeviceBody = answer::read(reply, target.authority.host(), correlation_id)
        .map_err(|refusal| sort::sort(*refusal))?;
    body.check(target).ok_or_else(|| {
        let fault = Fault {
            error: "unusable_answer".to_owned(),
            description: "The answer to the device-code request has no code, page or life time.".to_owned(),
            correlation_id: Some(correlation_id.to_owned()),
            status,
            ..Fault::default()
        };
        Outcome::RetryAfter { fault, after: None, reach: Reach::Key }
    })
}

/// A device authorization answer (RFC 8628 §3.2). `verification_url` is the v1 endpoint's name; Entra never
/// sends `verification_uri_complete` (Microsoft: device authorization response).
#[derive(Deserialize)]
struct DeviceBody {
    #[serde(default, deserialize_with = "secret")]
    device_code: Option<Zeroizing<String>>,
    #[serde(default)]
    user_code: Option<UserCode>,
    #[serde(default)]
    verification_uri: Lenient,
    #[serde(default)]
    verification_url: Lenient,
    #[serde(default)]
    expires_in: Lenient,
    #[serde(default)]
    interval: Lenient,
    #[serde(default)]
    message: Lenient,
}

/// What is shown to a person, and how it is waited for.
pub(super) struct Shown {
    device_code: Zeroizing<String>,
    pub(super) user_code: UserCode,
    pub(super) verification_uri: String,
    pub(super) message: String,
    pub(super) expires_in: Duration,
    pub(super) interval: Duration,
}

impl DeviceBody {
    fn check(self, target: &Target) -> Option<Shown> {
        let device_code = self.device_code.filter(|code| !code.is_empty())?;
        let is_typeable = |code: &UserCode| {
            let code = code.expose();
            (1..=MAX_USER_CODE).contains(&code.len())
                && code.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        };
        let user_code = self.user_code.filter(is_typeable)?;
        let page = self.verification_uri.text().or_else(|| self.verification_url.text())?;
        let page = plain(&page, MAX_PAGE);
        let expires_in = Duration::from_secs(self.expires_in.number()?).min(MAX_CODE_LIFE);
        let interval = Duration::from_secs(self.interval.number().unwrap_or(DEFAULT_INTERVAL).max(1));
        // No instant is so far ahead as a number can name, and who waits for longer than the code lives waits in vain.
        let interval = interval.min(MAX_CODE_LIFE);
        let message = self.message.text().map(|message| plain(&message, MAX_MESSAGE)).unwrap_or_default();
        let message = if message.is_empty() {
            format!(
                "To sign in to {}, open {page} and enter the code {}.",
                target.authority.host(),
                user_code.expose()
            )
        } else {
            message
        };
        if page.is_empty() || expires_in.is_zero() {
            return None;
        }
        Some(Shown { device_code, user_code, verification_uri: page, message, expires_in, interval })
    }
}

/// RFC 8628 §3.2: "If no value is provided, clients MUST use 5 as the default." In seconds.
const DEFAULT_INTERVAL: u64 = 5;

/// Entra's codes live 15 minutes; nobody waits longer than an hour.
const MAX_CODE_LIFE: Duration = Duration::from_secs(3600);

/// Nine characters have been seen.
const MAX_USER_CODE: usize = 32;

/// Entra's is 33 characters long.
const MAX_PAGE: usize = 1024;

/// Entra's sentence is under 200 bytes in English; other scripts take three bytes a character.
const MAX_MESSAGE: usize = 2 * 1024;

//! The request log: what came, with secrets replaced, and what was answered.
//!
//! A field is shown only when it is known to be no secret; every other value becomes a short digest that is the same
//! for the same value, so that a test can tell whether two requests carried one refresh token.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::form::Form;
use crate::leg::Leg;

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedRequest {
    /// Its number, from 1.
    pub number: u64,
    /// When it came, in milliseconds of simulated Unix time.
    pub at_ms: u64,
    /// The HTTP method.
    pub method: String,
    /// The path, without query.
    pub path: String,
    /// The tenant segment of the path.
    pub tenant: String,
    /// Which door it came to.
    pub leg: Leg,
    /// Query fields; secrets as [`digest`].
    pub query: BTreeMap<String, String>,
    /// Form fields; secrets as [`digest`].
    pub form: BTreeMap<String, String>,
    /// Headers in lower case; credentials as [`digest`].
    pub headers: BTreeMap<String, String>,
    /// The names of the scripted actions it met.
    pub faults: Vec<String>,
    /// The HTTP status; `None` while it is being served and when the answer was dropped.
    pub status: Option<u16>,
    /// Whether the simulator is done with it.
    pub done: bool,
    /// The OAuth `error` that was answered.
    pub error: Option<String>,
}

impl LoggedRequest {
    /// The scopes that were asked, in order.
    pub fn scopes(&self) -> Vec<&str> {
        self.form.get("scope").map(|scope| scope.split(' ').collect()).unwrap_or_default()
    }
}

/// The short stable digest that stands for a secret in the log.
pub fn digest(secret: &str) -> String {
    let hash = Sha256::digest(secret.as_bytes());
    let hex: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Fields of a form or query with secrets replaced.
pub(crate) fn redact_form(form: &Form) -> BTreeMap<String, String> {
    let shown = |name: &str| SHOWN_FIELDS.contains(&name) || name.starts_with("x-client-");
    form.iter()
        .map(|(name, value)| (name.to_owned(), if shown(name) { value.to_owned() } else { digest(value) }))
        .collect()
}

/// Headers with credentials replaced.
pub(crate) fn redact_header(name: &str, value: &str) -> (String, String) {
    let hidden = HIDDEN_HEADERS.contains(&name);
    (name.to_owned(), if hidden { digest(value) } else { value.to_owned() })
}

/// Fields of the protocol that are no secrets.
const SHOWN_FIELDS: [&str; 18] = [
    "api-version",
    "authorization_endpoint",
    "claims",
    "client-request-id",
    "client_id",
    "client_info",
    "code_challenge",
    "code_challenge_method",
    "domain_hint",
    "grant_type",
    "login_hint",
    "mkt",
    "prompt",
    "redirect_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
];

/// Headers that may hold a credential.
const HIDDEN_HEADERS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_become_digests_and_the_rest_stays() {
        let fields =
            redact_form(&Form::parse(b"grant_type=refresh_token&refresh_token=1.AXsecret&scope=a+b"));
        assert_eq!(fields["grant_type"], "refresh_token");
        assert_eq!(fields["scope"], "a b");
        assert_eq!(fields["refresh_token"], digest("1.AXsecret"));
        assert_eq!(digest(""), "sha256:e3b0c44298fc");
        assert_eq!(redact_header("authorization", "Bearer x").1, digest("Bearer x"));
    }
}

//! The legs of sign-in: which of the service's doors a request came to.

use serde::{Deserialize, Serialize};

use crate::form::Form;

/// One leg of a sign-in. Faults and the request log are sorted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// Matches every leg; only used in faults and queries.
    Any,
    /// The page where a person picks an account (`/authorize`).
    Authorize,
    /// Redeeming an authorization code.
    Code,
    /// Asking for a device code.
    Devicecode,
    /// The page where a person types a user code.
    DevicePage,
    /// OpenID configuration, instance discovery and keys.
    Discovery,
    /// Microsoft Graph's `me/revokeSignInSessions`.
    Graph,
    /// Anything that is not an endpoint of the service.
    Other,
    /// Polling for the outcome of a device code.
    Poll,
    /// Redeeming a refresh token.
    Refresh,
    /// A token request with another grant, or none.
    Token,
}

impl Leg {
    /// Whether a fault or a query for `self` means a request on `leg`.
    pub(crate) fn covers(self, leg: Self) -> bool {
        self == Self::Any || self == leg
    }

    /// The leg of a request, by its path below the tenant and, for token requests, its grant.
    pub(crate) fn of(rest: &[&str], form: &Form) -> Self {
        match rest {
            ["oauth2", "v2.0", "authorize"] => Self::Authorize,
            ["oauth2", "v2.0", "devicecode"] => Self::Devicecode,
            ["oauth2", "deviceauth"] => Self::DevicePage,
            ["oauth2", "v2.0", "token"] => match form.one("grant_type") {
                Some(DEVICE_GRANT | "device_code") => Self::Poll,
                Some("refresh_token") => Self::Refresh,
                Some("authorization_code") => Self::Code,
                _ => Self::Token,
            },
            ["v2.0", ".well-known", "openid-configuration"]
            | ["discovery", "instance" | "keys"]
            | ["discovery", "v2.0", "keys"] => Self::Discovery,
            ["me", "revokeSignInSessions"] => Self::Graph,
            _ => Self::Other,
        }
    }
}

/// The grant type of RFC 8628, section 3.4. Entra takes the bare `device_code` as well.
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

//! `POST /v1/registry-token`: what docker presents to a container registry.
//!
//! A registry takes no Entra token itself. It exchanges one for a refresh token of its own, over TLS, which the daemon does
//! because the client has none (Azure Container Registry: "Authentication", `POST /oauth2/exchange`).

use serde::{Deserialize, Serialize};

use crate::secret::{LeaseSecret, RegistryToken};

/// For which registry, and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryRequest {
    /// The registry's host, such as `contoso.azurecr.io`. Only a registry of Azure, or one on loopback, is ever sent a token.
    pub registry: String,
    /// As in [`crate::token::TokenRequest`], and so all that follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The tenant of the registry, where it is not the profile's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The secret of a lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseSecret>,
}

/// The registry's own token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryAnswer {
    /// The token, opaque.
    pub refresh_token: RegistryToken,
    /// When it expires, where the registry says so: seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<u64>,
}

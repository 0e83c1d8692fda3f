//! `POST /v1/registry-token`: what docker presents to a container registry.
//!
//! A registry takes no Entra token itself. It exchanges one for a refresh token of its own, over TLS, which the daemon does
//! because the client has none (Azure Container Registry: "Authentication", `POST /oauth2/exchange`).

use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;
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

/// The cloud that a registry of this host belongs to, by the suffixes of Azure's login servers (azure-cli,
/// `acr_login_server_endpoint`); `None` for any other host. Only letters, digits, hyphens and dots are taken, so no port.
#[must_use]
pub fn cloud_of(host: &str) -> Option<Cloud> {
    let host = host.to_ascii_lowercase();
    let (name, cloud) =
        SUFFIXES.iter().find_map(|(suffix, cloud)| Some((host.strip_suffix(suffix)?, *cloud)))?;
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (host.len() <= MAX_HOST && name.split('.').all(is_label)).then_some(cloud)
}

/// What the names of Azure's login servers end with, and the cloud that they are of.
pub const SUFFIXES: [(&str, Cloud); 3] =
    [(".azurecr.cn", Cloud::China), (".azurecr.io", Cloud::Public), (".azurecr.us", Cloud::UsGovernment)];

/// Longest host name (RFC 1035 §2.3.4).
const MAX_HOST: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_are_known_by_their_suffix() {
        assert_eq!(cloud_of("contoso.azurecr.io"), Some(Cloud::Public));
        assert_eq!(cloud_of("Contoso-x1.AzureCR.us"), Some(Cloud::UsGovernment));
        assert_eq!(cloud_of("contoso.azurecr.cn"), Some(Cloud::China));
        assert_eq!(cloud_of("contoso.westeurope.data.azurecr.io"), Some(Cloud::Public));
        for host in [
            "azurecr.io",
            ".azurecr.io",
            "a..azurecr.io",
            "contoso.azurecr.io.",
            "contoso.azurecr.io:443",
            "contoso.azurecr.io.example.com",
            "contosoazurecr.io",
            "evil.example/x.azurecr.io",
            "evil.example@x.azurecr.io",
            "evil.example#.azurecr.io",
            "-.azurecr.io",
            "t\u{f6}m.azurecr.io",
            "",
        ] {
            assert_eq!(cloud_of(host), None, "{host}");
        }
    }
}

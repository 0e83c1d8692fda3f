//! What can be chosen about a simulator.
//!
//! [`Options`] are fixed when it starts. [`Rules`] are how the service behaves; they can be changed while it runs,
//! and in JSON their durations are whole seconds.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::directory::DEFAULT_TENANT;

/// Everything a simulator starts with; change what matters and take the rest from `Options::default()`.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; a loopback address. Port 0 takes any free port.
    pub listen: SocketAddr,
    /// Certificate and key; with them the simulator speaks https.
    pub tls: Option<Tls>,
    /// The tenant that is at home here, as a GUID.
    pub tenant: String,
    /// The registered public clients, as GUIDs.
    pub clients: Vec<String>,
    /// The redirect URIs that each client has registered. As in Entra the port of `localhost` is ignored, its path is
    /// not (<https://learn.microsoft.com/entra/identity-platform/reply-url>).
    pub redirect_uris: Vec<String>,
    /// How long a `next_…` or `wait_…` call of [`Control`](crate::Control) waits before it gives up.
    pub wait_limit: Duration,
    /// How the service behaves.
    pub rules: Rules,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            tenant: DEFAULT_TENANT.to_owned(),
            clients: vec![DEFAULT_CLIENT.to_owned(), AZURE_CLI_CLIENT.to_owned()],
            redirect_uris: vec!["http://localhost".to_owned()],
            wait_limit: Duration::from_secs(20),
            rules: Rules::default(),
        }
    }
}

/// Where the certificate chain and its private key are, both in PEM.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The certificate chain, server certificate first.
    pub certificate: PathBuf,
    /// The private key of the first certificate.
    pub key: PathBuf,
}

/// How the simulated service behaves; every field may change while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Life of access tokens. `None` is Entra's own: 60 to 90 minutes, and 24 hours for a client that declared `cp1`.
    #[serde(with = "seconds::optional")]
    pub access_token_life: Option<Duration>,
    /// What access tokens look like.
    pub access_token_shape: AccessTokenShape,
    /// Whether the registration says *Allow public client flows*; otherwise tokens are refused with AADSTS7000218.
    pub allow_public_client: bool,
    /// Life of an authorization code.
    #[serde(with = "seconds")]
    pub authorization_code_life: Duration,
    /// Life of a device code.
    #[serde(with = "seconds")]
    pub device_code_life: Duration,
    /// Whether a poll that comes before `interval` has passed is answered `slow_down` (RFC 8628, section 3.5).
    pub enforce_interval: bool,
    /// The longest a scripted hang keeps a connection, whatever the script says.
    #[serde(with = "seconds")]
    pub hang_limit: Duration,
    /// The polling interval told to clients.
    #[serde(with = "seconds")]
    pub interval: Duration,
    /// Whether the registration has what Microsoft Graph wants for revoking a person's sessions (`User.RevokeSessions.All`).
    pub may_revoke_sessions: bool,
    /// How long the second factor of a sign-in is trusted; a refresh after it is refused with AADSTS50078. `None` is for ever.
    #[serde(with = "seconds::optional")]
    pub mfa_life: Option<Duration>,
    /// Length of refresh tokens in bytes, between 64 and 1 MiB. Real ones are between 1 and 2 KiB.
    pub refresh_token_bytes: usize,
    /// Life of a refresh token that is not used, counted from its issue; AADSTS700082 after it.
    #[serde(with = "seconds")]
    pub refresh_token_life: Duration,
    /// The sign-in frequency of Conditional Access: a refresh is refused with AADSTS70043 once the sign-in is that old. `None`
    /// asks for no new sign-in.
    #[serde(with = "seconds::optional")]
    pub sign_in_frequency: Option<Duration>,
    /// Whether the reuse of a superseded refresh token revokes its whole family. Entra lets old ones live.
    pub strict_rotation: bool,
    /// The `verification_uri` told to clients. `None` is the simulator's own page.
    pub verification_uri: Option<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            access_token_life: None,
            access_token_shape: AccessTokenShape::Jwt,
            allow_public_client: true,
            authorization_code_life: Duration::from_secs(10 * 60),
            device_code_life: Duration::from_secs(15 * 60),
            enforce_interval: false,
            hang_limit: Duration::from_secs(30),
            interval: Duration::from_secs(5),
            may_revoke_sessions: true,
            mfa_life: None,
            refresh_token_bytes: 1_300,
            refresh_token_life: Duration::from_secs(90 * 24 * 60 * 60),
            sign_in_frequency: None,
            strict_rotation: false,
            verification_uri: None,
        }
    }
}

/// What access tokens look like. Clients must not care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokenShape {
    /// Three base64url parts with readable claims; the signature is noise.
    Jwt,
    /// One part without structure, like those of personal accounts.
    Opaque,
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(duration.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }

    pub(super) mod optional {
        use super::{Deserialize, Deserializer, Duration, Serializer};

        pub(in super::super) fn serialize<S: Serializer>(
            duration: &Option<Duration>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match duration {
                Some(duration) => serializer.serialize_u64(duration.as_secs()),
                None => serializer.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Duration>, D::Error> {
            Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_secs))
        }
    }
}

/// The client id that is registered unless others are named.
pub const DEFAULT_CLIENT: &str = "00000000-0000-0000-0000-00000000c11e";

/// Azure CLI's client id, which Azure's SDKs use by default.
pub const AZURE_CLI_CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

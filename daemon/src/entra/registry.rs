//! A container registry's own refresh token, in exchange for an access token of Entra.
//!
//! Docker names the registry, and what docker is told to pull may come from anywhere: so an access token goes to a host of
//! Azure's own registries over TLS, or to one on loopback, and the host is checked before a token is asked for. Redirects
//! are not followed and nothing is tried twice: docker asks two or three times by itself.

use std::fmt;
use std::time::Duration;

use entra_proto::cloud::Cloud;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::registry::cloud_of;
use entra_proto::secret::{AccessToken, RegistryToken};
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::Entra;
use super::authority::is_loopback;
use super::form::Form;
use super::identity::{decode, payload};
use super::lenient::Lenient;
use super::remedies::remedy;
use super::reply::{Ask, Reply};
use super::text::plain;

/// A registry that may be sent an access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    host: String,
    exchange: Url,
    cloud: Option<Cloud>,
}

impl Registry {
    /// The registry of this host: `NAME.azurecr.io` or its like in other clouds, or `127.0.0.1:5000` and other loopback
    /// hosts, which are spoken to in plain http.
    ///
    /// # Errors
    /// [`RegistryError::NotAzure`] for any other.
    pub fn parse(host: &str) -> Result<Self, RegistryError> {
        let not_azure = || RegistryError::NotAzure(plain(host, 80));
        let host = host.to_ascii_lowercase();
        let cloud = cloud_of(&host);
        let scheme = if cloud.is_some() { "https" } else { "http" };
        // The parser of URLs forgives much, so only what needs no forgiving is given to it.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if !host.bytes().all(is_plain) {
            return Err(not_azure());
        }
        let exchange = Url::parse(&format!("{scheme}://{host}/oauth2/exchange")).map_err(|_| not_azure())?;
        if cloud.is_none() && !is_loopback(&exchange) {
            return Err(not_azure());
        }
        Ok(Self { host, exchange, cloud })
    }

    /// The host, in lower case, with its port if it has one.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether accounts of `cloud` belong there. Each cloud has operators of its own.
    #[must_use]
    pub fn is_of(&self, cloud: Cloud) -> bool {
        self.cloud.is_none_or(|own| own == cloud)
    }
}

/// What a registry granted.
pub struct RegistryGrant {
    /// Its refresh token.
    pub token: RegistryToken,
    /// The life of the token from receipt, where it says so.
    pub life: Option<Duration>,
}

impl fmt::Debug for RegistryGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegistryGrant({:?}, {:?})", self.token, self.life)
    }
}

impl Entra {
    /// Exchanges an access token for Container Registry (Azure Container Registry: "Calling `POST /oauth2/exchange` to get
    /// an ACR refresh token"). Ends within five seconds. `tenant` is left out where it is not known by id or domain.
    ///
    /// # Errors
    /// [`RegistryError`] says what the registry made of it.
    pub async fn registry_token(
        &self,
        registry: &Registry,
        tenant: Option<&str>,
        token: &AccessToken,
    ) -> Result<RegistryGrant, RegistryError> {
        let host = || registry.host.clone();
        let correlation_id = Uuid::new_v4().to_string();
        let form = Form::registry_exchange(&registry.host, tenant, token);
        let ask = Ask { url: registry.exchange.clone(), form, correlation_id, anchor: None };
        let reply = tokio::time::timeout(PATIENCE, self.exchange.post(ask)).await;
        let reply = reply.map_err(|_| RegistryError::Silent(host()))?.map_err(|why| {
            let sentence = why.sentence(&registry.host);
            match remedy(why.name()) {
                Some(hint) if why.needs_somebody() => {
                    RegistryError::Blocked { host: host(), reason: sentence, hint }
                }
                _ => RegistryError::Unreached(sentence),
            }
        })?;
        match reply.status {
            200 => read(&reply).ok_or_else(|| RegistryError::Unusable(host())),
            401 | 403 => Err(RegistryError::Forbidden { host: host(), reason: reason(&reply) }),
            404 | 405 => Err(RegistryError::NoExchange(host())),
            429 => Err(RegistryError::Throttled { host: host(), after: reply.retry_after }),
            status => Err(RegistryError::Failed { host: host(), status }),
        }
    }
}

/// Why there is no token of a registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The settings of the network are in the way, or what they name.
    #[error("No way to the registry {host}: {reason}")]
    Blocked {
        /// The registry.
        host: String,
        /// What is in the way, in a sentence.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
    /// The status of a fault.
    #[error("The registry {host} answered with HTTP status {status}.")]
    Failed {
        /// The registry.
        host: String,
        /// The status.
        status: u16,
    },
    /// The registry does not take the account's token.
    #[error("The registry {host} refused the account{}", reason.as_ref().map_or_else(|| ".".to_owned(), |reason| format!(": {reason}")))]
    Forbidden {
        /// The registry.
        host: String,
        /// What it says.
        reason: Option<String>,
    },
    /// Nothing is there to exchange tokens.
    #[error("{0} exchanges no tokens, so it is no container registry of Azure.")]
    NoExchange(String),
    /// No host that is sent an access token.
    #[error("`{0}` is no container registry of Azure, and no other is sent an access token.")]
    NotAzure(String),
    /// The account belongs to another cloud.
    #[error("The registry {0} is in another cloud than the account, and is not sent its access token.")]
    OtherCloud(String),
    /// Too slow.
    #[error("The registry {0} did not answer within {seconds} seconds.", seconds = PATIENCE.as_secs())]
    Silent(String),
    /// Too many requests.
    #[error("The registry {host} asks for a pause.")]
    Throttled {
        /// The registry.
        host: String,
        /// Its `Retry-After`.
        after: Option<Duration>,
    },
    /// No connection; the sentence names the registry.
    #[error("{0}")]
    Unreached(String),
    /// It said yes, without a token.
    #[error("The registry {0} answered without a refresh token.")]
    Unusable(String),
}

impl RegistryError {
    /// The error that the caller gets.
    #[must_use]
    pub fn to_error_body(&self) -> ErrorBody {
        let (code, hint) = match self {
            Self::Blocked { hint, .. } => (ErrorCode::Misconfigured, *hint),
            Self::Forbidden { .. } => (
                ErrorCode::AskAdmin,
                "Ask its owner for a role such as AcrPull; `entra accounts` shows whose token it was.",
            ),
            Self::NoExchange(_) => (ErrorCode::Misconfigured, "Check the name of the registry."),
            Self::NotAzure(_) => (
                ErrorCode::Refused,
                "Name a login server such as contoso.azurecr.io; docker's `credHelpers` lists those that entra is asked for.",
            ),
            Self::OtherCloud(_) => {
                (ErrorCode::Refused, "Name an account or a profile of the registry's cloud.")
            }
            Self::Throttled { .. } => (ErrorCode::Throttled, "Try again later."),
            Self::Failed { .. } | Self::Silent(_) | Self::Unreached(_) | Self::Unusable(_) => {
                (ErrorCode::Unavailable, "Check the name of the registry and the network, then try again.")
            }
        };
        let mut body = ErrorBody::new(code, self.to_string()).with_hint(hint);
        if let Self::Throttled { after: Some(after), .. } = self {
            body.retry_after = Some(after.as_secs_f64().ceil() as u64);
        }
        body
    }
}

pub(super) fn read(reply: &Reply) -> Option<RegistryGrant> {
    let answer: Granted = serde_json::from_slice(&reply.body).ok()?;
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let token = answer.refresh_token.filter(|token| is_token(token.expose()))?;
    let life = life_of(token.expose());
    Some(RegistryGrant { token, life })
}

/// `exp` less `iat`: by the registry's clock alone, so that ours may be wrong. A registry's token is a JWT (Azure Container
/// Registry: "token claim sets"), though nothing promises it: one that is none has an unknown life.
pub(super) fn life_of(token: &str) -> Option<Duration> {
    let claims: LifeClaims = payload(token).and_then(decode)?;
    let seconds = claims.exp.number()?.checked_sub(claims.iat.number()?)?;
    Some(Duration::from_secs(seconds).min(MAX_LIFE))
}

/// The registry's own words for a refusal, such as that its firewall does not know our address.
pub(super) fn reason(reply: &Reply) -> Option<String> {
    let refusal: Refused = serde_json::from_slice(&reply.body).ok()?;
    let message = refusal.errors.into_iter().find_map(|error| error.message.text())?;
    Some(plain(&message, 300)).filter(|message| !message.is_empty())
}

#[derive(Deserialize)]
struct Granted {
    #[serde(default)]
    refresh_token: Option<RegistryToken>,
}

#[derive(Deserialize)]
struct LifeClaims {
    #[serde(default)]
    exp: Lenient,
    #[serde(default)]
    iat: Lenient,
}

/// How registries say no (OCI distribution specification, "Error Codes").
#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    errors: Vec<OneError>,
}

#[derive(Deserialize)]
struct OneError {
    #[serde(default)]
    message: Lenient,
}

/// A registry answers within two seconds, and docker waits in silence.
const PATIENCE: Duration = Duration::from_secs(5);

/// Registries grant three hours. More than a day would be a mistake, which is bounded rather than believed.
const MAX_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;

//! What a request is made as and to: an app registration at an authority.

use std::fmt;
use std::str::FromStr;

use super::authority::{Authority, is_guid};

/// An app registration at an authority: what a refresh token is bound to, besides its user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Where.
    pub authority: Authority,
    /// As what.
    pub client_id: ClientId,
}

impl Target {
    /// Both together.
    #[must_use]
    pub fn new(authority: Authority, client_id: ClientId) -> Self {
        Self { authority, client_id }
    }
}

/// The id of an app registration (`client_id`, "Application ID"), in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the id is known as; see [`known_name`].
    #[must_use]
    pub fn known_name(&self) -> Option<&'static str> {
        known_name(&self.0)
    }
}

impl FromStr for ClientId {
    type Err = ClientIdError;

    fn from_str(text: &str) -> Result<Self, ClientIdError> {
        let id = text.to_ascii_lowercase();
        if !is_guid(&id) {
            return Err(ClientIdError::NotAGuid(super::text::plain(text, 80)));
        }
        if id == AUTHENTICATION_BROKER {
            return Err(ClientIdError::Broker);
        }
        Ok(Self(id))
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a client id was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientIdError {
    /// Microsoft Authentication Broker: its tokens can register devices and mint primary refresh tokens,
    /// which made it the tool of device-code phishers.
    #[error(
        "The client id {AUTHENTICATION_BROKER} is Microsoft's authentication broker, which entrad never uses; \
         set `client_id` to an app registration of your own."
    )]
    Broker,
    /// No GUID.
    #[error("`{0}` is not a client id: give the app registration's application id, a GUID.")]
    NotAGuid(String),
}

/// What Microsoft calls a well-known client id: the name that people see on the consent page and in sign-in
/// logs (Microsoft: verify first-party apps in sign-in reports).
#[must_use]
pub fn known_name(client_id: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(id, _)| id.eq_ignore_ascii_case(client_id)).map(|(_, name)| *name)
}

const KNOWN: [(&str, &str); 5] = [
    ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI"),
    ("14d82eec-204b-4c2f-b7e8-296a70dab67e", "Microsoft Graph Command Line Tools"),
    ("1950a258-227b-4e31-a9cf-717495945fc2", "Microsoft Azure PowerShell"),
    ("80faf920-1908-4b52-b5ef-a8e7bedfc67a", "Azure Kubernetes Service AAD Client"),
    ("aebc6443-996d-45c2-90f0-388ff96faa56", "Visual Studio Code"),
];

const AUTHENTICATION_BROKER: &str = "29d9ed98-a469-4536-ade2-f981bc1d605e";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_guids_in_lower_case() {
        let id: ClientId = "04B07795-8DDB-461A-BBEE-02F9E1BF7B46".parse().unwrap();
        assert_eq!(id.as_str(), "04b07795-8ddb-461a-bbee-02f9e1bf7b46");
        assert_eq!(id.known_name(), Some("Microsoft Azure CLI"));
        for bad in
            ["", "azure-cli", "04b07795-8ddb-461a-bbee-02f9e1bf7b4", "04b07795x8ddb-461a-bbee-02f9e1bf7b46"]
        {
            assert!(matches!(bad.parse::<ClientId>(), Err(ClientIdError::NotAGuid(_))), "{bad}");
        }
    }

    #[test]
    fn the_broker_is_refused_in_any_case() {
        assert_eq!(AUTHENTICATION_BROKER.to_uppercase().parse::<ClientId>(), Err(ClientIdError::Broker));
    }
}

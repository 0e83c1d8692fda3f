//! Names for what the machine holds.

use std::fmt;

use entra_proto::account::AccountId;
use entra_proto::scope::Scopes;
use serde::{Deserialize, Serialize};

/// One sign-in: an account under a profile. A person may sign in the same account under two profiles; the
/// two have refresh tokens of their own and know nothing of each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccountKey {
    /// The profile's name.
    pub profile: String,
    /// Who.
    pub account: AccountId,
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (profile {})", self.account, self.profile)
    }
}

/// What a refresh token is bound to besides its account, and what Entra throttles: an app registration at
/// an authority.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientKey {
    /// The authority's origin.
    pub authority: String,
    /// The app registration.
    pub client_id: String,
}

/// One slot of an account's token cache. With the [`AccountKey`] this is the cache key: account, tenant,
/// client, scope set, cae.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotKey {
    /// The tenant asked, in lower case.
    pub tenant: String,
    /// The scopes in their common form ([`Scopes::key`]).
    pub scopes: String,
    /// Whether the caller handles claims challenges. Such tokens live for a day and are kept apart, so that
    /// they never reach a caller that would not notice their revocation.
    pub cae: bool,
}

impl SlotKey {
    /// The slot for these scopes in this tenant.
    #[must_use]
    pub fn new(tenant: &str, scopes: &Scopes, cae: bool) -> Self {
        Self { tenant: tenant.to_ascii_lowercase(), scopes: scopes.key(), cae }
    }

    /// The slot of the callers of the other kind. Entra counts requests for the two as equal.
    #[must_use]
    pub fn twin(&self) -> Self {
        Self { cae: !self.cae, ..self.clone() }
    }
}

/// One request to Entra for a token, from the decision to send it until its outcome is known. Numbers only
/// grow, so a late outcome of an account that signed out and in again finds no flight of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlightId(pub(super) u64);

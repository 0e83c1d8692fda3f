//! Tokens of container registries: exchanged when docker asks, and kept in memory, since it asks several times at each pull.
//!
//! Each request passes the way of an access token first, also where the registry's is at hand: what the account, the profile
//! or a lease forbids, a kept token must not give.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use entra_proto::account::AccountId;
use entra_proto::error::ErrorBody;
use entra_proto::registry::{RegistryAnswer, RegistryRequest};
use entra_proto::secret::RegistryToken;
use entra_proto::token::TokenRequest;

use super::{Asker, Broker, State};
use crate::account::time::{Deadline, Now};
use crate::config::Dialect;
use crate::entra::registry::{Registry, RegistryError, RegistryGrant};

/// The access token that a registry is asked with; what may be asked at all is decided of this request.
#[must_use]
pub fn access_to_registry(request: &RegistryRequest) -> TokenRequest {
    TokenRequest {
        resource: Some(RESOURCE.to_owned()),
        account: request.account.clone(),
        profile: request.profile.clone(),
        tenant: request.tenant.clone(),
        lease: request.lease.clone(),
        ..TokenRequest::default()
    }
}

impl Broker {
    /// `POST /v1/registry-token`, with the request of [`access_to_registry`].
    ///
    /// # Errors
    /// As [`Broker::token`], and what the registry made of the token.
    pub async fn registry_token(
        self: &Arc<Self>,
        registry: &str,
        access: TokenRequest,
        asker: &Asker,
    ) -> Result<RegistryAnswer, ErrorBody> {
        self.rules().bounds().allow_dialect(Dialect::Registry)?;
        let registry = Registry::parse(registry).map_err(|error| error.to_error_body())?;
        self.parts.gate.admit(asker)?;
        let profile = access.profile.clone();
        let found = self.find_token(&access, asker).await?;
        let issue = self.issue_of(&access, asker, &found).map(|issue| issue.resource(registry.host()));
        let access = found.answer;
        let place = Place {
            account: access.account,
            profile,
            registry: registry.host().to_owned(),
            tenant: access.tenant,
        };
        {
            let state = self.state();
            if !state.is_at_home(&place.account, &registry) {
                return Err(RegistryError::OtherCloud(place.registry).to_error_body());
            }
            if let Some(answer) = state.registries.find(&place, self.parts.clock.now()) {
                drop(state);
                self.parts.gate.spend(asker)?;
                self.note(issue);
                return Ok(answer);
            }
        }
        let tenant = Some(place.tenant.as_str()).filter(|tenant| !KEYWORDS.contains(tenant));
        let grant = self.parts.entra.registry_token(&registry, tenant, &access.access_token).await;
        let grant = grant.map_err(|error| error.to_error_body())?;
        self.locking.must_not_be_locked()?;
        self.parts.gate.spend(asker)?;
        let answer = self.state().keep(place, grant, self.parts.clock.now());
        self.note(issue);
        Ok(answer)
    }
}

impl State {
    /// Whether the registry belongs to the account's cloud.
    fn is_at_home(&self, account: &AccountId, registry: &Registry) -> bool {
        self.known.iter().any(|(key, known)| key.account == *account && registry.is_of(known.entry.cloud))
    }

    fn keep(&mut self, place: Place, grant: RegistryGrant, now: Now) -> RegistryAnswer {
        let expires = grant.life.map(|life| Deadline::after(now, life));
        let answer = RegistryAnswer {
            refresh_token: grant.token.clone(),
            expires_on: expires.map(|expires| expires.epoch(now)),
        };
        // One that signed out meanwhile leaves nothing behind.
        if self.known.keys().any(|key| key.account == place.account) {
            let served = grant.life.map_or(ASSUMED_LIFE, |life| life.saturating_sub(MARGIN));
            let kept = Kept { token: grant.token, expires, served_until: Deadline::after(now, served) };
            self.registries.keep(place, kept, now);
        }
        answer
    }
}

/// Registries' tokens, each until some minutes before its end.
#[derive(Default)]
pub(super) struct Registries {
    kept: BTreeMap<Place, Kept>,
}

/// Whose token it is, and where it is good.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    account: AccountId,
    profile: Option<String>,
    registry: String,
    tenant: String,
}

struct Kept {
    token: RegistryToken,
    expires: Option<Deadline>,
    served_until: Deadline,
}

impl Registries {
    /// Drops what the account had: it signed out.
    pub(super) fn forget(&mut self, account: &AccountId) {
        self.kept.retain(|place, _| place.account != *account);
    }

    fn find(&self, place: &Place, now: Now) -> Option<RegistryAnswer> {
        let kept = self.kept.get(place).filter(|kept| !kept.served_until.has_passed(now))?;
        Some(RegistryAnswer {
            refresh_token: kept.token.clone(),
            expires_on: kept.expires.map(|expires| expires.epoch(now)),
        })
    }

    fn keep(&mut self, place: Place, kept: Kept, now: Now) {
        self.kept.retain(|_, kept| !kept.served_until.has_passed(now));
        if self.kept.len() < MOST {
            self.kept.insert(place, kept);
        }
    }
}

/// What registries take tokens for, in every cloud (azure-cli, `acr login`).
const RESOURCE: &str = "https://containerregistry.azure.net";

/// Tenants that are none (Microsoft: "Endpoints" of the identity platform).
const KEYWORDS: [&str; 3] = ["common", "consumers", "organizations"];

/// As much life as any served token has: a pull takes its time.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// How long a token that does not say when it ends is served again: for the requests of one pull.
const ASSUMED_LIFE: Duration = Duration::from_secs(60);

/// Most tokens kept: more registries than a person uses in three hours.
const MOST: usize = 64;

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;

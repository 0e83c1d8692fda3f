//! What a sign-in would be of, before anybody begins it: for the page that asks the person.

use std::sync::Arc;

use entra_proto::account::Health;
use entra_proto::cloud::Cloud;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::sign_in::SignInRequest;

use super::{Broker, choice};
use crate::config::DEFAULT_PROFILE;
use crate::vault::Access;

/// A sign-in that could be begun.
#[derive(Clone, Debug)]
pub struct Prospect {
    /// The request, with the profile that it means.
    pub request: SignInRequest,
    /// The profile.
    pub profile: String,
    /// The user name of the account that must come, as it is known here, else as the request has it.
    pub account: Option<String>,
    /// Why the account needs a person, where it does.
    pub reason: Option<String>,
    /// Where the sign-in goes; unknown while the key store is locked that knows it.
    pub place: Option<Place>,
}

/// Where a sign-in goes.
#[derive(Clone, Debug)]
pub struct Place {
    /// The cloud.
    pub cloud: Cloud,
    /// The tenant.
    pub tenant: String,
    /// The app registration by its known name, else by its id.
    pub application: String,
}

impl Broker {
    /// What the request would begin. Nothing is begun, and nobody is asked to unlock anything.
    ///
    /// # Errors
    /// What is wrong with the request or the configuration, so that nobody is asked for what cannot be.
    pub async fn prospect(self: &Arc<Self>, mut request: SignInRequest) -> Result<Prospect, ErrorBody> {
        choice::names([request.account.as_deref(), request.profile.as_deref()])?;
        if let Err(error) = self.restore(Access::Silent).await {
            tracing::info!("the accounts are not known yet: {}", error.message);
        }
        let (mut account, mut reason) = (request.account.clone(), None);
        if let Some(named) = request.account.as_deref() {
            let state = self.state();
            match state.choose(Some(named), request.profile.as_deref()) {
                Ok(key) => {
                    let known = state.info(&key);
                    request.profile = Some(key.profile);
                    account = known.as_ref().map(|known| known.username.clone()).or(account);
                    reason = known.and_then(|known| match known.health {
                        Health::SignInNeeded { error, .. } => Some(error.message),
                        Health::Good => None,
                    });
                }
                Err(error) if error.code == ErrorCode::AccountNeeded => return Err(error),
                // It may sign in for the first time.
                Err(_) => {}
            }
        }
        let profile = request.profile.clone().unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
        let place = match self.target_for(&request, &profile) {
            Ok(target) => Some(Place {
                cloud: target.authority.cloud(),
                tenant: target.authority.tenant().to_owned(),
                application: target
                    .client_id
                    .known_name()
                    .unwrap_or_else(|| target.client_id.as_str())
                    .to_owned(),
            }),
            Err(error) if error.code == ErrorCode::ClientIdNeeded && !self.is_restored() => None,
            Err(error) => return Err(error),
        };
        Ok(Prospect { request, profile, account, reason, place })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{broker, record};
    use super::*;

    const CLIENT: &str = "00000000-0000-0000-0000-00000000c11e";

    #[tokio::test]
    async fn an_account_is_asked_for_by_its_name_and_its_place() {
        let broker = broker(&Arc::default(), [record("ada", "rt")]).await;
        let request = SignInRequest { account: Some("ADA".to_owned()), ..SignInRequest::default() };
        let prospect = broker.prospect(request).await.unwrap();
        assert_eq!(prospect.account.as_deref(), Some("ada@example.com"));
        assert_eq!((prospect.profile.as_str(), prospect.reason), (DEFAULT_PROFILE, None));
        let place = prospect.place.unwrap();
        assert_eq!((place.tenant.as_str(), place.application.as_str()), ("organizations", CLIENT));
    }

    #[tokio::test]
    async fn somebody_new_may_come_but_not_to_a_place_that_is_not_configured() {
        let broker = broker(&Arc::default(), []).await;
        let request =
            SignInRequest { account: Some("bob@example.com".to_owned()), ..SignInRequest::default() };
        let error = broker.prospect(request.clone()).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::ClientIdNeeded);
        let known = SignInRequest { client_id: Some(CLIENT.to_owned()), ..request };
        assert_eq!(broker.prospect(known).await.unwrap().account.as_deref(), Some("bob@example.com"));
    }
}

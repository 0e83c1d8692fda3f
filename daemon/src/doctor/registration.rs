//! Tenants and app registrations: whether Entra knows them, and what it said of them lately.
//!
//! Whether a registration exists is asked by a request for a device code. It needs no person and leaves nothing: the code is
//! dropped unseen, nobody can type it, and it expires by itself. Whether *Allow public client flows* is on, Entra says only
//! to somebody who has signed in, so that is read off what it said before.

use entra_proto::account::{Flow, Health};
use entra_proto::doctor::Check;
use entra_proto::error::ErrorBody;
use entra_proto::resource;
use entra_proto::scope::Scopes;
use entra_proto::status::AccountStatus;

use super::check::{Finding, Named, waits_for};
use super::network::CONNECTION;
use crate::broker::Registration;
use crate::config::{Bounds, Flows};
use crate::entra::Entra;
use crate::entra::probe::Probe;
use crate::entra::target::Target;
use crate::entra::words::{self, About};

/// Whether the tenant exists.
pub(super) const TENANT: Named = Named::new("authority.tenant", 1800);
/// Whether the app registration exists there.
pub(super) const EXISTS: Named = Named::new("registration.exists", 1800);
/// Whether it may be signed in to without a secret.
pub(super) const PUBLIC_CLIENT: Named = Named::new("registration.public_client", 50);
/// Whether somebody consented to what was asked for.
pub(super) const CONSENT: Named = Named::new("registration.consent", 50);

/// What Entra knows of it.
pub(super) async fn look(
    entra: &Entra,
    probe: Option<&Probe>,
    registration: &Registration,
    flows: &Flows,
    bounds: &Bounds,
) -> Vec<Check> {
    let about = Some(registration.profile.as_str());
    let Some(probe) = probe else {
        return [TENANT, EXISTS].map(|named| named.found(about, waits_for(CONNECTION))).into();
    };
    let tenant = TENANT.run(about, tenant(probe, registration));
    let exists = EXISTS.run(about, exists(entra, registration, flows, bounds));
    <[Check; 2]>::from(tokio::join!(tenant, exists)).into()
}

async fn tenant(probe: &Probe, registration: &Registration) -> Finding {
    let authority = &registration.authority;
    match probe.configuration(authority).await {
        Ok(issuer) => {
            Finding::good(format!("{} is known to {}: {issuer}.", authority.tenant(), probe.host()))
        }
        Err(failure) => Finding::of_error(&words::error_body(
            &failure,
            &about(registration, "the tenant's configuration"),
        )),
    }
}

async fn exists(entra: &Entra, registration: &Registration, flows: &Flows, bounds: &Bounds) -> Finding {
    let Some(client_id) = &registration.client_id else {
        return Finding::warning(
            format!("No app registration is configured for the profile {}.", registration.profile),
            "Name one as `client_id` in config.toml, or by `entra login --client-id ID`.",
        );
    };
    let (profile, authority) = (&registration.profile, &registration.authority);
    let is_allowed = bounds.allow_place(profile, authority.cloud(), authority.tenant(), client_id.as_str());
    // Nobody can sign in there, so nothing is asked for there.
    if let Err(refusal) = is_allowed {
        return Finding::of_error(&refusal);
    }
    if !flows.allow(Flow::DeviceCode) {
        return Finding::skipped(
            "It is asked for by a device code, which `flows` does not allow here; a sign-in shows it (AADSTS700016).",
        );
    }
    let target = Target::new(registration.authority.clone(), client_id.clone());
    let graph = resource::named("graph").and_then(|graph| graph.address(target.authority.cloud()));
    let Ok(scopes) = Scopes::of_resource(graph.unwrap_or_default()) else {
        return Finding::skipped("No resource is known to ask for in this cloud.");
    };
    match entra.request_code(&target, &scopes, None, false).await {
        Ok(_unseen) => Finding::good(format!("{client_id} is known in {}.", target.authority.tenant())),
        Err(outcome) => match outcome.into_result() {
            Ok(_grant) => Finding::skipped("Entra answered what it was not asked for."),
            Err(failure) => {
                Finding::of_error(&words::error_body(&failure, &about(registration, &scopes.to_string())))
            }
        },
    }
}

fn about<'a>(registration: &'a Registration, resource: &'a str) -> About<'a> {
    About {
        client_id: registration.client_id.as_ref().map_or("the app", |id| id.as_str()),
        cloud: registration.authority.cloud(),
        origin: registration.authority.origin(),
        tenant: registration.authority.tenant(),
        resource,
        profile: &registration.profile,
    }
}

/// What the accounts under it tell: Entra's last words about each, and what worked.
pub(super) fn learned(registration: &Registration, accounts: &[AccountStatus]) -> [Check; 2] {
    let about = Some(registration.profile.as_str());
    let client_id = registration.client_id.as_ref().map(|id| id.as_str());
    // Another profile may use the same app registration in another tenant, where consent is another matter.
    let is_here = |account: &&AccountStatus| {
        let account = &account.account;
        account.profile == registration.profile && Some(account.client_id.as_str()) == client_id
    };
    let here: Vec<&AccountStatus> = accounts.iter().filter(is_here).collect();
    [PUBLIC_CLIENT.found(about, public_client(&here)), CONSENT.found(about, consent(&here))]
}

fn public_client(accounts: &[&AccountStatus]) -> Finding {
    if let Some(error) = last_errors(accounts).find(|error| is_one_of(error, &SECRET_WANTED)) {
        return Finding::of_error(error);
    }
    let by_code = accounts.iter().any(|account| account.account.provenance.flow == Flow::DeviceCode);
    if by_code {
        return Finding::good(
            "Somebody is signed in by it with a device code, which takes public client flows.",
        );
    }
    Finding::skipped(
        "Entra says it only at the end of a sign-in; one that fails for it ends with AADSTS7000218, and the remedy is \
         `Allow public client flows` in the app registration.",
    )
}

fn consent(accounts: &[&AccountStatus]) -> Finding {
    if let Some(error) = last_errors(accounts).find(|error| is_one_of(error, &CONSENT_WANTED)) {
        return Finding::of_error(error);
    }
    let held = accounts.iter().flat_map(|account| &account.tokens).filter(|token| token.expires_on.is_some());
    let mut scopes: Vec<String> = held.map(|token| token.scopes.join(" ")).collect();
    scopes.sort();
    scopes.dedup();
    if scopes.is_empty() {
        return Finding::skipped(
            "No token was asked for yet; one that lacks consent fails with AADSTS65001.",
        );
    }
    Finding::good(format!("Tokens came for {}.", scopes.join(", ")))
}

/// The last error of each token and account.
pub(super) fn last_errors<'a>(accounts: &[&'a AccountStatus]) -> impl Iterator<Item = &'a ErrorBody> {
    accounts.iter().flat_map(|account| {
        let own = match &account.account.health {
            Health::SignInNeeded { error, .. } => Some(&**error),
            Health::Good => None,
        };
        account.tokens.iter().filter_map(|token| token.last_error.as_deref()).chain(own)
    })
}

fn is_one_of(error: &ErrorBody, numbers: &[u32]) -> bool {
    error.aadsts.is_some_and(|number| numbers.contains(&number))
}

/// What Entra says where public client flows are off, or the registration is a web application's (Microsoft: error codes).
const SECRET_WANTED: [u32; 4] = [70_002, 7_000_215, 7_000_218, 7_000_222];

/// What it says where consent or a permission is missing.
const CONSENT_WANTED: [u32; 9] = [65_001, 65_004, 65_005, 90_008, 90_094, 90_095, 650_052, 650_056, 650_057];

#[cfg(test)]
mod tests {
    use entra_proto::cloud::Cloud;
    use entra_proto::doctor::CheckResult;
    use serde_json::json;

    use super::*;
    use crate::config::Setting;
    use crate::entra::authority::Authority;

    const CLIENT: &str = "00000000-0000-0000-0000-00000000c11e";

    fn registration(profile: &str) -> Registration {
        Registration {
            profile: profile.to_owned(),
            authority: Authority::built_in(Cloud::Public, "contoso.com").unwrap(),
            client_id: Some(CLIENT.parse().unwrap()),
        }
    }

    #[test]
    fn what_one_profile_was_refused_is_not_told_of_another() {
        let account: AccountStatus = serde_json::from_value(json!({
            "account": {
                "id": "u.t", "username": "ada@example.com", "profile": "work", "cloud": "public",
                "tenant": "contoso.com", "client_id": CLIENT,
                "provenance": {"flow": "device_code", "signed_in_on": 0}, "health": {"state": "good"}
            },
            "refresh_token_dies_on": 0,
            "tokens": [],
        }))
        .unwrap();
        let results = |profile: &str| learned(&registration(profile), std::slice::from_ref(&account));
        assert_eq!(results("work")[0].result, CheckResult::Good);
        assert!(results("home").iter().all(|check| check.result == CheckResult::Skipped));
    }

    #[tokio::test]
    async fn nothing_is_asked_for_where_an_administrator_lets_nobody_sign_in() {
        let mut bounds = Bounds::default();
        bounds.tenants = Some(Setting::built_in(vec!["fabrikam.com".to_owned()]));
        let finding = exists(&Entra::new(), &registration("work"), &Flows::default(), &bounds).await;
        let check = EXISTS.found(None, finding);
        assert_eq!(check.result, CheckResult::Failed);
        assert!(check.evidence.contains("may not be used"), "{check:?}");
    }
}

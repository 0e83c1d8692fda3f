//! From a profile's settings to the place a refresh token may be sent.
//!
//! Invariant 3 is decided here: an authority is a cloud's own, or one that the configuration names and its
//! author may name. A caller's words never become a sign-in host.

use std::collections::{BTreeMap, BTreeSet};

use entra_proto::cloud::Cloud;
use entra_proto::config::Destination;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::sign_in::SignInRequest;

use crate::config::{Blame, DEFAULT_PROFILE, Profile, Source, is_profile_name};
use crate::entra::authority::{Authority, AuthorityError, Owner};
use crate::entra::target::{ClientId, ClientIdError, Target};
use crate::vault::Entry;

/// The configured profiles, checked.
#[derive(Debug, Default)]
pub struct Profiles(BTreeMap<String, Checked>);

#[derive(Debug)]
struct Checked {
    authority: Authority,
    /// The origin was named, so the cloud cannot be chosen by a caller.
    is_named: bool,
    owner: Owner,
    client_id: Option<ClientId>,
}

/// An app registration in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The profile that it is used under.
    pub profile: String,
    /// Where.
    pub authority: Authority,
    /// Which; none where a profile names none.
    pub client_id: Option<ClientId>,
}

/// Why a profile's settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Its authority or tenant.
    #[error("Profile {profile}, {source_}: {reason}")]
    Authority {
        /// The profile.
        profile: String,
        /// Where the value stands.
        source_: Source,
        /// Why.
        reason: AuthorityError,
    },
    /// Its client id.
    #[error("Profile {profile}, {source_}: {reason}")]
    ClientId {
        /// The profile.
        profile: String,
        /// Where the value stands.
        source_: Source,
        /// Why.
        reason: ClientIdError,
    },
}

impl Blame for ProfileError {
    fn blamed(&self) -> Option<&Source> {
        let (Self::Authority { source_, .. } | Self::ClientId { source_, .. }) = self;
        Some(source_)
    }
}

impl Profiles {
    /// Checks every profile of the configuration.
    ///
    /// # Errors
    /// [`ProfileError`] of the first that cannot be used, with its place.
    pub fn check(profiles: &BTreeMap<String, Profile>) -> Result<Self, ProfileError> {
        let checked = profiles.iter().map(|(name, profile)| Ok((name.clone(), check(name, profile)?)));
        checked.collect::<Result<_, _>>().map(Self)
    }

    /// The cloud of this profile; the usual one where there is no such profile.
    pub(super) fn cloud_of(&self, profile: &str) -> Cloud {
        self.0.get(profile).map(|checked| checked.authority.cloud()).unwrap_or_default()
    }

    /// What the configuration names, by profile.
    pub(super) fn configured(&self) -> Vec<Registration> {
        let registration = |(profile, checked): (&String, &Checked)| Registration {
            profile: profile.clone(),
            authority: checked.authority.clone(),
            client_id: checked.client_id.clone(),
        };
        self.0.iter().map(registration).collect()
    }

    /// Where the refresh token of a stored sign-in may be sent today.
    pub(super) fn target_of(&self, entry: &Entry) -> Result<Target, ErrorBody> {
        let wrong = |reason: String| {
            ErrorBody::new(ErrorCode::Misconfigured, reason)
                .with_hint(format!("Sign in again: `entra login --profile {}`.", entry.key.profile))
        };
        let built_in =
            Authority::built_in(entry.cloud, &entry.tenant).map_err(|error| wrong(error.to_string()))?;
        let authority = if built_in.origin() == entry.authority {
            built_in
        } else {
            // An authority that only an administrator may name must still be named by one.
            let is_named = |checked: &&Checked| checked.authority.origin() == entry.authority;
            let owner = self.0.values().find(is_named).map_or(Owner::User, |checked| checked.owner);
            Authority::custom(entry.cloud, &entry.authority, &entry.tenant, owner)
                .map_err(|error| wrong(error.to_string()))?
        };
        let client_id = entry.client_id.parse().map_err(|error: ClientIdError| wrong(error.to_string()))?;
        Ok(Target::new(authority, client_id))
    }

    /// Where the profiles sign in.
    pub(super) fn hosts(&self) -> Vec<Destination> {
        let host = |(name, checked): (&String, &Checked)| {
            let (host, port) = checked.authority.host_and_port();
            Destination { host, port, purpose: format!("sign-in and tokens of the profile `{name}`") }
        };
        self.0.iter().map(host).collect()
    }

    /// The clouds that the profiles are of.
    pub(super) fn clouds(&self) -> BTreeSet<Cloud> {
        self.0.values().map(|checked| checked.authority.cloud()).collect()
    }

    /// The sign-in host that an administrator's source names for the profile.
    pub(super) fn administrators_authority(&self, profile: &str) -> Option<Authority> {
        let checked = self.0.get(profile).filter(|it| it.is_named && it.owner == Owner::Administrator)?;
        Some(checked.authority.clone())
    }

    /// What a sign-in is made to: the request's own words, else the profile's settings, else those of the
    /// account that is signed in under the profile, else the built-in ones.
    pub(super) fn target_for(
        &self,
        request: &SignInRequest,
        signed_in: Option<&Entry>,
    ) -> Result<Target, ErrorBody> {
        let name = request.profile.as_deref().unwrap_or(DEFAULT_PROFILE);
        if !is_profile_name(name) {
            let sentence = "A profile's name is letters, digits, hyphens and underscores, at most 64.";
            return Err(ErrorBody::new(ErrorCode::BadRequest, sentence));
        }
        let checked = self.0.get(name);
        let configured_client =
            checked.and_then(|checked| checked.client_id.as_ref()).map(|id| id.as_str().to_owned());
        // An account's own place stands in where the configuration says nothing of the profile.
        let signed_in = signed_in.filter(|_| configured_client.is_none());
        let client_id = request
            .client_id
            .clone()
            .or(configured_client)
            .or(signed_in.map(|entry| entry.client_id.clone()));
        let client_id = client_id.ok_or_else(|| client_id_needed(name))?;
        let client_id = client_id.trim().parse().map_err(|error: ClientIdError| bad(&error.to_string()))?;
        let authority = self.authority_for(checked, request, signed_in)?;
        Ok(Target::new(authority, client_id))
    }

    fn authority_for(
        &self,
        checked: Option<&Checked>,
        request: &SignInRequest,
        signed_in: Option<&Entry>,
    ) -> Result<Authority, ErrorBody> {
        let wrong = |error: AuthorityError| bad(&error.to_string());
        let tenant = request.tenant.as_deref().map(str::trim);
        if let Some(named) = checked.filter(|checked| checked.is_named) {
            if request.cloud.is_some_and(|cloud| cloud != named.authority.cloud()) {
                return Err(bad(
                    "The profile's configuration names its authority; another cloud needs another profile.",
                ));
            }
            return tenant
                .map_or(Ok(named.authority.clone()), |tenant| named.authority.with_tenant(tenant))
                .map_err(wrong);
        }
        if let (Some(entry), None, None) = (signed_in, request.cloud, tenant) {
            return self.target_of(entry).map(|target| target.authority);
        }
        let cloud = request.cloud.or(checked.map(|checked| checked.authority.cloud()));
        let cloud = cloud.or(signed_in.map(|entry| entry.cloud)).unwrap_or_default();
        let tenant = tenant.or(checked.map(|checked| checked.authority.tenant())).unwrap_or(ANY_WORK_TENANT);
        Authority::built_in(cloud, tenant).map_err(wrong)
    }
}

/// Any work or school tenant (Microsoft: "organizations").
const ANY_WORK_TENANT: &str = "organizations";

fn check(name: &str, profile: &Profile) -> Result<Checked, ProfileError> {
    let cloud: Cloud = profile.cloud.value;
    let (authority, source, owner) = match &profile.authority {
        Some(origin) => {
            let owner = if origin.source.is_administrators() { Owner::Administrator } else { Owner::User };
            (Authority::custom(cloud, &origin.value, &profile.tenant.value, owner), &origin.source, owner)
        }
        None => (Authority::built_in(cloud, &profile.tenant.value), &profile.tenant.source, Owner::User),
    };
    let authority = authority.map_err(|reason| {
        let is_tenants = matches!(reason, AuthorityError::Tenant(..));
        let source = if is_tenants { &profile.tenant.source } else { source };
        ProfileError::Authority { profile: name.to_owned(), source_: source.clone(), reason }
    })?;
    let client_id = profile.client_id.as_ref().map(|client_id| {
        client_id.value.parse().map_err(|reason| ProfileError::ClientId {
            profile: name.to_owned(),
            source_: client_id.source.clone(),
            reason,
        })
    });
    Ok(Checked { authority, is_named: profile.authority.is_some(), owner, client_id: client_id.transpose()? })
}

fn client_id_needed(profile: &str) -> ErrorBody {
    let sentence = format!("No app registration is configured for the profile `{profile}`.");
    ErrorBody::new(ErrorCode::ClientIdNeeded, sentence).with_hint(
        "In the Entra admin center, under App registrations, make one with the platform `Mobile and desktop applications`, \
         turn on `Allow public client flows`, and give its Application (client) ID by `entra login --client-id ID` or as \
         `client_id` in config.toml; `entra login --dev-client` tries things out without one.",
    )
}

fn bad(sentence: &str) -> ErrorBody {
    ErrorBody::new(ErrorCode::BadRequest, sentence)
}

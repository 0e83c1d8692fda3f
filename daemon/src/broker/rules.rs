//! What the settings allow the broker: profiles, ways to sign in, and an administrator's bounds. They are exchanged as one
//! when the settings change.
//!
//! Every target and every request for a token passes here, whoever makes it. An account stays where its place is no longer
//! allowed, with its tokens: it is refused with the reason, and served again when the bound goes.

use std::collections::BTreeMap;
use std::sync::Arc;

use entra_proto::account::Flow;
use entra_proto::cloud::Cloud;
use entra_proto::config::Destination;
use entra_proto::error::ErrorBody;
use entra_proto::registry::SUFFIXES;
use entra_proto::scope::Scopes;
use entra_proto::sign_in::SignInRequest;

use super::{Broker, ProfileError, Profiles, Registration};
use crate::access::lease::Allowed;
use crate::account::key::AccountKey;
use crate::config::{Bounds, Config, DEFAULT_PROFILE, Dialect, Flows, Profile, Setting, Source, refusal};
use crate::entra::authority::{Authority, Owner};
use crate::entra::target::Target;
use crate::vault::Entry;

/// The rules in force.
#[derive(Debug)]
pub struct Rules {
    profiles: Profiles,
    flows: Setting<Flows>,
    bounds: Bounds,
    resources: Option<(Allowed, Source)>,
    warnings: Vec<String>,
}

impl Rules {
    /// Those of these settings.
    ///
    /// # Errors
    /// [`ProfileError`] of the first profile that cannot be used, with its place.
    pub fn of(config: &Config) -> Result<Self, ProfileError> {
        let mut rules = Self::new(&config.profiles, config.flows.clone(), config.bounds.clone())?;
        rules.warnings = config.warnings().to_vec();
        Ok(rules)
    }

    /// Those of these profiles, ways and bounds.
    ///
    /// # Errors
    /// As [`Rules::of`].
    pub fn new(
        profiles: &BTreeMap<String, Profile>,
        flows: Setting<Flows>,
        bounds: Bounds,
    ) -> Result<Self, ProfileError> {
        let resources = bounds.resources.as_ref();
        let resources = resources.map(|list| (Allowed::of(&list.value), list.source.clone()));
        let profiles = Profiles::check(profiles)?;
        Ok(Self { profiles, flows, bounds, resources, warnings: Vec::new() })
    }

    /// What administrators allow.
    #[must_use]
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The ways to sign in, in the order in which they are tried.
    #[must_use]
    pub fn ways(&self) -> &Flows {
        &self.flows.value
    }

    /// The cloud of the default profile.
    #[must_use]
    pub fn default_cloud(&self) -> Cloud {
        self.profiles.cloud_of(DEFAULT_PROFILE)
    }

    /// The app registrations that the profiles name, and those of these entries where a profile names none.
    #[must_use]
    pub fn registrations<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> Vec<Registration> {
        self.profiles.registrations(entries)
    }

    /// What a person should know of the settings.
    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The hosts that the profiles need.
    #[must_use]
    pub fn hosts(&self) -> Vec<Destination> {
        let mut hosts = self.profiles.hosts();
        if self.bounds.allow_dialect(Dialect::Registry).is_ok() {
            let clouds = self.profiles.clouds();
            let suffixes = SUFFIXES.iter().filter(|(_, cloud)| clouds.contains(cloud));
            hosts.extend(suffixes.map(|(suffix, _)| Destination {
                host: format!("*{suffix}"),
                port: 443,
                purpose: "container registries, where docker or its like asks for them".to_owned(),
            }));
        }
        hosts
    }

    /// The ways that a sign-in may take, one of which the caller may have named.
    pub(super) fn flows(&self, named: Option<Flow>) -> Result<&Flows, ErrorBody> {
        let Setting { value: flows, source } = &self.flows;
        if let Some(named) = named {
            self.bounds.allow_flow(named)?;
            if source.is_administrators() && !flows.allow(named) {
                let what = format!("Sign-in by {} is not open here", named.describe());
                return Err(refusal(&what, "flows", source));
            }
        }
        if let (None, Some(forbidden)) = (flows.iter().next(), &self.bounds.forbidden_flows) {
            return Err(refusal("No way to sign in is open here", "forbidden_flows", &forbidden.source));
        }
        Ok(flows)
    }

    /// Where the refresh token of a stored sign-in may be sent today.
    pub(super) fn target_of(&self, entry: &Entry) -> Result<Target, ErrorBody> {
        let target = self.profiles.target_of(entry)?;
        self.bounds.allow_person(&entry.username)?;
        self.allow(&entry.key.profile, &target)?;
        Ok(target)
    }

    /// What a sign-in is made to.
    pub(super) fn target_for(
        &self,
        request: &SignInRequest,
        signed_in: Option<&Entry>,
    ) -> Result<Target, ErrorBody> {
        let target = self.profiles.target_for(request, signed_in)?;
        self.allow(request.profile.as_deref().unwrap_or(DEFAULT_PROFILE), &target)?;
        Ok(target)
    }

    /// Whether tokens for these scopes may be asked for.
    pub(super) fn allow_scopes(&self, scopes: &Scopes) -> Result<(), ErrorBody> {
        match &self.resources {
            Some((allowed, source)) if !allowed.covers(scopes) => {
                let what = format!("No token may be asked for `{}`", short(&scopes.to_string()));
                Err(refusal(&what, "allowed_resources", source))
            }
            _ => Ok(()),
        }
    }

    fn allow(&self, profile: &str, target: &Target) -> Result<(), ErrorBody> {
        let Target { authority, client_id } = target;
        let (cloud, tenant) = (authority.cloud(), authority.tenant());
        self.bounds.allow_place(profile, cloud, tenant, client_id.as_str())?;
        let Some((key, lock)) = self.authority_lock(profile) else { return Ok(()) };
        let locked_to = match key {
            "authority" => Authority::custom(cloud, &lock.value, tenant, Owner::Administrator),
            // With the cloud, its sign-in host is locked, unless an administrator names another one.
            _ => match self.profiles.administrators_authority(profile) {
                Some(named) => Ok(named),
                None => Authority::built_in(cloud, tenant),
            },
        };
        if locked_to.is_ok_and(|locked| locked.origin() == authority.origin()) {
            return Ok(());
        }
        let what =
            format!("The sign-in host {} may not be used under the profile `{profile}`", authority.origin());
        Err(self.bounds.locked_out(&what, key, lock))
    }

    fn authority_lock(&self, profile: &str) -> Option<(&'static str, &Setting<String>)> {
        let lock = |key: &'static str| Some((key, self.bounds.lock(profile, key)?));
        lock("authority").or_else(|| lock("cloud"))
    }
}

impl Default for Rules {
    /// As where nobody set anything.
    fn default() -> Self {
        Self {
            profiles: Profiles::default(),
            flows: Setting::built_in(Flows::default()),
            bounds: Bounds::default(),
            resources: None,
            warnings: Vec::new(),
        }
    }
}

impl Broker {
    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.state().rules)
    }

    /// Why the settings in force are not those that stand written, until the next that can be used.
    pub fn warn_of_settings(&self, fault: &str) {
        self.state().settings_fault = Some(fault.to_owned());
    }

    /// Puts other rules in force, at once and for every account: none loses a token, and one whose place is no longer allowed
    /// is refused with the reason.
    pub fn follow(&self, rules: Rules) {
        let rules = Arc::new(rules);
        let mut state = self.state();
        state.rules = Arc::clone(&rules);
        state.settings_fault = None;
        let mut allowed_again: Vec<AccountKey> = Vec::new();
        for (key, known) in &mut state.known {
            let target = rules.target_of(&known.entry);
            if known.target.is_err() && target.is_ok() {
                allowed_again.push(key.clone());
            }
            known.target = target;
        }
        drop(state);
        if !allowed_again.is_empty() {
            tracing::info!(accounts = allowed_again.len(), "accounts may be used again");
        }
        self.rescheduled.notify_one();
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(200).collect()
}

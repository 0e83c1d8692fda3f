//! What administrators allow, as one value that every room asks which serves or refuses.
//!
//! Each question is answered by nothing, or by the refusal in words: what was asked, and which key in which place forbids it.
//! A key of a profile that is locked bounds that profile, and the default profile's bounds every other one as well: a lock
//! that a second profile could get around would be none.

use std::collections::BTreeMap;
use std::time::Duration;

use entra_proto::account::Flow;
use entra_proto::cloud::Cloud;
use entra_proto::error::{ErrorBody, ErrorCode};

use super::layer::Layers;
use super::source::{Setting, Source};
use super::{DEFAULT_PROFILE, keys};
use crate::metrics::{Dialect, Word};

/// The bounds in force.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Clouds that accounts may be of, where they are bounded.
    pub clouds: Option<Setting<Vec<String>>>,
    /// Tenants that may be asked, as ids or domains.
    pub tenants: Option<Setting<Vec<String>>>,
    /// App registrations that may be used.
    pub client_ids: Option<Setting<Vec<String>>>,
    /// Domains of user names.
    pub domains: Option<Setting<Vec<String>>>,
    /// Resources, as addresses or short names.
    pub resources: Option<Setting<Vec<String>>>,
    /// Homes of the sealing key.
    pub stores: Option<Setting<Vec<String>>>,
    /// Ways to sign in that nobody may use.
    pub forbidden_flows: Option<Setting<Vec<Flow>>>,
    /// The dialects that are served, by name.
    pub dialects: Setting<Vec<String>>,
    /// Whether there are leases.
    pub leases: Setting<bool>,
    /// How long a lease may stand.
    pub longest_lease: Option<Setting<Duration>>,
    /// Whether callers from elsewhere are served.
    pub forwarding: Setting<bool>,
    /// Whether pages for signing in are opened.
    pub sign_in_page: Setting<bool>,
    /// Locked keys of profiles by their full names. No other, since a proxy's password would be shown by `Debug`.
    locked: BTreeMap<String, Setting<String>>,
}

impl Bounds {
    pub(super) fn read(layers: &Layers) -> Self {
        let flows = |list: Vec<String>| list.iter().filter_map(|word| flow(word)).collect::<Vec<_>>();
        let of_profiles =
            layers.names().into_iter().filter(|full| keys::find(full).is_some_and(|key| key.is_of_profile));
        let locked = of_profiles.filter_map(|full| {
            let setting = layers.text(&full).filter(|setting| setting.source.is_locked())?;
            Some((full, setting))
        });
        Self {
            clouds: layers.list("allowed_clouds"),
            tenants: layers.list("allowed_tenants"),
            client_ids: layers.list("allowed_client_ids"),
            domains: layers.list("allowed_domains"),
            resources: layers.list("allowed_resources"),
            stores: layers.list("allowed_stores"),
            forbidden_flows: layers.list("forbidden_flows").map(|setting| setting.map(flows)),
            dialects: layers.list("dialects").unwrap_or_else(|| Setting::built_in(Vec::new())),
            leases: layers.is_on("leases"),
            longest_lease: layers.duration("longest_lease"),
            forwarding: layers.is_on("forwarding"),
            sign_in_page: layers.is_on("sign_in_page"),
            locked: locked.collect(),
        }
    }

    /// Whether an account of this cloud, tenant and app registration may be used under the profile.
    ///
    /// # Errors
    /// `refused`, with the key and its place.
    pub fn allow_place(
        &self,
        profile: &str,
        cloud: Cloud,
        tenant: &str,
        client_id: &str,
    ) -> Result<(), ErrorBody> {
        self.within(profile, "cloud", "allowed_clouds", &self.clouds, cloud.name(), "The cloud")?;
        self.allow_tenant(profile, tenant)?;
        let list = &self.client_ids;
        self.within(profile, "client_id", "allowed_client_ids", list, client_id, "The app registration")
    }

    /// Whether this tenant may be asked under the profile.
    ///
    /// # Errors
    /// `refused`, with the key and its place.
    pub fn allow_tenant(&self, profile: &str, tenant: &str) -> Result<(), ErrorBody> {
        self.within(profile, "tenant", "allowed_tenants", &self.tenants, tenant, "The tenant")
    }

    /// Whether this person may sign in.
    ///
    /// # Errors
    /// `refused`, with the key and its place.
    pub fn allow_person(&self, username: &str) -> Result<(), ErrorBody> {
        let Some(domains) = &self.domains else { return Ok(()) };
        let domain = username.rsplit_once('@').map_or("", |(_, domain)| domain);
        let is_it = |allowed: &String| allowed.trim().trim_start_matches('@').eq_ignore_ascii_case(domain);
        if !domain.is_empty() && domains.value.iter().any(is_it) {
            return Ok(());
        }
        Err(refusal(&format!("`{username}` may not be signed in here"), "allowed_domains", &domains.source))
    }

    /// Whether this way to sign in is open.
    ///
    /// # Errors
    /// `refused`, with the key and its place.
    pub fn allow_flow(&self, flow: Flow) -> Result<(), ErrorBody> {
        match &self.forbidden_flows {
            Some(forbidden) if forbidden.value.contains(&flow) => {
                let what = format!("Sign-in by {} is not open here", flow.describe());
                Err(refusal(&what, "forbidden_flows", &forbidden.source))
            }
            _ => Ok(()),
        }
    }

    /// Whether this dialect is served.
    ///
    /// # Errors
    /// `refused`, with the key and its place.
    pub fn allow_dialect(&self, dialect: Dialect) -> Result<(), ErrorBody> {
        let is_served = self.dialects.value.iter().any(|name| name == dialect.text());
        let what = format!("The dialect `{}` is not served here", dialect.text());
        if is_served { Ok(()) } else { Err(refusal(&what, "dialects", &self.dialects.source)) }
    }

    /// Whether there are leases.
    ///
    /// # Errors
    /// `refused`, with the key and its place.
    pub fn allow_leases(&self) -> Result<(), ErrorBody> {
        when_on(&self.leases, "There are no leases here", "leases")
    }

    /// Whether pages for signing in are opened.
    ///
    /// # Errors
    /// `refused`, with the key and its place.
    pub fn allow_sign_in_page(&self) -> Result<(), ErrorBody> {
        when_on(&self.sign_in_page, "No page for signing in is opened here", "sign_in_page")
    }

    /// Whether a caller from another machine or container is served.
    ///
    /// # Errors
    /// `refused`, with the key and its place.
    pub fn allow_forwarding(&self) -> Result<(), ErrorBody> {
        when_on(&self.forwarding, "Callers from another machine or container are not served", "forwarding")
    }

    /// Whether this home may hold the sealing key.
    ///
    /// # Errors
    /// `refused`, with the key and its place.
    pub fn allow_store(&self, home: &str) -> Result<(), ErrorBody> {
        match &self.stores {
            Some(stores) if !stores.value.iter().any(|name| name == home) => {
                let what = format!("The sealing key may not live in `{home}`");
                Err(refusal(&what, "allowed_stores", &stores.source))
            }
            _ => Ok(()),
        }
    }

    /// How long a lease lives that asks for this long, in seconds; one that does not say lives as long as it may.
    ///
    /// # Errors
    /// `refused` where it asks for longer, with the key and its place.
    pub fn lease_life(&self, asked: Option<u64>) -> Result<Option<u64>, ErrorBody> {
        let Some(longest) = &self.longest_lease else { return Ok(asked) };
        let most = longest.value.as_secs();
        match asked {
            Some(asked) if asked > most => {
                let what =
                    format!("A lease may stand for {} at most", humantime::format_duration(longest.value));
                Err(refusal(&what, "longest_lease", &longest.source))
            }
            asked => Ok(Some(asked.unwrap_or(most))),
        }
    }

    /// The value that a key of this profile is locked to: its own, else the default profile's.
    #[must_use]
    pub fn lock(&self, profile: &str, key: &str) -> Option<&Setting<String>> {
        let own = (profile != DEFAULT_PROFILE).then(|| format!("profile.{profile}.{key}"));
        own.and_then(|own| self.locked.get(&own)).or_else(|| self.locked.get(key))
    }

    /// The refusal of what a lock forbids.
    #[must_use]
    pub fn locked_out(&self, what: &str, key: &str, lock: &Setting<String>) -> ErrorBody {
        refusal(what, key, &lock.source)
    }

    fn within(
        &self,
        profile: &str,
        key: &str,
        list_key: &str,
        list: &Option<Setting<Vec<String>>>,
        asked: &str,
        what: &str,
    ) -> Result<(), ErrorBody> {
        let lock = self.lock(profile, key);
        let is_locked_to = lock.is_some_and(|lock| lock.value.eq_ignore_ascii_case(asked));
        let names =
            |list: &Setting<Vec<String>>| list.value.iter().any(|it| it.trim().eq_ignore_ascii_case(asked));
        let what = || format!("{what} `{}` may not be used under the profile `{profile}`", plain(asked));
        match (lock, list) {
            _ if is_locked_to => Ok(()),
            (_, Some(list)) if names(list) => Ok(()),
            (None, None) => Ok(()),
            (_, Some(list)) => Err(refusal(&what(), list_key, &list.source)),
            (Some(lock), None) => Err(refusal(&what(), key, &lock.source)),
        }
    }
}

impl Default for Bounds {
    /// As where nobody set any.
    fn default() -> Self {
        Self::read(&Layers::default())
    }
}

fn when_on(setting: &Setting<bool>, what: &str, key: &str) -> Result<(), ErrorBody> {
    if setting.value { Ok(()) } else { Err(refusal(what, key, &setting.source)) }
}

/// The one form of every refusal by a setting.
#[must_use]
pub fn refusal(what: &str, key: &str, source: &Source) -> ErrorBody {
    let place = match source {
        Source::BuiltIn => "a built-in default".to_owned(),
        source => source.to_string(),
    };
    let hint = match source.is_administrators() {
        true => format!("The administrator of this machine set it; `entra config explain {key}` shows it."),
        false => format!("`entra config explain {key}` shows the setting, which is yours to change."),
    };
    ErrorBody::new(ErrorCode::Refused, format!("{what}: `{key}` in {place} does not allow it."))
        .with_hint(hint)
}

fn flow(word: &str) -> Option<Flow> {
    match word {
        "browser" => Some(Flow::Browser),
        "device_code" => Some(Flow::DeviceCode),
        _ => None,
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(80).collect()
}

#[cfg(test)]
#[path = "bounds_tests.rs"]
mod tests;

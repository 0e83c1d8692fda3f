//! The settings as `GET /v1/config` tells them: each with its value, where that came from, and what it overrides.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entra_proto::config::{ConfigAnswer, Destination, Kind, Overridden, SettingInfo, SourceInfo};
use entra_proto::resource;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::keys::{self, KEYS, Key, Unset};
use super::source::{Setting, Source};
use super::{Config, DEFAULT_PROFILE, redacted, values};

impl Config {
    /// All of it. `hosts` are those that the profiles need; `applied_on` is in seconds since 1970.
    #[must_use]
    pub fn answer(
        &self,
        hosts: Vec<Destination>,
        applied_on: u64,
        waiting_for_restart: Vec<String>,
    ) -> ConfigAnswer {
        let own =
            KEYS.iter().filter(|key| keys::is_of_files(key)).map(|key| self.told(key, key.name.to_owned()));
        let profiles = self.profiles.keys().filter(|name| *name != DEFAULT_PROFILE);
        let of_profiles = profiles.flat_map(|name| {
            let keys = KEYS.iter().filter(|key| key.is_of_profile);
            keys.map(move |key| self.told(key, format!("profile.{name}.{}", key.name)))
        });
        ConfigAnswer {
            settings: own.chain(of_profiles).collect(),
            sources: self.sources.clone(),
            egress: self.egress(hosts),
            applied_on,
            waiting_for_restart,
        }
    }

    /// A short digest of every setting in force and its layer, so that the audit log tells two sets of them apart. Of a password
    /// there is nothing in it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        for setting in self.answer(Vec::new(), 0, Vec::new()).settings {
            let told = (&setting.key, &setting.value, setting.origin.layer);
            digest.update(serde_json::to_vec(&told).unwrap_or_default());
        }
        digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The full names of the keys whose values differ.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Vec<String> {
        self.apart(other, |setting| setting.value)
    }

    /// The same, with those whose values come from another layer: what was somebody's choice may be locked now.
    #[must_use]
    pub fn changed(&self, other: &Self) -> Vec<String> {
        self.apart(other, |setting| (setting.source.layer(), setting.value))
    }

    /// Whether the other was read of the very same sources, each with the same in the same places.
    #[must_use]
    pub fn is_read_as(&self, other: &Self) -> bool {
        self.layers == other.layers && self.sources == other.sources && self.policy == other.policy
    }

    fn apart<T: PartialEq>(&self, other: &Self, of: impl Fn(Setting<String>) -> T) -> Vec<String> {
        let mut names = self.layers.names();
        names.extend(other.layers.names());
        let seen = |config: &Self, full: &str| {
            let adds_up = keys::find(full).is_some_and(|key| key.adds_up);
            let setting = if adds_up { config.layers.joined(full) } else { config.layers.text(full) };
            setting.map(&of)
        };
        names.retain(|full| seen(self, full) != seen(other, full));
        names.into_iter().collect()
    }

    fn told(&self, key: &'static Key, full: String) -> SettingInfo {
        let joined = key.adds_up.then(|| self.layers.joined(&full)).flatten();
        let mut all = self.layers.all(&full);
        let strongest = joined.as_ref().or(all.next());
        // What is joined overrides nothing.
        let mut overrides: Vec<_> = all
            .filter(|_| !key.adds_up)
            .map(|setting| Overridden { value: shown(key, &setting.value), origin: setting.source.origin() })
            .collect();
        let default = match key.default {
            Unset::Nothing => None,
            Unset::Value(words) | Unset::Described(words) => Some(words.to_owned()),
        };
        let built_in = self.built_in(key);
        let (value, source) = match strongest {
            Some(Setting { value, source }) => {
                let under = built_in.map(|value| Overridden { value, origin: Source::BuiltIn.origin() });
                overrides.extend(under);
                (Some(self.in_force(key, value)), source.clone())
            }
            None => (built_in, Source::BuiltIn),
        };
        SettingInfo {
            key: full,
            kind: key.kind,
            choices: key.choices.iter().map(|&word| word.to_owned()).collect(),
            value,
            origin: source.origin(),
            is_locked: source.is_locked(),
            overrides,
            summary: key.summary.to_owned(),
            default,
            needs_restart: key.needs_restart,
            is_administrators: key.is_administrators,
            is_of_profile: key.is_of_profile,
        }
    }

    /// What a key is where nobody set it, where that can be said as a value.
    fn built_in(&self, key: &Key) -> Option<Value> {
        let unset = |setting: &Setting<std::path::PathBuf>| {
            let is_unset = setting.source == Source::BuiltIn;
            is_unset.then(|| Value::from(setting.value.to_string_lossy()))
        };
        match (key.default, key.name) {
            (Unset::Value(text), _) => {
                key.take(values::Given::Text(text.to_owned())).ok().map(|text| shown(key, &text))
            }
            (_, "socket") => unset(&self.socket),
            (_, "state_dir") => unset(&self.state_dir),
            _ => None,
        }
    }

    /// A value, narrowed where another key narrows it.
    fn in_force(&self, key: &Key, text: &str) -> Value {
        match key.name {
            "flows" => self.flows.value.iter().map(|flow| Value::from(word(flow))).collect(),
            _ => shown(key, text),
        }
    }

    fn egress(&self, mut all: Vec<Destination>) -> Vec<Destination> {
        let at = |host: String, port, purpose: &str| Destination { host, port, purpose: purpose.to_owned() };
        if let Some(resource) = &self.foundry_resource {
            let purpose = "Claude and other models on Foundry";
            all.extend(match resource.value.contains("://") {
                true => host_of(&resource.value).map(|(host, port)| at(host, port, purpose)),
                false => self
                    .foundry()
                    .map(|(domain, port)| at(format!("{}.services.{domain}", resource.value), port, purpose)),
            });
        }
        let collector = self.otlp_endpoint.as_ref().and_then(|collector| host_of(&collector.value));
        all.extend(collector.map(|(host, port)| at(host, port, "the OpenTelemetry collector")));
        for proxy in [&self.network.https_proxy, &self.network.http_proxy, &self.network.all_proxy] {
            let proxy = proxy.as_ref().and_then(|proxy| host_of(proxy.value.expose()));
            all.extend(
                proxy.map(|(host, port)| at(host, port, "the proxy, by which the others are reached")),
            );
        }
        all.sort();
        all.dedup();
        all
    }

    /// Where Foundry is in the cloud of the default profile.
    fn foundry(&self) -> Option<(String, u16)> {
        let cloud = self.profiles.get(DEFAULT_PROFILE).map(|profile| profile.cloud.value);
        host_of(resource::named("foundry")?.address(cloud.unwrap_or_default())?)
    }
}

/// A value in its own type, without passwords.
fn shown(key: &Key, text: &str) -> Value {
    match key.kind {
        Kind::Number => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
        Kind::List | Kind::Choices => {
            let words = values::list(text).unwrap_or_default();
            // Only what is an address may have a password: an `@` stands in many a word.
            let safe = |word: String| if word.contains("://") { redacted(&word) } else { word };
            words.into_iter().map(safe).collect()
        }
        Kind::Text => Value::from(redacted(text)),
        Kind::Path | Kind::Switch | Kind::Duration | Kind::Choice => Value::from(text),
    }
}

fn word(flow: entra_proto::account::Flow) -> &'static str {
    match flow {
        entra_proto::account::Flow::Browser => "browser",
        entra_proto::account::Flow::DeviceCode => "device_code",
    }
}

fn host_of(address: &str) -> Option<(String, u16)> {
    let has_scheme = address.contains("://");
    let url =
        url::Url::parse(&if has_scheme { address.to_owned() } else { format!("http://{address}") }).ok()?;
    let usual = if url.scheme().starts_with("socks") { 1080 } else { 80 };
    Some((url.host_str()?.to_owned(), url.port_or_known_default().unwrap_or(usual)))
}

/// What was told last, for who asks.
#[derive(Debug)]
pub struct Told(Mutex<State>);

#[derive(Debug)]
struct State {
    answer: Arc<ConfigAnswer>,
    /// Why what the sources say now could not be put in force.
    fault: Option<String>,
}

impl Told {
    /// Begins with this.
    #[must_use]
    pub fn new(answer: ConfigAnswer) -> Self {
        Self(Mutex::new(State { answer: Arc::new(answer), fault: None }))
    }

    /// The last answer.
    #[must_use]
    pub fn answer(&self) -> Arc<ConfigAnswer> {
        Arc::clone(&self.state().answer)
    }

    /// Another one from now on.
    pub fn tell(&self, answer: ConfigAnswer) {
        *self.state() = State { answer: Arc::new(answer), fault: None };
    }

    /// The last one, with what the sources are like now where that is known: what they say could not be put in force.
    pub fn refuse(&self, fault: String, sources: Option<Vec<SourceInfo>>) {
        let mut state = self.state();
        if let Some(sources) = sources {
            state.answer = Arc::new(ConfigAnswer { sources, ..ConfigAnswer::clone(&state.answer) });
        }
        state.fault = Some(fault);
    }

    /// Why what the sources say now is not in force, where it is not.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.state().fault.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;

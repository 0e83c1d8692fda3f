//! One layer of settings, read whole or refused whole, and all of them together.
//!
//! Each value is checked as it comes in, so that a layer that was read can be used: what is left to go wrong later is what
//! needs the other settings to be seen. The layers are kept apart, so that what overrides what can be told.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use entra_proto::config as wire;

use super::error::LayerError;
use super::keys::{self, KEYS, Key, Unset};
use super::policy;
use super::source::{Setting, Source};
use super::values::{self, Given, Wrong};
use super::{Args, DEFAULT_PROFILE, Flows};

/// Settings by their full names. It has no `Debug`: a proxy's password may be among them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Layer(BTreeMap<String, Setting<String>>);

impl Layer {
    pub(super) fn command_line(args: &Args) -> Result<Self, LayerError> {
        let mut layer = Self::default();
        for (key, value) in args.given() {
            let source = Source::CommandLine(format!("--{}", key.name.replace('_', "-")));
            layer.take_as(key, key.name.to_owned(), Given::Text(value.to_owned()), source)?;
        }
        Ok(layer)
    }

    pub(super) fn environment(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, LayerError> {
        let mut layer = Self::default();
        for key in KEYS {
            let name = format!("ENTRAD_{}", key.name.to_ascii_uppercase());
            if let Some(value) = variable(&name).filter(|value| !value.is_empty()) {
                let value = value.into_string().map_err(|_| LayerError::NotText(name.clone()))?;
                layer.take_as(key, key.name.to_owned(), Given::Text(value), Source::Environment(name))?;
            }
        }
        Ok(layer)
    }

    /// Takes a value in, of a file or of a managed source.
    pub(super) fn take(&mut self, full: &str, given: Given, source: Source) -> Result<(), LayerError> {
        match keys::profile_of(full) {
            Some((DEFAULT_PROFILE, key)) => {
                return Err(LayerError::DefaultProfile { key: values::shown(key), source_: source });
            }
            Some((profile, _)) if !is_profile_name(profile) => {
                let key = values::shown(&format!("profile.{profile}"));
                return Err(LayerError::ProfileName { key, source_: source });
            }
            _ => {}
        }
        let Some(key) = keys::find(full).filter(|key| keys::is_of_files(key)) else {
            return Err(LayerError::Unknown {
                nearest: keys::nearest(full),
                key: values::shown(full),
                source_: source,
            });
        };
        self.take_as(key, full.to_owned(), given, source)
    }

    fn take_as(&mut self, key: &Key, full: String, given: Given, source: Source) -> Result<(), LayerError> {
        if key.is_administrators && !source.is_administrators() {
            return Err(LayerError::Administrators { key: full, source_: source });
        }
        match key.take(given) {
            Ok(value) => {
                self.0.insert(full, Setting { value, source });
                Ok(())
            }
            Err(Wrong::Type { found, expected }) => {
                Err(LayerError::Type { key: full, source_: source, found, expected })
            }
            Err(Wrong::Value { expected, reason }) => {
                Err(LayerError::Value { key: full, source_: source, expected, reason })
            }
        }
    }

    pub(super) fn get(&self, full: &str) -> Option<&Setting<String>> {
        self.0.get(full)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Whether a profile may be called so: letters, digits, hyphens and underscores, at most 64.
#[must_use]
pub fn is_profile_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.len() <= 64 && name.bytes().all(is_plain)
}

/// All layers, the weakest first.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Layers(pub(super) Vec<Layer>);

impl Layers {
    /// Every value of a key that some layer has, the strongest first.
    pub(super) fn all<'a>(&'a self, full: &'a str) -> impl Iterator<Item = &'a Setting<String>> {
        self.0.iter().rev().filter_map(move |layer| layer.get(full))
    }

    /// The strongest value, else the one that it is where nobody set it.
    pub(super) fn text(&self, full: &str) -> Option<Setting<String>> {
        let set = self.all(full).next().cloned();
        set.or_else(|| match keys::find(full)?.default {
            Unset::Value(default) => {
                let value = keys::find(full)?.take(Given::Text(default.to_owned())).ok()?;
                Some(Setting::built_in(value))
            }
            Unset::Nothing | Unset::Described(_) => None,
        })
    }

    /// The values of all layers, joined, of a key that adds up.
    pub(super) fn joined(&self, full: &str) -> Option<Setting<String>> {
        policy::joined(self.all(full))
    }

    /// Nothing where it is `off`.
    pub(super) fn unless_off(&self, full: &str) -> Option<Setting<String>> {
        self.text(full).filter(|setting| setting.value != values::OFF)
    }

    pub(super) fn path(&self, full: &str) -> Result<Option<Setting<PathBuf>>, LayerError> {
        let Some(setting) = self.text(full) else { return Ok(None) };
        let path = std::path::absolute(&setting.value).map_err(|reason| LayerError::Value {
            key: full.to_owned(),
            source_: setting.source.clone(),
            expected: "a path".to_owned(),
            reason: reason.to_string(),
        })?;
        Ok(Some(Setting { value: path, source: setting.source }))
    }

    pub(super) fn number<T: std::str::FromStr>(&self, full: &str) -> Option<Setting<T>> {
        let setting = self.text(full)?;
        let value = setting.value.parse().ok()?;
        Some(Setting { value, source: setting.source })
    }

    pub(super) fn is_on(&self, full: &str) -> Setting<bool> {
        let setting = self.text(full).unwrap_or_else(|| Setting::built_in(values::OFF.to_owned()));
        setting.map(|text| values::switch(&text) == Some(true))
    }

    pub(super) fn list(&self, full: &str) -> Option<Setting<Vec<String>>> {
        self.text(full).map(|setting| setting.map(|text| values::list(&text).unwrap_or_default()))
    }

    pub(super) fn paths(&self, full: &str) -> Option<Setting<Vec<PathBuf>>> {
        self.list(full).map(|setting| setting.map(|list| list.into_iter().map(PathBuf::from).collect()))
    }

    pub(super) fn duration(&self, full: &str) -> Option<Setting<Duration>> {
        let setting = self.unless_off(full)?;
        let value = humantime::parse_duration(&setting.value).ok()?;
        Some(Setting { value, source: setting.source })
    }

    pub(super) fn flows(&self, full: &str) -> Setting<Flows> {
        let list = self.list(full).unwrap_or_else(|| Setting::built_in(Vec::new()));
        list.map(|list| list.join(",").parse().unwrap_or_default())
    }

    /// One of the layers, by its place among them.
    pub(super) fn only(&self, layer: wire::Layer) -> Self {
        let is_it = |it: &&Layer| it.0.values().any(|setting| setting.source.layer() == layer);
        Self(self.0.iter().filter(is_it).cloned().collect())
    }

    /// The full names that some layer has.
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.0.iter().flat_map(|layer| layer.0.keys().cloned()).collect()
    }

    pub(super) fn profile_names(&self) -> BTreeSet<String> {
        let keys = self.0.iter().flat_map(|layer| layer.0.keys());
        keys.filter_map(|key| keys::profile_of(key)).map(|(profile, _)| profile.to_owned()).collect()
    }
}

/// A path as text, for messages.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}

impl std::fmt::Debug for Layers {
    /// Names alone: a proxy's password may be among the values.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

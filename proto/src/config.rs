//! `GET /v1/config`: every setting with its value, where that came from, and whether it is locked.
//!
//! The answer describes each key well enough that whoever reads it needs no list of keys of its own: exports, schemas and
//! reports are made of it. It holds no secret: a password within a value is replaced before it is sent.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::secret::Passphrase;

/// `GET /v1/config`, and what `entrad --report config` prints. Instants are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigAnswer {
    /// Every key of the daemon and of the default profile, then those of further profiles as `profile.NAME.key`.
    pub settings: Vec<SettingInfo>,
    /// Every place that was looked at, from the weakest to the strongest.
    pub sources: Vec<SourceInfo>,
    /// Hosts that have to be reached with these settings.
    pub egress: Vec<Destination>,
    /// When these settings came into force.
    pub applied_on: u64,
    /// Keys whose new value waits for the daemon's next start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting_for_restart: Vec<String>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingInfo {
    /// Its name in every layer: as it stands in TOML, in upper case behind `ENTRAD_` in the environment, with hyphens on
    /// the command line.
    pub key: String,
    /// What its values are.
    pub kind: Kind,
    /// The words that it may be, or that its list may have, where there are no others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// The value in force: a string, a number, a list of strings; nothing where it is not set and has no default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Where it came from.
    pub origin: Origin,
    /// Whether it came from a managed source, so that nothing else can change it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_locked: bool,
    /// What it would be without the layers above, the strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Overridden>,
    /// What it is for, in one sentence.
    pub summary: String,
    /// What it is where nobody set it, in words; nothing where it is not set then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether a change waits for the daemon's next start.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_restart: bool,
    /// Whether only an administrator's source may set it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_administrators: bool,
    /// Whether each profile has one of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_of_profile: bool,
}

/// What the values of a key are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Any text.
    Text,
    /// A file or folder, absolute.
    Path,
    /// A whole number.
    Number,
    /// `on` or `off`.
    Switch,
    /// A time such as `30m`.
    Duration,
    /// One of some words.
    Choice,
    /// A list of strings.
    List,
    /// A list of some words.
    Choices,
}

/// A value that a stronger layer replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overridden {
    /// The value.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The layer.
    pub layer: Layer,
    /// The place within it: a file and line, a variable, an option, a registry key.
    pub place: String,
}

/// The layers of settings, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Nobody set it.
    BuiltIn,
    /// The managed settings of Claude Desktop, which name a tenant, an app registration and a resource.
    ClaudeDesktop,
    /// The administrator's file.
    Machine,
    /// The user's file.
    User,
    /// A variable.
    Environment,
    /// An option.
    CommandLine,
    /// What administrators push; nothing overrides it.
    Managed,
}

/// A place that settings may come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// Its layer.
    pub layer: Layer,
    /// The file, folder, registry key or preference domain.
    pub place: String,
    /// How many settings it holds; none where it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<u32>,
    /// Why nothing of it is used, with what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// A host that has to be reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Destination {
    /// Its name, or a pattern with a leading `*.`.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// What for.
    pub purpose: String,
}

/// `POST /v1/config/client-key-passphrase`: what opens the key of the client certificate, to be kept in the sealed file. It
/// is never given out again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassphraseRequest {
    /// The passphrase: 1 to 1024 bytes.
    pub passphrase: Passphrase,
}

/// The answer to that, and to `DELETE /v1/config/client-key-passphrase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassphraseAnswer {
    /// Whether a passphrase is kept now.
    pub is_kept: bool,
}

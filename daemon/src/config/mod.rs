//! Settings: their layers, and where each value came from.
//!
//! Built-in values < Claude Desktop's managed settings < the administrator's file < the user's file < environment < command
//! line < what administrators manage. Each setting has one name everywhere: `a_b` in TOML, `ENTRAD_A_B`, `--a-b`. A source is
//! taken whole or refused whole, with the place and the nearest valid name; a daemon never runs on half a configuration. Rules
//! of who may ask for what are the one setting that adds up (`policy`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use entra_proto::cloud::Cloud;
use entra_proto::config::{self as wire, SourceInfo};
use entra_proto::endpoint;

mod answer;
mod args;
mod bounds;
mod claude_desktop;
mod confine;
mod consent;
mod error;
mod file;
mod flows;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod keys;
mod layer;
mod lock_on;
mod loopback;
#[cfg_attr(target_os = "linux", path = "managed_linux.rs")]
#[cfg_attr(target_os = "macos", path = "managed_macos.rs")]
#[cfg_attr(windows, path = "managed_windows.rs")]
mod managed;
mod managed_folder;
mod managed_values;
mod nearest;
mod network;
#[cfg_attr(unix, path = "owner_unix.rs")]
#[cfg_attr(windows, path = "owner_windows.rs")]
mod owner;
#[cfg_attr(target_os = "linux", path = "paths_linux.rs")]
#[cfg_attr(target_os = "macos", path = "paths_macos.rs")]
#[cfg_attr(windows, path = "paths_windows.rs")]
mod paths;
mod places;
#[cfg(not(target_os = "linux"))]
#[cfg_attr(windows, path = "policies_windows.rs")]
#[cfg_attr(not(windows), path = "policies_other.rs")]
mod policies;
mod policy;
mod prompting;
mod quiet_hours;
mod redact;
#[cfg_attr(windows, path = "registry_windows.rs")]
#[cfg_attr(not(windows), path = "registry_other.rs")]
mod registry;
mod source;
mod sources;
mod values;
mod watch;
#[cfg_attr(target_os = "linux", path = "watcher_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "watcher_other.rs")]
mod watcher;

pub use answer::Told;
pub use args::{Args, Report};
pub use bounds::{Bounds, refusal};
pub use confine::Confine;
pub use consent::Consenting;
pub use error::{ConfigError, LayerError};
pub use file::draft_text;
pub use flows::Flows;
use layer::Layers;
pub use layer::is_profile_name;
pub use lock_on::LockOn;
pub use loopback::LoopbackChoice;
pub use nearest::most_like;
pub use network::{Network, Proxy};
pub use places::{Administrators, Hive, Place, Places};
pub use policy::PolicyPart;
pub use prompting::{Notify, Prompting};
pub use quiet_hours::QuietHours;
pub use redact::redacted;
pub use source::{Setting, Source};
use sources::Sources;
pub use watch::Watch;

pub use crate::metrics::Dialect;

/// The profile that is meant when none is named.
pub const DEFAULT_PROFILE: &str = "default";

/// Everything the daemon is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub socket: Setting<PathBuf>,
    /// Where the sealed file and the lock live.
    pub state_dir: Setting<PathBuf>,
    /// The home of the sealing key, by name.
    pub store: Setting<String>,
    /// The file with the passphrase, if one is named.
    pub passphrase_file: Option<Setting<PathBuf>>,
    /// The descriptor to read the passphrase from, if one is named.
    pub passphrase_fd: Option<Setting<i32>>,
    /// What to log, as `tracing` filter directives.
    pub log: Setting<String>,
    /// Where the log goes: `stderr`, `journald`, `syslog`, `file`.
    pub log_sinks: Setting<Vec<String>>,
    /// How the audit log is kept.
    pub audit: AuditSettings,
    /// The OpenTelemetry collector, if one is named.
    pub otlp_endpoint: Option<Setting<String>>,
    /// The ways to sign in that are allowed.
    pub flows: Setting<Flows>,
    /// The loopback port for tools.
    pub loopback: Setting<LoopbackChoice>,
    /// When the kernel is to hold the process to its own files.
    pub confine: Setting<Confine>,
    /// How a person is asked.
    pub prompting: Prompting,
    /// How a person is asked for their word.
    pub consenting: Consenting,
    /// What locks entrad by itself.
    pub lock_on: LockOn,
    /// Whether a restart leaves a lock as it is.
    pub stay_locked: Setting<bool>,
    /// The profiles by name; `default` is always there.
    pub profiles: BTreeMap<String, Profile>,
    /// What administrators allow.
    pub bounds: Bounds,
    /// How many tokens each AI agent may have within an hour.
    pub agent_budget: Setting<u32>,
    /// The rules of who may ask for what, in the order in which they count.
    pub policy: Vec<PolicyPart>,
    /// Proxies, trust, and who we are to the network.
    pub network: Network,
    /// The Foundry resource, by name or address, that is meant when none is named.
    pub foundry_resource: Option<Setting<String>>,
    layers: Layers,
    sources: Vec<SourceInfo>,
    warnings: Vec<String>,
    user_file: PathBuf,
}

/// How the audit log is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// Where it goes: `file`, `journald`, `syslog`.
    pub sinks: Setting<Vec<String>>,
    /// How large a file may grow, in MiB.
    pub size: Setting<u64>,
    /// How many files are kept.
    pub files: Setting<u32>,
}

/// A named cloud, tenant and app registration, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The cloud.
    pub cloud: Setting<Cloud>,
    /// The tenant.
    pub tenant: Setting<String>,
    /// The app registration.
    pub client_id: Option<Setting<String>>,
    /// Another authority's origin than the cloud's own.
    pub authority: Option<Setting<String>>,
}

/// An error that may be a layer's: that layer can then be left out where it is the user's own file.
pub trait Blame {
    /// Where the value stands that is to blame.
    fn blamed(&self) -> Option<&Source>;
}

impl Blame for ConfigError {
    fn blamed(&self) -> Option<&Source> {
        match self {
            Self::Layer(error) => error.source_of(),
            Self::Endpoint(_) | Self::NoHome | Self::NoUser(_) => None,
        }
    }
}

impl Config {
    /// Gathers the settings of all layers.
    ///
    /// # Errors
    /// As [`Config::load_if`].
    pub fn load(places: &Places<'_>) -> Result<Self, ConfigError> {
        Self::load_if(places, |_| Ok(())).map(|(config, ())| config)
    }

    /// Gathers the settings of all layers and has them judged as a whole. The user's own file, and Claude Desktop's settings,
    /// are left out where they are bad, alone or beside the others; [`Config::warnings`] says so.
    ///
    /// # Errors
    /// The fault of any other source: of an administrator's, of a file that was named, of a variable, of an option.
    pub fn load_if<T, E: From<ConfigError> + Blame + std::fmt::Display>(
        places: &Places<'_>,
        judge: impl Fn(&Self) -> Result<T, E>,
    ) -> Result<(Self, T), E> {
        let mut sources = Sources::read(places)?;
        if let Some(error) = sources.take_fatal() {
            return Err(ConfigError::from(error).into());
        }
        Self::judged(sources, places, judge, Sources::may_be_left_out)
    }

    /// The same for a report: whatever is bad is left out, whoever wrote it, and the sources tell of it.
    ///
    /// # Errors
    /// Only where there is nothing to tell: no home, no socket.
    pub fn load_for_report<T, E: From<ConfigError> + Blame + std::fmt::Display>(
        places: &Places<'_>,
        judge: impl Fn(&Self) -> Result<T, E>,
    ) -> Result<(Self, T), E> {
        let mut sources = Sources::read(places)?;
        sources.leave_out_all_bad();
        Self::judged(sources, places, judge, |_, _| true)
    }

    /// The settings, without the layers that the judgement blames, as far as those may be left out.
    fn judged<T, E: From<ConfigError> + Blame + std::fmt::Display>(
        mut sources: Sources,
        places: &Places<'_>,
        judge: impl Fn(&Self) -> Result<T, E>,
        may_be_left_out: impl Fn(&Sources, wire::Layer) -> bool,
    ) -> Result<(Self, T), E> {
        loop {
            let judged = Self::of(&sources, places).map_err(E::from).and_then(|config| {
                let verdict = judge(&config)?;
                Ok((config, verdict))
            });
            let error = match judged {
                Ok(loaded) => return Ok(loaded),
                Err(error) => error,
            };
            match error.blamed().map(Source::layer) {
                // What was left out is held no more, so this ends.
                Some(layer) if sources.holds(layer) && may_be_left_out(&sources, layer) => {
                    sources.leave_out(layer, &error.to_string());
                }
                _ => return Err(error),
            }
        }
    }

    fn of(sources: &Sources, places: &Places<'_>) -> Result<Self, ConfigError> {
        let layers = sources.layers();
        let folders = directories::BaseDirs::new().ok_or(ConfigError::NoHome)?;
        let socket = match layers.path("socket")? {
            Some(Setting { value, source }) => match endpoint::checked(value) {
                Ok(value) => Setting { value, source },
                Err(reason) => {
                    let (expected, reason) = ("an absolute path".to_owned(), reason.to_string());
                    let key = "socket".to_owned();
                    return Err(LayerError::Value { key, source_: source, expected, reason }.into());
                }
            },
            None => Setting::built_in(paths::default_socket(places.variable)?),
        };
        let state_dir = layers.path("state_dir")?.unwrap_or_else(|| {
            Setting::built_in(folders.state_dir().unwrap_or(folders.data_local_dir()).join("entrad"))
        });
        let bounds = Bounds::read(&layers);
        let text = |key: &str| layers.text(key).unwrap_or_else(|| Setting::built_in(String::new()));
        let list = |key: &str| layers.list(key).unwrap_or_else(|| Setting::built_in(Vec::new()));
        let number = |key: &str, or: u64| layers.number(key).unwrap_or_else(|| Setting::built_in(or));
        Ok(Self {
            socket,
            state_dir,
            store: text("store"),
            passphrase_file: layers.path("passphrase_file")?,
            passphrase_fd: layers.number("passphrase_fd"),
            log: text("log"),
            log_sinks: list("log_sinks"),
            audit: AuditSettings {
                sinks: list("audit_sinks"),
                size: number("audit_size", AUDIT_SIZE),
                files: layers.number("audit_files").unwrap_or_else(|| Setting::built_in(AUDIT_FILES)),
            },
            otlp_endpoint: layers.text("otlp_endpoint"),
            flows: flows(&layers, &bounds),
            loopback: text("loopback").map(|text| text.parse().unwrap_or(LoopbackChoice::Off)),
            confine: text("confine").map(|text| Confine::of(&text)),
            prompting: Prompting::read(&layers),
            consenting: Consenting::read(&layers),
            lock_on: LockOn::read(&layers),
            stay_locked: layers.is_on("stay_locked"),
            profiles: profiles(&layers),
            bounds,
            agent_budget: layers.number("agent_budget").unwrap_or_else(|| Setting::built_in(AGENT_BUDGET)),
            policy: sources.policy(),
            network: Network::read(&layers)?,
            foundry_resource: layers.text("foundry_resource"),
            sources: sources.told(),
            warnings: sources.warnings(),
            user_file: sources.user_file.clone(),
            layers,
        })
    }

    /// What a person should know of how these settings came about, each a full sentence with what to do.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Every place that was looked at, from the weakest to the strongest.
    #[must_use]
    pub fn sources(&self) -> &[SourceInfo] {
        &self.sources
    }

    /// The user's file, whether it is there or not.
    #[must_use]
    pub fn user_file(&self) -> &Path {
        &self.user_file
    }
}

/// Who may write to a configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// An administrator: the file belongs to root and nobody else may write to it. (On Windows: to Administrators
    /// or the system.)
    Administrator,
    /// The user.
    User,
}

/// The strongest layer's, within what the administrator's file allows, and without what is forbidden.
fn flows(layers: &Layers, bounds: &Bounds) -> Setting<Flows> {
    let mut flows = layers.flows("flows");
    let machines = |setting: &&Setting<String>| setting.source.layer() == wire::Layer::Machine;
    if !flows.source.is_locked() && layers.all("flows").any(|setting| machines(&setting)) {
        let allowed = layers.only(wire::Layer::Machine).flows("flows");
        flows.value = flows.value.within(&allowed.value);
    }
    if let Some(forbidden) = &bounds.forbidden_flows {
        flows.value = flows.value.without(&forbidden.value);
    }
    flows
}

fn profiles(layers: &Layers) -> BTreeMap<String, Profile> {
    let mut profiles: BTreeMap<_, _> =
        layers.profile_names().into_iter().map(|name| (name.clone(), profile(layers, Some(&name)))).collect();
    profiles.insert(DEFAULT_PROFILE.to_owned(), profile(layers, None));
    profiles
}

/// A profile's settings. A named profile does not inherit from the default one: a tenant of one with the
/// app registration of another would be a third that nobody wrote down.
fn profile(layers: &Layers, name: Option<&str>) -> Profile {
    let text =
        |key: &str| layers.text(&name.map_or_else(|| key.to_owned(), |name| format!("profile.{name}.{key}")));
    let built_in = |value: &str| Setting::built_in(value.to_owned());
    Profile {
        cloud: text("cloud").unwrap_or_else(|| built_in("")).map(|name| name.parse().unwrap_or_default()),
        tenant: text("tenant").unwrap_or_else(|| built_in("organizations")),
        client_id: text("client_id"),
        authority: text("authority"),
    }
}

/// As the table has it: one in six seconds. A session of an agent takes a few an hour, one in a loop would take thousands.
pub const AGENT_BUDGET: u32 = 600;

/// As the table has them.
const AUDIT_SIZE: u64 = 8;
const AUDIT_FILES: u32 = 8;

#[cfg(test)]
mod locks_tests;
#[cfg(test)]
mod tests;

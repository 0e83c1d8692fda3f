//! Settings: their layers, and where each value came from.
//!
//! Built-in values < the administrator's file < the user's file < environment < command line. Each setting
//! has one name everywhere: `a_b` in TOML, `ENTRAD_A_B`, `--a-b`. A file is taken whole or refused whole,
//! with the file, the line and the nearest valid name; a daemon never runs on half a configuration.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use entra_proto::cloud::Cloud;
use entra_proto::endpoint;

mod args;
mod flows;
mod layer;
mod loopback;
#[cfg_attr(unix, path = "owner_unix.rs")]
#[cfg_attr(windows, path = "owner_windows.rs")]
mod owner;
#[cfg_attr(target_os = "linux", path = "paths_linux.rs")]
#[cfg_attr(target_os = "macos", path = "paths_macos.rs")]
#[cfg_attr(windows, path = "paths_windows.rs")]
mod paths;
mod prompting;
mod quiet_hours;

pub use args::Args;
pub use flows::Flows;
use layer::Layer;
pub use layer::{LayerError, Setting, Source};
pub use loopback::LoopbackChoice;
pub use paths::machine_file;
pub use prompting::{Notify, Prompting};
pub use quiet_hours::QuietHours;

/// The profile that is meant when none is named.
pub const DEFAULT_PROFILE: &str = "default";

/// Everything the daemon is told.
#[derive(Debug)]
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
    /// The ways to sign in that are allowed.
    pub flows: Setting<Flows>,
    /// The loopback port for tools.
    pub loopback: Setting<LoopbackChoice>,
    /// How a person is asked.
    pub prompting: Prompting,
    /// The profiles by name; `default` is always there.
    pub profiles: BTreeMap<String, Profile>,
}

/// A named cloud, tenant and app registration, as configured.
#[derive(Clone, Debug)]
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

/// The places that settings come from.
pub struct Places<'a> {
    /// The administrator's file.
    pub machine_file: PathBuf,
    /// The command line.
    pub args: Args,
    /// Looks an environment variable up.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Config {
    /// Gathers the settings of all layers.
    ///
    /// # Errors
    /// [`ConfigError`]: nothing of a bad layer is used.
    pub fn load(places: Places<'_>) -> Result<Self, ConfigError> {
        let folders = directories::BaseDirs::new().ok_or(ConfigError::NoHome)?;
        let command_line = Layer::command_line(&places.args);
        let environment = Layer::environment(places.variable)?;
        let config_file = command_line.get("config").or_else(|| environment.get("config"));
        let user_file = match config_file {
            Some(named) => Layer::file(Path::new(&named.value), Owner::User, Presence::Required)?,
            None => Layer::file(
                &folders.config_dir().join("entrad").join("config.toml"),
                Owner::User,
                Presence::Optional,
            )?,
        };
        let machine_file = Layer::file(&places.machine_file, Owner::Administrator, Presence::Optional)?;
        let read_flows =
            |flows: Setting<String>| flows.try_map("flows", Flows::EXPECTED, |text| text.parse::<Flows>());
        let allowed = machine_file.get("flows").cloned().map(read_flows).transpose()?;
        let merged = Layer::merge([machine_file, user_file, environment, command_line]);

        let socket = match merged.path("socket")? {
            Some(socket) => socket.try_map("socket", "an absolute path", endpoint::checked)?,
            None => Setting::built_in(paths::default_socket(places.variable)?),
        };
        let flows = merged.text("flows").map(read_flows).transpose()?;
        let mut flows = flows.unwrap_or_else(|| Setting::built_in(Flows::default()));
        if let Some(allowed) = allowed {
            flows.value = flows.value.within(&allowed.value);
        }
        let state_dir = merged.path("state_dir")?.unwrap_or_else(|| {
            Setting::built_in(folders.state_dir().unwrap_or(folders.data_local_dir()).join("entrad"))
        });
        Ok(Self {
            socket,
            state_dir,
            store: merged.text("store").unwrap_or_else(|| Setting::built_in("auto".to_owned())),
            passphrase_file: merged.path("passphrase_file")?,
            passphrase_fd: merged.number("passphrase_fd")?,
            log: merged.text("log").unwrap_or_else(|| Setting::built_in("entrad=info".to_owned())),
            flows,
            loopback: match merged.text("loopback") {
                Some(loopback) => {
                    loopback.try_map("loopback", LoopbackChoice::EXPECTED, |text| text.parse())?
                }
                None => Setting::built_in(LoopbackChoice::Auto),
            },
            prompting: Prompting::read(&merged)?,
            profiles: profiles(&merged)?,
        })
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

/// Whether a missing file is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// A missing file is an empty layer.
    Optional,
    /// Somebody named it, so it must be there.
    Required,
}

/// Why the configuration cannot be used. Each message says where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A layer is bad.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// No place for the socket.
    #[error(transparent)]
    Endpoint(#[from] endpoint::EndpointError),
    /// There is no home folder.
    #[error("No home folder is known; set HOME.")]
    NoHome,
    /// The system did not say who runs the daemon, which the socket's name needs on Windows.
    #[error("The system does not say who you are ({0}); name a socket by --socket.")]
    NoUser(#[source] io::Error),
}

fn profiles(merged: &Layer) -> Result<BTreeMap<String, Profile>, ConfigError> {
    let mut profiles = BTreeMap::new();
    let default = profile(merged, None)?;
    for name in merged.profile_names() {
        profiles.insert(name.clone(), profile(merged, Some(&name))?);
    }
    profiles.insert(DEFAULT_PROFILE.to_owned(), default);
    Ok(profiles)
}

/// A profile's settings. A named profile does not inherit from the default one: a tenant of one with the
/// app registration of another would be a third that nobody wrote down.
fn profile(merged: &Layer, name: Option<&str>) -> Result<Profile, ConfigError> {
    let key = |key: &str| name.map_or_else(|| key.to_owned(), |name| format!("profile.{name}.{key}"));
    let cloud = merged.text(&key("cloud")).map(|cloud| {
        cloud.try_map(&key("cloud"), "one of public, us_government and china", |name| name.parse::<Cloud>())
    });
    Ok(Profile {
        cloud: cloud.transpose()?.unwrap_or_else(|| Setting::built_in(Cloud::default())),
        tenant: merged.text(&key("tenant")).unwrap_or_else(|| Setting::built_in("organizations".to_owned())),
        client_id: merged.text(&key("client_id")),
        authority: merged.text(&key("authority")),
    })
}

#[cfg(test)]
mod tests;

//! The settings at the start and whenever a source of them changes.
//!
//! What may change under a running daemon does so at once and without losing a token; the rest is named as waiting for a
//! restart. Where an administrator's source turns bad, all stays as it was and that is said: rules that cannot be read must
//! not be taken for none.

use std::path::PathBuf;
use std::sync::Arc;

use entra_proto::config::{ConfigAnswer, SourceInfo};
use entra_proto::error::ErrorBody;

use crate::access::consent::Consents;
use crate::access::lease::Leases;
use crate::access::policy::{Gatekeeper, Policy, PolicyError};
use crate::audit::Audit;
use crate::broker::{Broker, ProfileError, Rules};
use crate::clock::Clock;
use crate::config::{
    Administrators, Args, Blame, Config, ConfigError, Place, Places, Source, Told, Watch, keys,
};
use crate::entra::Entra;
use crate::entra::network::{NetworkError, NetworkSettings};
use crate::logging::{self, LogError, LogSettings, SinkName};
use crate::prompts::Prompts;
use crate::service::{self, Reload};
use crate::vault::{BadStoreChoice, HomeKind, StoreChoice};

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A source.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The way out to the network.
    #[error("{}{error}", .source_.as_ref().map(|source| format!("{source}: ")).unwrap_or_default())]
    Network {
        /// Where the setting stands.
        source_: Option<Source>,
        /// Why it cannot be followed.
        error: NetworkError,
    },
    /// Rules of who may ask for what.
    #[error("{0}")]
    Policy(PolicyError),
    /// A profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Where the log goes.
    #[error("{source_}: {reason}")]
    Log {
        /// Where the setting stands.
        source_: Source,
        /// What this system does not have.
        reason: LogError,
    },
    /// The home of the sealing key.
    #[error("{source_}: {reason}")]
    Store {
        /// Where the setting stands.
        source_: Source,
        /// Why.
        reason: BadStoreChoice,
    },
    /// The home of the sealing key, which an administrator does not allow.
    #[error("{}: {} {}", .source_, .refusal.message, .refusal.hint.as_deref().unwrap_or_default())]
    StoreRefused {
        /// Where the setting stands.
        source_: Source,
        /// What is allowed.
        refusal: Box<ErrorBody>,
    },
}

impl Blame for SettingsError {
    fn blamed(&self) -> Option<&Source> {
        match self {
            Self::Config(error) => error.blamed(),
            Self::Network { source_, .. } => source_.as_ref(),
            Self::Policy(error) => Some(&error.source),
            Self::Profile(error) => error.blamed(),
            Self::Log { source_, .. } | Self::Store { source_, .. } | Self::StoreRefused { source_, .. } => {
                Some(source_)
            }
        }
    }
}

/// Where the settings come from, to be read again.
#[derive(Clone, Debug)]
pub(super) struct Origins {
    pub(super) administrators: Administrators,
    pub(super) args: Args,
}

impl Origins {
    /// Reads all sources.
    pub(super) fn read(&self) -> Result<(Config, Judged), SettingsError> {
        self.with(|places| Config::load_if(places, usable))
    }

    /// The answer without a daemon; what is bad is left out and told.
    pub(super) fn report(&self, now: u64) -> Result<ConfigAnswer, SettingsError> {
        let (config, judged) = self.usable_part()?;
        Ok(config.answer(judged.rules.hosts(), now, Vec::new()))
    }

    /// What is left of the settings where all that is bad is left out.
    pub(super) fn usable_part(&self) -> Result<(Config, Judged), SettingsError> {
        self.with(|places| Config::load_for_report(places, usable))
    }

    fn with<T>(&self, read: impl FnOnce(&Places<'_>) -> T) -> T {
        let variable = |name: &str| std::env::var_os(name);
        let (administrators, args) = (self.administrators.clone(), self.args.clone());
        read(&Places { administrators, args, variable: &variable })
    }

    fn files(&self, config: &Config) -> Vec<PathBuf> {
        let Administrators { machine_file, managed, claude_desktop } = &self.administrators;
        let places = managed.iter().chain(claude_desktop).filter_map(Place::path);
        places.chain([&**machine_file, config.user_file()]).map(PathBuf::from).collect()
    }
}

/// What the rooms above the configuration made of it.
pub(super) struct Judged {
    pub(super) rules: Rules,
    pub(super) policy: Policy,
    pub(super) store: StoreChoice,
    pub(super) sinks: Vec<SinkName>,
}

/// What the rooms above the configuration make of it.
fn usable(config: &Config) -> Result<Judged, SettingsError> {
    NetworkSettings::from(&config.network).check().map_err(|error| {
        let source = error.setting().and_then(|key| config.network.source_of(key));
        SettingsError::Network { source_: source.cloned(), error }
    })?;
    let policy = Policy::of(&config.policy).map_err(SettingsError::Policy)?;
    let (store, sinks) = (store(config)?, sinks(config)?);
    Ok(Judged { rules: Rules::of(config)?, policy, store, sinks })
}

/// The home of the key, within an administrator's bounds: `auto` is the first that they leave.
fn store(config: &Config) -> Result<StoreChoice, SettingsError> {
    let source_ = || config.store.source.clone();
    let choice = config.store.value.parse();
    let choice = choice.map_err(|reason| SettingsError::Store { source_: source_(), reason })?;
    if config.bounds.stores.is_none() {
        return Ok(choice);
    }
    let homes = match choice {
        StoreChoice::Pinned(home) => vec![home],
        StoreChoice::Auto => vec![HomeKind::SYSTEM, HomeKind::Passphrase, HomeKind::Memory],
    };
    let mut refused = None;
    for home in homes {
        match config.bounds.allow_store(home.name()) {
            Ok(()) => return Ok(StoreChoice::Pinned(home)),
            Err(error) => drop(refused.get_or_insert(error)),
        }
    }
    let refused =
        refused.map(|refusal| SettingsError::StoreRefused { source_: source_(), refusal: Box::new(refusal) });
    refused.map_or(Ok(choice), Err)
}

/// Where the log goes; this system has all of it.
fn sinks(config: &Config) -> Result<Vec<SinkName>, SettingsError> {
    let sink = |name: &String| {
        let sink: SinkName = name.parse()?;
        sink.is_here().map(|()| sink)
    };
    let sinks = config.log_sinks.value.iter().map(sink).collect::<Result<_, _>>();
    sinks.map_err(|reason| SettingsError::Log { source_: config.log_sinks.source.clone(), reason })
}

/// The settings that the daemon was started with, and what is told of them since.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) origins: Origins,
    pub(super) started: Config,
    pub(super) told: Arc<Told>,
}

/// Keeps the settings in force for as long as the daemon runs.
pub(super) struct Keeper {
    pub(super) settings: Settings,
    pub(super) broker: Arc<Broker>,
    pub(super) entra: Entra,
    pub(super) leases: Arc<Leases>,
    pub(super) consents: Consents,
    pub(super) gatekeeper: Arc<Gatekeeper>,
    pub(super) prompts: Arc<Prompts>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) audit: Audit,
}

impl Keeper {
    pub(super) async fn keep(self) {
        let mut current = self.settings.started.clone();
        let mut watch = Watch::start(self.settings.origins.files(&current))
            .inspect_err(|error| tracing::warn!(%error, "changes of the settings go unnoticed; a restart or a signal reads them"))
            .ok();
        let mut reload = service::told_to_reload()
            .inspect_err(
                |error| tracing::warn!(%error, "the signal that reads the settings anew cannot be received"),
            )
            .ok();
        // What changed between the start and now was seen by nobody.
        let (mut is_asked, mut is_faulty) = (false, false);
        loop {
            let (origins, now) = (self.settings.origins.clone(), self.clock.now().epoch());
            match read(origins, now).await {
                Ok(read) => {
                    let (config, judged) = *read;
                    let is_same = current.is_read_as(&config);
                    if is_asked || !is_same || is_faulty {
                        self.apply(&config, judged);
                        let keys = current.changed(&config);
                        tracing::info!(keys = keys.join(" "), "the settings were read anew");
                        if !is_same {
                            self.audit.configuration_changed(&keys, &config.fingerprint());
                        }
                        current = config;
                    }
                    is_faulty = false;
                }
                Err(Refused { fault, sources }) => {
                    tracing::warn!("the settings stay as they were: {fault}");
                    let until = format!("{fault} The settings stay as they were until it is mended.");
                    self.broker.warn_of_settings(&until);
                    self.audit.configuration_refused(&fault);
                    self.settings.told.refuse(fault, sources);
                    is_faulty = true;
                }
            }
            is_asked = tokio::select! {
                () = asked(&mut reload) => true,
                () = changed(&mut watch) => false,
            };
        }
    }

    /// Puts them in force, but for those that wait for the next start.
    fn apply(&self, config: &Config, Judged { rules, policy, sinks, .. }: Judged) {
        let mut waiting = self.settings.started.differing(config);
        waiting.retain(|full| keys::find(full).is_some_and(|key| key.needs_restart));
        let hosts = rules.hosts();
        self.leases.bound(rules.bounds().longest_lease.as_ref().map(|longest| longest.value));
        self.gatekeeper.follow(policy);
        self.gatekeeper.agents().allow(config.agent_budget.clone());
        self.consents.follow_settings(&config.consenting, &config.prompting);
        self.broker.follow(rules);
        self.entra.configure(NetworkSettings::from(&config.network));
        self.prompts.follow_settings(config.prompting.clone());
        if let Err(error) = logging::reload(&of_log(config, sinks)) {
            tracing::warn!("{error}");
        }
        self.settings.told.tell(config.answer(hosts, self.clock.now().epoch(), waiting));
    }
}

/// Reads all sources on a thread of their own: a home on a network drive must not keep callers waiting.
async fn read(origins: Origins, now: u64) -> Result<Box<(Config, Judged)>, Refused> {
    let read = tokio::task::spawn_blocking(move || {
        origins.read().map(Box::new).map_err(|error| Refused {
            fault: error.to_string(),
            sources: origins.report(now).ok().map(|report| report.sources),
        })
    });
    read.await.unwrap_or_else(|_| {
        let fault = "The settings were not read, by a defect of entrad.".to_owned();
        Err(Refused { fault, sources: None })
    })
}

/// Why what the sources say now is not put in force, and what is known of them.
struct Refused {
    fault: String,
    sources: Option<Vec<SourceInfo>>,
}

/// What the settings say of the log.
pub(super) fn of_log(config: &Config, sinks: Vec<SinkName>) -> LogSettings {
    LogSettings { filter: config.log.value.clone(), sinks }
}

async fn asked(reload: &mut Option<Reload>) {
    match reload {
        Some(reload) => reload.recv().await,
        None => std::future::pending().await,
    }
}

async fn changed(watch: &mut Option<Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

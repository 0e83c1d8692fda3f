//! Start and stop, in order: configure, harden, lock, listen, open the vault, say ready; stop in reverse.
//!
//! `ready` is said when the daemon has done all it can without a person: the socket answers, and the vault is
//! open unless its home is locked or away. Then a token request says so in one sentence, and succeeds as
//! soon as the home is back, without a restart.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use entra_proto::error::exit;
use serde::Serialize;

use crate::access::agent::Agents;
use crate::access::caller::{Caller, start_looker};
use crate::access::consent::Consents;
use crate::access::lease::Leases;
use crate::access::policy::Gatekeeper;
use crate::audit::{Audit, AuditSettings, HandOn};
use crate::broker::{Broker, Gate, LockKeeping, Parts};
use crate::clock::{Clock, SystemClock};
use crate::config::{Administrators, Args, Config, LoopbackChoice, Place, Report, Told};
use crate::dialects::{self, Door};
use crate::doctor::{Doctor, Subject};
use crate::entra::Entra;
use crate::entra::network::NetworkSettings;
use crate::files::{FileError, Folder};
use crate::harden::{ForAnother, Own};
use crate::lock::{Lock, LockError};
use crate::logging::{self, Log, LogError};
use crate::notify::desktop::Desktop;
use crate::otlp::{Otlp, OtlpError};
use crate::prompts::Prompts;
use crate::server::{self, ListenError, Listener, Loopback, Pages, QuestionPages, Rooms};
use crate::service::Handed;
use crate::vault::{Access, HomeKind, PassphraseSource, StoreChoice, Vault, VaultOptions};
use crate::{files, harden, service};

mod report;
mod settings;

pub use settings::SettingsError;
use settings::{Judged, Keeper, Origins, Settings};

/// The program: reads the command line and environment, runs until it is told to stop.
#[must_use]
pub fn main() -> ExitCode {
    main_with(Administrators::of_this_system())
}

/// The same with other places for administrators' settings than the system's, for tests alone.
#[must_use]
pub fn main_with(administrators: Administrators) -> ExitCode {
    let args = match Args::try_parse_from(std::env::args_os()) {
        Ok(args) => args,
        Err(error) => {
            let status = if error.use_stderr() { exit::USAGE } else { exit::GOOD };
            // A closed terminal cannot be told that it is closed.
            let _unprinted = error.print();
            return ExitCode::from(status);
        }
    };
    let administrators = match &args.managed {
        Some(draft) => Administrators { managed: vec![Place::Draft(draft.clone())], ..administrators },
        None => administrators,
    };
    if let Err(refusal) = harden::refuse_to_serve_another() {
        complain(&refusal.into());
        return ExitCode::from(exit::MISCONFIGURED);
    }
    // Before a setting is read: a proxy's password may be among them.
    harden::harden();
    let report = args.report;
    let (origins, clock) = (Origins { administrators, args }, Arc::new(SystemClock));
    let done = match report {
        Some(Report::Config) => {
            origins.report(clock.now().epoch()).map_err(RunError::from).and_then(|it| print(&it))
        }
        Some(Report::Doctor) => report::doctor(&origins, clock.now().epoch()).and_then(|it| print(&it)),
        Some(Report::Policy) => report::policy(&origins).and_then(|it| print(&it)),
        None => run(origins, clock),
    };
    match done {
        Ok(()) => ExitCode::from(exit::GOOD),
        Err(error) => {
            complain(&error);
            ExitCode::from(error.status())
        }
    }
}

/// A report, as JSON.
fn print(report: &impl Serialize) -> Result<(), RunError> {
    let failed = |reason| RunError::System { what: "The report cannot be printed".to_owned(), reason };
    let text = serde_json::to_string_pretty(report).map_err(|error| failed(error.into()))?;
    // Not by the macro, which panics where the reader has gone.
    let mut output = io::stdout().lock();
    writeln!(output, "{text}").and_then(|()| output.flush()).map_err(failed)
}

#[expect(clippy::print_stderr, reason = "the log may not have started, and a person must see this")]
fn complain(error: &RunError) {
    eprintln!("entrad: {error}");
}

/// Why the daemon did not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A setting.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The socket.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Another daemon.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The state folder.
    #[error("{0} {hint}", hint = .0.hint())]
    File(#[from] FileError),
    /// The export to a collector.
    #[error(transparent)]
    Otlp(#[from] OtlpError),
    /// Whoever started it is not who it would serve.
    #[error(transparent)]
    ForAnother(#[from] ForAnother),
    /// The system.
    #[error("{what}: {reason}.")]
    System {
        /// What was tried.
        what: String,
        /// Why it failed.
        reason: io::Error,
    },
}

impl RunError {
    fn status(&self) -> u8 {
        match self {
            Self::ForAnother(_) | Self::Settings(_) | Self::Log(_) | Self::Otlp(_) | Self::File(_) => {
                exit::MISCONFIGURED
            }
            Self::Lock(LockError::Held { .. }) => exit::LATER,
            Self::Listen(error) if error.is_held() => exit::LATER,
            Self::Listen(_) => exit::MISCONFIGURED,
            Self::Lock(_) | Self::System { .. } => exit::INTERNAL,
        }
    }
}

/// A passphrase that a service manager hands over, by the name of the credential (systemd.exec(5)).
const CREDENTIAL: &str = "entrad-passphrase";

fn run(origins: Origins, clock: Arc<dyn Clock>) -> Result<(), RunError> {
    // Before the settings are read, which may hold a proxy's password and say whether we are confined.
    let looker = start_looker();
    let (config, Judged { rules, policy, store, sinks }) = origins.read()?;
    let mut log = logging::start(&settings::of_log(&config, sinks))?;
    // Again, where the log can take what the system refuses.
    harden::harden();
    if let Err(error) = looker {
        tracing::warn!(%error, "once it is confined entrad will not know which program a caller runs");
    }
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let options = vault_options(&config, store, &|name| std::env::var_os(name));
    make_private(&config.state_dir.value)?;
    let socket = config.socket.value.clone();
    let handed = Handed::take(&socket);
    if config.confine.value.is_wanted(handed.socket.is_some()) {
        // Before a thread is started, which would not be held.
        harden::confine(&own_files(&config, handed.socket.is_none())?);
    }
    log.open(&config.state_dir.value)?;
    let otlp =
        export(config.otlp_endpoint.as_ref().map(|endpoint| endpoint.value.as_str()), &log)?.map(Arc::new);
    let vault = Vault::new(options);
    let note = format!("process {} on {}", std::process::id(), config.socket.value.display());
    let state_dir = Folder::create(&config.state_dir.value)?;
    let _lock = Lock::take(&state_dir, "entrad.lock", &note)?;

    // One thread: a token from memory is served without waking another, and requests to Entra wait for the
    // network, not for the processor. Calls that may block (vault, name look-ups) have threads of their own.
    // In a crowd it asks the system more often than usual who has come meanwhile; idle it makes no difference.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().event_interval(16).build();
    let runtime = runtime
        .map_err(|reason| RunError::System { what: "The runtime did not start".to_owned(), reason })?;
    let hand_on = otlp.clone().map(|otlp| -> HandOn { Arc::new(move |entry| otlp.entry(entry)) });
    let folder = config.state_dir.value.join("audit");
    let audit = Audit::new(AuditSettings::from(&config.audit), folder, hand_on);
    let agents = Agents::new(Arc::clone(&clock), Some(config.state_dir.value.clone()));
    agents.allow(config.agent_budget.clone());
    let leases = Leases::new(vault.clone(), Arc::clone(&clock)).noting(audit.clone()).minding(agents.clone());
    let leases = Arc::new(leases);
    let port = PortPlan {
        choice: config.loopback.value,
        state_dir: config.state_dir.value.clone(),
        handed: handed.loopback,
    };
    leases.bound(rules.bounds().longest_lease.as_ref().map(|longest| longest.value));
    let told = Told::new(config.answer(rules.hosts(), clock.now().epoch(), Vec::new()));
    let settings = Settings { origins, started: config, told: Arc::new(told) };
    let entra = Entra::new();
    entra.configure(NetworkSettings::from(&settings.started.network));
    let consenting = (&settings.started.consenting, &settings.started.prompting);
    let consents = Consents::new(vault.clone(), Arc::clone(&clock), audit.clone(), consenting);
    let gatekeeper = Arc::new(Gatekeeper::new(policy, Arc::new(consents.clone()), agents));
    let gate = Arc::clone(&gatekeeper) as Arc<dyn Gate>;
    let parts = Parts { vault, entra, clock, rules, gate, socket: socket.clone(), audit };
    let outcome = runtime.block_on(async {
        let listener = match handed.socket {
            Some(handed) => Listener::adopt(handed, &socket)?,
            None => Listener::bind(&socket).await?,
        };
        let rights = Rights { consents, gatekeeper, leases };
        serve(parts, rights, port, settings, listener, &socket, otlp.as_deref()).await
    });
    // A thread that hangs in a key store must not keep the process.
    runtime.shutdown_background();
    log.flush();
    if let Some(otlp) = otlp {
        otlp.stop();
    }
    outcome
}

/// What is known of the loopback port before it is opened.
struct PortPlan {
    choice: LoopbackChoice,
    /// Where its number is remembered.
    state_dir: PathBuf,
    handed: Option<TcpListener>,
}

/// Who may ask, and for how long.
struct Rights {
    consents: Consents,
    gatekeeper: Arc<Gatekeeper>,
    leases: Arc<Leases>,
}

async fn serve(
    parts: Parts,
    Rights { consents, gatekeeper, leases }: Rights,
    port: PortPlan,
    settings: Settings,
    listener: Listener,
    socket: &Path,
    otlp: Option<&Otlp>,
) -> Result<(), RunError> {
    let stop = service::told_to_stop()
        .map_err(|reason| RunError::System { what: "Signals cannot be received".to_owned(), reason })?;
    // A daemon that a person starts on a terminal may ask for the passphrase there, once.
    let at_start = if io::stdin().is_terminal() { Access::MayPrompt } else { Access::Silent };
    let (vault, entra, clock) = (parts.vault.clone(), parts.entra.clone(), Arc::clone(&parts.clock));
    let audit = parts.audit.clone();
    let broker = Broker::new(parts);
    if let Some(otlp) = otlp {
        let counted = Arc::clone(&broker);
        otlp.count(move || counted.gauges());
    }
    broker.keep_lock(LockKeeping::from(&settings.started)).await;
    if let Err(error) = broker.restore(at_start).await {
        tracing::warn!(
            "the accounts cannot be read yet: {} {}",
            error.message,
            error.hint.unwrap_or_default()
        );
    } else {
        leases.know_agents().await;
    }
    broker.begin_log(&settings.started.fingerprint()).await;
    let door = Door::new(Arc::clone(&broker), Arc::clone(&leases));
    let dialects = move |port| dialects::router(door.clone(), port);
    let loopback = Loopback::new(port.choice, port.state_dir, port.handed, dialects);
    loopback.resume().await;
    tokio::spawn(Arc::clone(&broker).keep_schedule());
    tokio::spawn(Arc::clone(&broker).keep_watch());
    tokio::spawn(Arc::clone(&broker).keep_log_sealed());
    tokio::spawn(Arc::clone(&broker).keep_locked_with(settings.started.lock_on));
    service::say_ready(socket)
        .map_err(|reason| RunError::System { what: "Ready could not be said".to_owned(), reason })?;
    tracing::info!(version = entra_proto::version::VERSION, "serving");
    let doctor = {
        let (settings, rules) = (settings.clone(), Arc::clone(&broker));
        let subject = move || {
            let answer = settings.told.answer().as_ref().clone();
            let subject = report::subject(&settings.started, answer, &rules.rules());
            Subject { fault: settings.told.fault(), ..subject }
        };
        Doctor::new(Arc::clone(&broker), entra.clone(), Arc::clone(&clock), subject)
    };
    let pages = Pages::new(Arc::clone(&broker), Arc::clone(&clock));
    let (agents, of_questions) = (gatekeeper.agents().clone(), Arc::clone(&clock));
    let questions =
        QuestionPages::new(consents.clone(), Arc::clone(&leases), agents, Arc::clone(&broker), of_questions);
    if Caller::ARE_TOLD_BY_CONNECTION {
        // Elsewhere it could not be told whose answer it is.
        consents.open_pages_by(Box::new(Arc::downgrade(&questions)));
    }
    let prompting = settings.started.prompting.clone();
    let prompts = Prompts::new(Arc::clone(&broker), vault, Arc::clone(&clock), prompting);
    let keeper = Keeper {
        settings: settings.clone(),
        broker: Arc::clone(&broker),
        entra,
        leases: Arc::clone(&leases),
        consents: consents.clone(),
        gatekeeper: Arc::clone(&gatekeeper),
        prompts: Arc::clone(&prompts),
        clock,
        audit,
    };
    tokio::spawn(keeper.keep());
    let asking = tokio::spawn(Arc::clone(&prompts).keep(Desktop::new(), Arc::clone(&pages)));
    let rooms = Rooms {
        broker: Arc::clone(&broker),
        consents,
        doctor,
        gatekeeper,
        leases,
        loopback: Arc::clone(&loopback),
        pages: Arc::clone(&pages),
        prompts,
        told: settings.told,
    };
    let stop = async {
        stop.await;
        broker.stop_waiting();
    };
    server::serve(listener, rooms, stop).await;
    // What is on the screen goes away: nobody would hear its buttons.
    asking.abort();
    pages.close();
    questions.close();
    loopback.close().await;
    service::say_stopping();
    if tokio::time::timeout(SETTLE, broker.settle()).await.is_err() {
        tracing::warn!("stopping while a request to Entra is under way");
    }
    broker.end_log().await;
    tracing::info!("stopped");
    Ok(())
}

/// How long a refresh that is under way may take to land and be saved once the daemon is told to stop.
const SETTLE: Duration = Duration::from_secs(5);

/// The export to a collector, where one is set. Its threads begin here, once the process is confined.
fn export(endpoint: Option<&str>, log: &Log) -> Result<Option<Otlp>, RunError> {
    let otlp = endpoint.map(Otlp::start).transpose()?;
    if let Some(otlp) = &otlp {
        log.read_by(otlp.reader());
    }
    Ok(otlp)
}

fn vault_options(
    config: &Config,
    choice: StoreChoice,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> VaultOptions {
    let credential = || {
        Some(PathBuf::from(variable("CREDENTIALS_DIRECTORY")?).join(CREDENTIAL)).filter(|path| path.exists())
    };
    let passphrase = if let Some(fd) = &config.passphrase_fd {
        Some(PassphraseSource::Descriptor(fd.value))
    } else if let Some(file) = &config.passphrase_file {
        Some(PassphraseSource::File(file.value.clone()))
    } else if credential().is_some() {
        Some(PassphraseSource::SystemdCredential)
    } else if choice == StoreChoice::Pinned(HomeKind::Passphrase) && io::stdin().is_terminal() {
        Some(PassphraseSource::Prompt)
    } else {
        None
    };
    VaultOptions { state_dir: config.state_dir.value.clone(), choice, passphrase }
}

/// What a confined daemon needs of files. A socket of its own makes the folder of it one that is written.
fn own_files(config: &Config, binds: bool) -> Result<Own, RunError> {
    // The user may write their first settings later, and what is not there yet cannot be allowed.
    if let Some(folder) = config.user_file().parent() {
        let _in_vain = files::create_folder(folder);
    }
    let mut own = Own { written: vec![config.state_dir.value.clone()], ..Own::default() };
    if let (true, Some(folder)) = (binds, config.socket.value.parent()) {
        make_private(folder)?;
        own.written.push(folder.to_owned());
    }
    own.home = std::env::var_os("HOME").map(PathBuf::from);
    let network = &config.network;
    let named = [
        &config.passphrase_file,
        &network.client_certificate,
        &network.client_key,
        &network.client_key_passphrase_file,
    ];
    let named = named.into_iter().flatten().map(|setting| &setting.value);
    let named = named.chain(network.ca_certificates.iter().flat_map(|setting| &setting.value)).cloned();
    let variables = TRUST_VARIABLES.into_iter().filter_map(std::env::var_os);
    let variables = variables.flat_map(|paths| std::env::split_paths(&paths).collect::<Vec<_>>());
    let files = named.chain(variables).chain([config.user_file().to_owned()]);
    // With their folders, where a new file may take the place of the old one.
    own.read = files.flat_map(|file| [file.parent().map(Path::to_owned), Some(file)]).flatten().collect();
    // A folder on the way home would open the home.
    own.read.retain(|path| own.home.as_ref().is_none_or(|home| !home.starts_with(path)));
    Ok(own)
}

/// They name certificates that are trusted.
const TRUST_VARIABLES: [&str; 3] = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_DIR", "SSL_CERT_FILE"];

fn make_private(folder: &Path) -> Result<(), RunError> {
    let made = files::create_folder(folder);
    made.map_err(|reason| RunError::System {
        what: format!("The folder {} cannot be made", folder.display()),
        reason,
    })
}

//! Start and stop, in order: configure, harden, lock, listen, open the vault, say ready; stop in reverse.
//!
//! `ready` is said when the daemon has done all it can without a person: the socket answers, and the vault is
//! open unless its home is locked or away. Then a token request says so in one sentence, and succeeds as
//! soon as the home is back, without a restart.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use entra_proto::error::exit;

use crate::access::lease::Leases;
use crate::broker::{Broker, Parts, ProfileError, Profiles};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Args, Config, ConfigError, LoopbackChoice, Places, Prompting};
use crate::dialects::{self, Door};
use crate::entra::Entra;
use crate::lock::{Lock, LockError};
use crate::notify::desktop::Desktop;
use crate::prompts::Prompts;
use crate::server::{self, ListenError, Listener, Loopback, Pages, Rooms};
use crate::service::Handed;
use crate::vault::{Access, BadStoreChoice, HomeKind, PassphraseSource, StoreChoice, Vault, VaultOptions};
use crate::{harden, logging, private, service};

/// The program: reads the command line and environment, runs until it is told to stop.
#[must_use]
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let status = if error.use_stderr() { exit::USAGE } else { exit::GOOD };
            // A closed terminal cannot be told that it is closed.
            let _unprinted = error.print();
            return ExitCode::from(status);
        }
    };
    match run(args, Arc::new(SystemClock)) {
        Ok(()) => ExitCode::from(exit::GOOD),
        Err(error) => {
            complain(&error);
            ExitCode::from(error.status())
        }
    }
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
    Config(#[from] ConfigError),
    /// The log's filter.
    #[error(transparent)]
    Filter(#[from] logging::BadFilter),
    /// The socket.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Another daemon.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The store's name.
    #[error("{source_}: {reason}")]
    Store {
        /// Where the value stands.
        source_: String,
        /// Why.
        reason: BadStoreChoice,
    },
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
            Self::Config(_) | Self::Filter(_) | Self::Profile(_) | Self::Store { .. } => exit::MISCONFIGURED,
            Self::Lock(LockError::Held { .. }) => exit::LATER,
            Self::Listen(error) if error.is_held() => exit::LATER,
            Self::Listen(_) => exit::MISCONFIGURED,
            Self::Lock(_) | Self::System { .. } => exit::INTERNAL,
        }
    }
}

/// A passphrase that a service manager hands over, by the name of the credential (systemd.exec(5)).
const CREDENTIAL: &str = "entrad-passphrase";

fn run(args: Args, clock: Arc<dyn Clock>) -> Result<(), RunError> {
    let variable = |name: &str| std::env::var_os(name);
    let places = Places { machine_file: config::machine_file(), args, variable: &variable };
    let config = Config::load(places)?;
    logging::start(&config.log.value)?;
    harden::harden();
    let profiles = Profiles::check(&config.profiles)?;
    let options = vault_options(&config, &variable)?;
    make_private(&config.state_dir.value)?;
    let socket = config.socket.value.clone();
    let handed = Handed::take(&socket);
    if handed.socket.is_some() {
        // As a service all that is written is below the state folder. Before a thread is started, which would not be held.
        harden::confine(&config.state_dir.value);
    }
    let vault = Vault::new(options);
    let note = format!("process {} on {}", std::process::id(), config.socket.value.display());
    let _lock = Lock::take(&config.state_dir.value.join("entrad.lock"), &note)?;

    // One thread: a token from memory is served without waking another, and requests to Entra wait for the
    // network, not for the processor. Calls that may block (vault, name look-ups) have threads of their own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|reason| RunError::System { what: "The runtime did not start".to_owned(), reason })?;
    let leases = Arc::new(Leases::new(vault.clone(), Arc::clone(&clock)));
    let port = PortPlan {
        choice: config.loopback.value,
        memory: config.state_dir.value.join("loopback-port"),
        handed: handed.loopback,
    };
    let flows = config.flows.value;
    let prompting = config.prompting;
    let parts = Parts { vault, entra: Entra::new(), clock, profiles, flows, socket: socket.clone() };
    let outcome = runtime.block_on(async {
        let listener = match handed.socket {
            Some(handed) => Listener::adopt(handed, &socket)?,
            None => Listener::bind(&socket).await?,
        };
        serve(parts, leases, port, prompting, listener, &socket).await
    });
    // A thread that hangs in a key store must not keep the process.
    runtime.shutdown_background();
    outcome
}

/// What is known of the loopback port before it is opened.
struct PortPlan {
    choice: LoopbackChoice,
    memory: PathBuf,
    handed: Option<TcpListener>,
}

async fn serve(
    parts: Parts,
    leases: Arc<Leases>,
    port: PortPlan,
    prompting: Prompting,
    listener: Listener,
    socket: &Path,
) -> Result<(), RunError> {
    let stop = service::told_to_stop()
        .map_err(|reason| RunError::System { what: "Signals cannot be received".to_owned(), reason })?;
    // A daemon that a person starts on a terminal may ask for the passphrase there, once.
    let at_start = if io::stdin().is_terminal() { Access::MayPrompt } else { Access::Silent };
    let (vault, clock) = (parts.vault.clone(), Arc::clone(&parts.clock));
    let broker = Broker::new(parts);
    if let Err(error) = broker.restore(at_start).await {
        tracing::warn!(
            "the accounts cannot be read yet: {} {}",
            error.message,
            error.hint.unwrap_or_default()
        );
    }
    let door = Door::new(Arc::clone(&broker), Arc::clone(&leases));
    let dialects = move |port| dialects::router(door.clone(), port);
    let loopback = Loopback::new(port.choice, port.memory, port.handed, dialects);
    loopback.resume().await;
    tokio::spawn(Arc::clone(&broker).keep_schedule());
    tokio::spawn(Arc::clone(&broker).keep_watch());
    service::say_ready(socket)
        .map_err(|reason| RunError::System { what: "Ready could not be said".to_owned(), reason })?;
    tracing::info!(version = entra_proto::version::VERSION, "serving");
    let pages = Pages::new(Arc::clone(&broker), Arc::clone(&clock));
    let prompts = Prompts::new(Arc::clone(&broker), vault, clock, prompting);
    let asking = tokio::spawn(Arc::clone(&prompts).keep(Desktop::new(), Arc::clone(&pages)));
    let rooms = Rooms {
        broker: Arc::clone(&broker),
        leases,
        loopback: Arc::clone(&loopback),
        pages: Arc::clone(&pages),
        prompts,
    };
    let stop = async {
        stop.await;
        broker.stop_waiting();
    };
    server::serve(listener, rooms, stop).await;
    // What is on the screen goes away: nobody would hear its buttons.
    asking.abort();
    pages.close();
    loopback.close().await;
    service::say_stopping();
    if tokio::time::timeout(SETTLE, broker.settle()).await.is_err() {
        tracing::warn!("stopping while a request to Entra is under way");
    }
    tracing::info!("stopped");
    Ok(())
}

/// How long a refresh that is under way may take to land and be saved once the daemon is told to stop.
const SETTLE: Duration = Duration::from_secs(5);

fn vault_options(
    config: &Config,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<VaultOptions, RunError> {
    let wrong = |reason| RunError::Store { source_: config.store.source.to_string(), reason };
    let choice = config.store.value.parse().map_err(wrong)?;
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
    Ok(VaultOptions { state_dir: config.state_dir.value.clone(), choice, passphrase })
}

fn make_private(folder: &Path) -> Result<(), RunError> {
    let made = private::create_folder(folder);
    made.map_err(|reason| RunError::System {
        what: format!("The folder {} cannot be made", folder.display()),
        reason,
    })
}

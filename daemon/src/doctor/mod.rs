//! `GET /v1/doctor`: finds the cause when something does not work, and names what mends it.
//!
//! One file a family of checks. Families run side by side; within one, a check that needs another's result waits for it, and
//! is skipped where that failed, so that one cause is told once. Nothing is changed and nobody is asked for anything; a
//! device code is asked for and dropped, and tokens only for a look at a Foundry resource. What it asks of others is asked once
//! at a time, however many callers there are. [`alone`] is the same without a running daemon: it listens nowhere, locks nothing
//! and writes nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use entra_proto::account::{AccountInfo, Health};
use entra_proto::cloud::Cloud;
use entra_proto::config::ConfigAnswer;
use entra_proto::doctor::{Check, DoctorAnswer};
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::status::{AccountStatus, LoopbackStatus, StoreStatus};
use tokio::sync::{Mutex, oneshot};

use crate::account::schedule::REFRESH_TOKEN_LIFE;
use crate::broker::{Asker, Broker, Registration, Rules};
use crate::clock::Clock;
use crate::config::Flows;
use crate::entra::Entra;
use crate::vault::{Access, Entry, HomeKind, Vault};

mod accounts;
mod check;
mod configuration;
mod file_system;
mod foundry;
mod foundry_address;
mod network;
mod permissions;
mod registration;

use check::Finding;
pub use check::Named;

/// What the settings say, as far as the doctor looks at it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// All settings and where they come from.
    pub config: ConfigAnswer,
    /// Why what the sources say cannot be put in force, where that is so: a running daemon stays with what it had, and none
    /// would start.
    pub fault: Option<String>,
    /// The socket, where it is known.
    pub socket: Option<PathBuf>,
    /// The folder of the sealed file, where it is known.
    pub state_dir: Option<PathBuf>,
    /// The ways to sign in that are allowed.
    pub flows: Flows,
    /// The cloud of the default profile.
    pub cloud: Cloud,
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// A Foundry resource's name or endpoint.
    pub foundry: Option<String>,
    /// The name of a deployment there.
    pub model: Option<String>,
    /// The port for tools, which the doctor's own room does not know.
    pub loopback: Option<LoopbackStatus>,
    /// Who asks, for the log of who got tokens.
    pub asker: Asker,
}

/// The doctor of a running daemon.
pub struct Doctor {
    broker: Arc<Broker>,
    entra: Entra,
    clock: Arc<dyn Clock>,
    subject: Box<dyn Fn() -> Subject + Send + Sync>,
    /// Each look asks Entra for a device code, which no budget counts.
    turn: Mutex<()>,
}

impl Doctor {
    /// A doctor; `subject` says what the settings are at the time of each look.
    pub fn new(
        broker: Arc<Broker>,
        entra: Entra,
        clock: Arc<dyn Clock>,
        subject: impl Fn() -> Subject + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { broker, entra, clock, subject: Box::new(subject), turn: Mutex::default() })
    }

    /// Looks at everything, one caller after the other; a look takes less than eight seconds.
    pub async fn examine(&self, question: &Question) -> DoctorAnswer {
        let _turn = self.turn.lock().await;
        let subject = (self.subject)();
        let registrations = self.broker.registrations();
        let rules = self.broker.rules();
        let foundry = subject.foundry(question);
        let (store, permissions, network, foundry) = tokio::join!(
            self.store(question, &registrations),
            permissions::look(
                subject.state_dir.as_deref(),
                subject.socket.as_deref(),
                &subject.config.sources
            ),
            network::look(&self.entra, &registrations, &subject.flows, rules.bounds()),
            foundry::look(&self.entra, Some(&self.broker), &foundry),
        );
        let configuration = configuration::look(&subject.config, subject.fault.as_deref(), true);
        DoctorAnswer { checks: [configuration, permissions, store, network, foundry].concat() }
    }

    async fn store(&self, question: &Question, registrations: &[Registration]) -> Vec<Check> {
        let mut status = None;
        let store = accounts::STORE
            .run(None, async {
                match self.broker.status().await {
                    Ok(found) => accounts::store(&status.insert(found).store),
                    Err(error) => Finding::of_error(&error),
                }
            })
            .await;
        let known = status.as_ref().filter(|status| status.store.is_open);
        let known = known.map(|status| status.accounts.as_slice());
        let mut checks = vec![store];
        let warnings = status.as_ref().map(|status| status.warnings.as_slice()).unwrap_or_default();
        checks.push(accounts::WARNINGS.found(None, accounts::warnings(warnings)));
        checks.push(accounts::PORT.found(None, accounts::port(question.loopback.as_ref())));
        checks.extend(accounts::look(known, self.clock.now().epoch()));
        for registration in registrations {
            checks.extend(registration::learned(registration, known.unwrap_or_default()));
        }
        checks
    }
}

impl Subject {
    fn foundry<'a>(&'a self, question: &'a Question) -> foundry::Question<'a> {
        let mut settings = self.config.settings.iter();
        let configured = settings.find(|setting| setting.key == FOUNDRY_RESOURCE);
        foundry::Question {
            named: question.foundry.as_deref(),
            configured: configured.and_then(|setting| setting.value.as_ref()?.as_str()),
            model: question.model.as_deref(),
            cloud: self.cloud,
            asker: &question.asker,
        }
    }
}

/// Where no daemon runs: the same but for what only a daemon knows or may do. `means` is nothing where the settings cannot be
/// used.
pub async fn alone(
    subject: &Subject,
    entra: &Entra,
    means: Option<(Vault, Rules)>,
    question: &Question,
) -> DoctorAnswer {
    let (vault, rules) = means.unzip();
    // Those of nobody's settings name no place to look at.
    let rules = rules.unwrap_or_default();
    let (tell, told) = oneshot::channel();
    let store = store_alone(vault, tell);
    let network = async {
        // Whoever signed in may have done so at another place than the configuration names. A key store that hangs is not
        // waited for: the check of it says so.
        let entries =
            tokio::time::timeout(PATIENCE, told).await.ok().and_then(Result::ok).unwrap_or_default();
        let registrations = rules.registrations(entries.iter());
        (network::look(entra, &registrations, &subject.flows, rules.bounds()).await, registrations)
    };
    let foundry = subject.foundry(question);
    let ((store, accounts), permissions, (network, registrations), foundry) = tokio::join!(
        store,
        permissions::look(subject.state_dir.as_deref(), subject.socket.as_deref(), &subject.config.sources),
        network,
        foundry::look(entra, None, &foundry),
    );
    let configuration = configuration::look(&subject.config, subject.fault.as_deref(), false);
    let known = accounts.unwrap_or_default();
    let learned = registrations.iter().flat_map(|here| registration::learned(here, &known));
    let learned = learned.collect();
    DoctorAnswer { checks: [configuration, permissions, store, learned, network, foundry].concat() }
}

/// The store and who is in it, as far as the sealed file says.
async fn store_alone(
    vault: Option<Vault>,
    tell: oneshot::Sender<Vec<Entry>>,
) -> (Vec<Check>, Option<Vec<AccountStatus>>) {
    let Some(vault) = vault else {
        let finding = check::waits_for(configuration::VALID);
        return (vec![accounts::STORE.found(None, finding)], None);
    };
    let mut entries = None;
    let store = accounts::STORE
        .run(None, async {
            match vault.records(Access::Silent).await {
                Ok(found) => {
                    entries = Some(found);
                    let home = vault.status().home.map_or("none", HomeKind::name).to_owned();
                    accounts::store(&StoreStatus { home, is_open: true, error: None })
                }
                Err(error) => Finding::of_error(&error.to_error_body()),
            }
        })
        .await;
    let accounts: Option<Vec<AccountStatus>> =
        entries.as_ref().map(|entries| entries.iter().map(as_account).collect());
    // Nobody listens any more where it took too long.
    let _late = tell.send(entries.unwrap_or_default());
    let mut checks = vec![store];
    checks.extend(accounts::look(accounts.as_deref(), 0));
    (checks, accounts)
}

/// What a record says of its account while no daemon holds it.
fn as_account(entry: &Entry) -> AccountStatus {
    let health = match entry.quarantined_on {
        None => Health::Good,
        Some(since) => {
            let sentence = "Entra declared the refresh token dead.";
            let mut error = ErrorBody::new(ErrorCode::SignInNeeded, sentence).with_hint("Run `entra login`.");
            error.aadsts = entry.quarantined_for;
            Health::SignInNeeded { error: Box::new(error), since }
        }
    };
    AccountStatus {
        account: AccountInfo {
            id: entry.key.account.clone(),
            username: entry.username.clone(),
            name: entry.name.clone(),
            profile: entry.key.profile.clone(),
            cloud: entry.cloud,
            tenant: entry.tenant.clone(),
            client_id: entry.client_id.clone(),
            provenance: entry.provenance.clone(),
            health,
        },
        refreshed_on: None,
        refresh_token_dies_on: entry.used_on.saturating_add(REFRESH_TOKEN_LIFE.as_secs()),
        exercise_due_on: None,
        expectation: None,
        past_demands: Vec::new(),
        tokens: Vec::new(),
    }
}

/// The setting that names a Foundry resource.
const FOUNDRY_RESOURCE: &str = "foundry_resource";

/// For the sealed file; a passphrase is stretched in less.
const PATIENCE: Duration = Duration::from_millis(800);

/// Every check that is made here, in the order in which they stand in an answer.
pub const CHECKS: [Named; 30] = [
    configuration::VALID,
    configuration::LOCKS,
    configuration::RESTART,
    permissions::STATE_FOLDER,
    file_system::STATE_FILE_SYSTEM,
    permissions::SEALED_FILE,
    permissions::SOCKET,
    permissions::CONFIGURATION,
    accounts::STORE,
    accounts::WARNINGS,
    accounts::PORT,
    accounts::SIGNED_IN,
    accounts::HEALTH,
    accounts::PROVENANCE,
    accounts::EXPECTATION,
    accounts::ERRORS,
    registration::PUBLIC_CLIENT,
    registration::CONSENT,
    network::WARNINGS,
    network::PROXY,
    network::DNS,
    network::CONNECTION,
    network::TLS,
    network::CLOCK,
    registration::TENANT,
    registration::EXISTS,
    foundry::ADDRESS,
    foundry::COGNITIVE,
    foundry::AI,
    foundry::MODEL,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use entra_proto::limits::DOCTOR_TIMEOUT;

    use super::*;
    use crate::broker::Parts;

    /// For what is done between them.
    const ROOM: Duration = Duration::from_millis(200);

    /// The longest rows of checks of which each waits for the one before it.
    fn rows() -> [Vec<Named>; 3] {
        [
            [&network::WAY[..], &[registration::TENANT]].concat(),
            [&[foundry::ADDRESS][..], &network::WAY, &[foundry::COGNITIVE, foundry::MODEL]].concat(),
            vec![accounts::STORE, accounts::SIGNED_IN, accounts::HEALTH],
        ]
    }

    #[test]
    fn each_name_stands_once_and_each_limit_leaves_time() {
        let names: BTreeSet<&str> = CHECKS.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), CHECKS.len());
        for check in CHECKS {
            assert!(check.name.contains('.') && (1..=8000).contains(&check.limit_ms), "{check:?}");
        }
        let whole = |row: &[Named]| Duration::from_millis(row.iter().map(|check| check.limit_ms).sum());
        let rows = rows();
        assert!(PATIENCE + whole(&rows[0]) + ROOM <= DOCTOR_TIMEOUT, "without a daemon");
        for row in rows {
            assert!(whole(&row) + ROOM <= DOCTOR_TIMEOUT, "{row:?}");
        }
    }

    #[tokio::test]
    async fn one_look_is_made_at_a_time() {
        let looks = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&looks);
        let subject = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            Subject {
                config: ConfigAnswer {
                    settings: Vec::new(),
                    sources: Vec::new(),
                    egress: Vec::new(),
                    applied_on: 0,
                    waiting_for_restart: Vec::new(),
                },
                fault: None,
                socket: None,
                state_dir: None,
                flows: Flows::default(),
                cloud: Cloud::default(),
            }
        };
        let parts = Parts::empty(Entra::new());
        let clock = Arc::clone(&parts.clock);
        let doctor = Doctor::new(Broker::new(parts), Entra::new(), clock, subject);
        let turn = doctor.turn.lock().await;
        let question = Question::default();
        let mut second = std::pin::pin!(doctor.examine(&question));
        let waited = tokio::time::timeout(Duration::from_millis(1), second.as_mut()).await;
        assert!(waited.is_err());
        assert_eq!(looks.load(Ordering::Relaxed), 0, "the second waits");
        drop(turn);
        assert!(!second.await.checks.is_empty());
        assert_eq!(looks.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn each_check_is_told_of_in_the_documentation() {
        let page = include_str!("../../../docs/doctor.md");
        let rows = page.split("## What entrad looks at").nth(1).unwrap_or_default();
        let rows = rows.split("\n## ").next().unwrap_or_default();
        let told: Vec<&str> =
            rows.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let made: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
        assert_eq!(told, made);
    }
}

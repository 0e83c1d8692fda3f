//! Accounts, flights and sign-ins: the machine's decisions carried out.
//!
//! The one hard idea: a request to Entra runs in a *spawned* task, never inside a caller's future, so that a
//! caller who hangs up cannot cancel a refresh between "Entra rotated the token" and "the new one is on
//! disk". Callers only wait to be told how a flight landed. The state lies behind one short lock that is
//! never held across an await.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entra_proto::error::ErrorBody;
use entra_proto::scope::Scopes;
use tokio::sync::{Notify, watch};

use crate::account::key::{AccountKey, ClientKey, FlightId, SlotKey};
use crate::account::machine::{Landing, Machine, SignedIn};
use crate::account::outcome::{Failure, FailureKind, Fault};
use crate::account::refresh_token::RefreshToken;
use crate::audit::Audit;
use crate::clock::Clock;
#[cfg(any(test, fuzzing))]
use crate::clock::SystemClock;
use crate::entra::Entra;
use crate::entra::target::Target;
use crate::vault::{Access, Entry, Vault};
#[cfg(any(test, fuzzing))]
use crate::vault::{HomeKind, StoreChoice, VaultOptions};

mod challenges;
mod choice;
mod demands;
mod flights;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod gate;
mod key_passphrase;
mod ladder;
mod locking;
mod log;
mod needs;
mod notes;
mod profiles;
mod prospect;
mod registrations;
mod registry;
mod report;
mod revive;
mod rules;
mod rungs;
mod sign_in;
mod sign_ins;
mod sign_out;
mod surroundings;
#[cfg(test)]
pub(crate) mod tests;
mod tokens;

use challenges::Challenges;
pub use gate::{Decision, Gate, Open, Passage, Wish};
pub use key_passphrase::KeptPassphrases;
pub use locking::LockKeeping;
use locking::Locking;
use needs::Needs;
pub use needs::{Asker, Need};
use notes::Notes;
pub use profiles::{ProfileError, Profiles, Registration};
pub use prospect::{Place, Prospect};
use registry::Registries;
pub use registry::access_to_registry;
pub use rules::Rules;
use sign_ins::SignIns;
pub use sign_ins::Story;

/// What the broker stands on.
pub struct Parts {
    /// The sealed file.
    pub vault: Vault,
    /// The way to Entra.
    pub entra: Entra,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// What the settings allow.
    pub rules: Rules,
    /// Who decides whether a request may be asked.
    pub gate: Arc<dyn Gate>,
    /// The socket, for the status.
    pub socket: PathBuf,
    /// Where it is noted who got what.
    pub audit: Audit,
}

#[cfg(any(test, fuzzing))]
impl Parts {
    /// Without an account, on a vault in memory.
    pub(crate) fn empty(entra: Entra) -> Self {
        Self {
            vault: Vault::new(VaultOptions {
                state_dir: PathBuf::new(),
                choice: StoreChoice::Pinned(HomeKind::Memory),
                passphrase: None,
            }),
            entra,
            clock: Arc::new(SystemClock),
            rules: Rules::default(),
            gate: Arc::new(Open),
            socket: PathBuf::new(),
            audit: Audit::default(),
        }
    }
}

/// The broker. Everything takes `&Arc<Self>` where it may start a task.
pub struct Broker {
    parts: Parts,
    notes: Notes,
    started_on: u64,
    state: Mutex<State>,
    locking: Locking,
    /// The vault's records have been read.
    is_restored: AtomicBool,
    /// One attempt to read them at a time, and how the last one failed.
    restoring: tokio::sync::Mutex<Option<Stalled>>,
    /// The schedule changed.
    rescheduled: Notify,
    /// The last flight landed.
    settled: Notify,
}

#[derive(Default)]
struct State {
    rules: Arc<Rules>,
    /// Why other rules could not be put in force.
    settings_fault: Option<String>,
    machine: Machine,
    known: BTreeMap<AccountKey, Known>,
    flights: HashMap<FlightId, watch::Sender<Option<Told>>>,
    sign_ins: SignIns,
    challenges: Challenges,
    registries: Registries,
    needs: Needs,
    /// Since when refresh tokens are in quarantine whose end is waited for, in seconds since 1970.
    quarantines: BTreeSet<u64>,
}

/// What is known of an account besides the machine's part.
struct Known {
    entry: Entry,
    /// Where its refresh token may be sent; an error when today's configuration no longer allows it.
    target: Result<Target, ErrorBody>,
    /// Held while the refresh token is in use or replaced: a rotation must not be overtaken.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// A new refresh token that could not be saved yet, and why.
    unsaved: Option<(RefreshToken, ErrorBody)>,
}

/// What a waiting caller is told.
#[derive(Clone, Debug)]
enum Told {
    /// The account changed under it; it should ask again.
    AskAgain,
    /// The flight landed.
    Landed(Arc<Landing>),
}

/// How the last attempt to read the vault failed, and until when it is not tried again.
struct Stalled {
    until: std::time::Duration,
    error: ErrorBody,
}

impl Broker {
    /// A broker that knows no account yet; [`Broker::restore`] reads them.
    #[must_use]
    pub fn new(mut parts: Parts) -> Arc<Self> {
        let started_on = parts.clock.now().epoch();
        let rules = Arc::new(std::mem::take(&mut parts.rules));
        parts.entra.ask_for_passphrases(Arc::new(KeptPassphrases(parts.vault.clone())));
        let notes = Notes::of(parts.audit.clone());
        Arc::new(Self {
            parts,
            notes,
            started_on,
            state: Mutex::new(State { rules, ..State::default() }),
            locking: Locking::default(),
            is_restored: AtomicBool::new(false),
            restoring: tokio::sync::Mutex::new(None),
            rescheduled: Notify::new(),
            settled: Notify::new(),
        })
    }

    /// Reads the accounts from the vault, once. A vault that cannot be opened is tried again by the next
    /// caller, so a keyring that is unlocked later needs no restart.
    ///
    /// # Errors
    /// Why the vault is closed, at once while the last failure is fresh; `locked` where somebody locked entrad.
    pub async fn restore(self: &Arc<Self>, access: Access) -> Result<(), ErrorBody> {
        self.must_be_open()?;
        if self.is_restored() {
            return Ok(());
        }
        let mut stalled = self.restoring.lock().await;
        if self.is_restored() {
            return Ok(());
        }
        let now = self.parts.clock.now();
        if let Some(stalled) =
            stalled.as_ref().filter(|stalled| access == Access::Silent && stalled.until > now.boot)
        {
            return Err(stalled.error.clone());
        }
        match self.parts.vault.records(access).await {
            Ok(entries) => {
                let mut state = self.state();
                // It may have been locked meanwhile, and then nothing of it stays in memory.
                self.locking.must_not_be_locked()?;
                let quarantined: Vec<_> = entries.iter().filter_map(|entry| entry.quarantined_on).collect();
                for entry in entries {
                    state.welcome(entry);
                }
                self.is_restored.store(true, Ordering::Release);
                drop(state);
                for since in quarantined {
                    self.purge_after_quarantine(since);
                }
                self.rescheduled.notify_one();
                *stalled = None;
                Ok(())
            }
            Err(error) => {
                let error = error.to_error_body();
                *stalled = Some(Stalled { until: now.boot + RETRY_VAULT, error: error.clone() });
                Err(error)
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn vault(&self) -> Vault {
        self.parts.vault.clone()
    }

    fn is_restored(&self) -> bool {
        self.is_restored.load(Ordering::Acquire)
    }

    /// Lets requests that are under way end and saves what is not on disk yet; the caller bounds the wait.
    pub async fn settle(self: &Arc<Self>) {
        loop {
            let settled = self.settled.notified();
            if self.state().flights.is_empty() {
                break;
            }
            settled.await;
        }
        // Each in its turn: what follows from an outcome is written within it, after its callers were told.
        let all: Vec<_> = self.state().known.keys().cloned().collect();
        for key in all {
            self.save_unsaved(&key).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held left no half-made change that a later caller could not live with:
        // every change of the machine is a single call.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A burst of callers causes one look at a locked keyring, not one each.
const RETRY_VAULT: std::time::Duration = std::time::Duration::from_secs(2);

impl State {
    /// Takes in an account from the vault or from a finished sign-in. Flights of the sign-in it replaces
    /// tell their callers to ask again.
    fn welcome(&mut self, entry: Entry) {
        let key = entry.key.clone();
        let client = ClientKey { authority: entry.authority.clone(), client_id: entry.client_id.clone() };
        let signed_in = SignedIn { client, used_on: entry.used_on, rooted_in: rooted_in(&entry) };
        let replaced = self.machine.sign_in(key.clone(), signed_in);
        self.tell_to_ask_again(replaced);
        let died_on = entry.quarantined_on;
        if let Some(since) = died_on {
            self.machine.mark_dead(&key, quarantined(entry.quarantined_for), since);
        }
        let target = self.rules.target_of(&entry);
        let turn = self.known.get(&key).map(|known| Arc::clone(&known.turn)).unwrap_or_default();
        self.known.insert(key.clone(), Known { entry, target, turn, unsaved: None });
        self.needs.end(&key);
        if died_on.is_some() {
            self.note_death(&key);
        }
        self.needs.expect_anew();
    }

    fn tell_to_ask_again(&mut self, flights: impl IntoIterator<Item = FlightId>) {
        for flight in flights {
            if let Some(sender) = self.flights.remove(&flight) {
                sender.send_replace(Some(Told::AskAgain));
            }
        }
    }
}

/// What the sign-in asked for. Records of the first builds do not say.
fn rooted_in(entry: &Entry) -> Option<(SlotKey, Scopes)> {
    let scopes = Scopes::new(entry.scopes.iter().cloned()).ok()?;
    Some((SlotKey::new(&entry.tenant, &scopes, false), scopes))
}

/// Stands for the proof that is no longer at hand but for its number: the daemon was restarted since.
fn quarantined(number: Option<u32>) -> Failure {
    let description = "Entra declared the refresh token dead before entrad was last started".to_owned();
    Failure {
        kind: FailureKind::Dead,
        fault: Fault {
            error: "invalid_grant".to_owned(),
            description,
            codes: number.into_iter().collect(),
            ..Fault::default()
        },
    }
}

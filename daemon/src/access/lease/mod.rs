//! Leases: named, narrow, expiring, revocable rights to ask.
//!
//! Over loopback the kernel does not say who asks, so a request presents a lease's secret, and the lease says what it may
//! ask for. The vault holds every lease, with a digest in place of the secret; memory holds a copy, and when and how
//! often each was used since the start. The hard idea: a lease that is bound to a process ends with that very process, and
//! not with a later one that happens to have its number.

mod admitted;
pub(super) mod allowed;
#[cfg_attr(target_os = "linux", path = "process_linux.rs")]
#[cfg_attr(target_os = "macos", path = "process_macos.rs")]
#[cfg_attr(windows, path = "process_windows.rs")]
pub(super) mod process;
mod refusal;
mod ticket;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use entra_proto::account::AccountId;
use entra_proto::agent::AgentMark;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::lease::{LeaseInfo, LeaseRequest, LeasesAnswer};
use entra_proto::limits::MAX_LEASES;
use entra_proto::log::LogEvent;
use entra_proto::secret::LeaseSecret;

pub use self::admitted::Admitted;
pub use self::allowed::Allowed;
use self::refusal::{bad, no_process, not_in_path, over, stranger, too_many};
use self::ticket::{LeaseId, SecretDigest, issue};
use super::agent::Agents;
use crate::audit::{Audit, Event};
use crate::clock::Clock;
use crate::metrics::METRICS;
use crate::vault::{LeaseRecord, Vault};

/// Every lease of this user.
pub struct Leases {
    vault: Vault,
    clock: Arc<dyn Clock>,
    audit: Audit,
    agents: Option<Agents>,
    state: Mutex<State>,
    /// Held while the vault is read or changed, so that memory follows the vault's order.
    in_order: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    is_read: bool,
    /// How often the vault had been locked then.
    read_after: u64,
    leases: BTreeMap<LeaseId, Lease>,
    strangers: u64,
    /// How long a lease may stand, in seconds.
    longest: Option<u64>,
}

struct Lease {
    record: LeaseRecord,
    digest: SecretDigest,
    allowed: Allowed,
    used_on: Option<u64>,
    uses: u64,
}

/// Where a secret stood in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// In a header, or in a body.
    Apart,
    /// In its path, where only a lease is taken that was made for it.
    InPath,
}

impl Leases {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(vault: Vault, clock: Arc<dyn Clock>) -> Self {
        Self {
            vault,
            clock,
            audit: Audit::default(),
            agents: None,
            state: Mutex::default(),
            in_order: tokio::sync::Mutex::new(()),
        }
    }

    /// The same, and notes in the log which of them ended by themselves.
    #[must_use]
    pub fn noting(mut self, audit: Audit) -> Self {
        self.audit = audit;
        self
    }

    /// The same, and tells of which processes leases say that they are agents.
    #[must_use]
    pub fn minding(mut self, agents: Agents) -> Self {
        self.agents = Some(agents);
        self
    }

    /// From now on a lease is over once it has stood for this long, whatever it was made for.
    pub fn bound(&self, longest: Option<Duration>) {
        self.state().longest = longest.map(|longest| longest.as_secs());
    }

    /// Makes a lease; its account and profile have been resolved. A free-standing lease of the same name ends.
    ///
    /// # Errors
    /// When the request is wrong, there are too many leases, the process is gone, or the vault cannot be written.
    pub async fn make(
        &self,
        request: LeaseRequest,
        account: Option<AccountId>,
        profile: Option<String>,
    ) -> Result<(LeaseInfo, LeaseSecret), ErrorBody> {
        self.make_known_by(None, request, account, profile).await
    }

    /// The same for who makes it, an agent that is known by this: its lease is no surer.
    ///
    /// # Errors
    /// As [`Leases::make`].
    pub async fn make_known_by(
        &self,
        agent_known_by: Option<AgentMark>,
        request: LeaseRequest,
        account: Option<AccountId>,
        profile: Option<String>,
    ) -> Result<(LeaseInfo, LeaseSecret), ErrorBody> {
        if let Some(fault) = request.fault() {
            return Err(bad(format!("This is no lease: {fault}.")));
        }
        let process = match request.process {
            Some(pid) => Some((pid, process::mark(pid).ok_or_else(|| no_process(pid))?)),
            None => None,
        };
        let no_chance = |_| ErrorBody::new(ErrorCode::Internal, "The system gives no random bytes.");
        let (id, secret, digest) = issue().map_err(no_chance)?;
        let now = self.clock.now().epoch();
        let record = LeaseRecord {
            id: id.to_string(),
            name: request.name,
            digest: digest.write(),
            resources: request.resources,
            account,
            profile,
            made_on: now,
            expires_on: request.expires_in.map(|seconds| now.saturating_add(seconds)),
            process,
            in_path: request.in_path,
            agent: request.agent.map(|agent| agent.to_ascii_lowercase()),
            agent_known_by: agent_known_by.filter(|mark| *mark != AgentMark::Declared),
        };
        let _order = self.in_order.lock().await;
        self.read().await?;
        let over = self.ended(now);
        let mut ended = self.ends_of(&over);
        if process.is_none() {
            ended.extend(self.replacement_of(&record.name, &over));
        }
        if self.state().leases.len() - over.len() >= MAX_LEASES {
            return Err(too_many());
        }
        let (added, is_free) = (record.clone(), process.is_none());
        let change = move |leases: &mut Vec<LeaseRecord>| {
            let is_replaced = |it: &LeaseRecord| {
                is_free && it.process.is_none() && it.name == added.name || over.contains(&it.id)
            };
            leases.retain(|it| !is_replaced(it));
            leases.push(added);
        };
        self.write(change).await?;
        ended.into_iter().for_each(|event| self.audit.record(event));
        METRICS.lease_made();
        let lease = self.state().leases.get(&id).map(Lease::info);
        lease
            .map(|lease| (lease, secret))
            .ok_or_else(|| ErrorBody::new(ErrorCode::Internal, "The lease is lost."))
    }

    /// Ends the lease of this id, or every one of this name. From now on its secret is void.
    ///
    /// # Errors
    /// When there is none, or the vault cannot be written: then it stands.
    pub async fn revoke(&self, named: &str) -> Result<(), ErrorBody> {
        let _order = self.in_order.lock().await;
        self.read().await?;
        let is_it = |record: &LeaseRecord, named: &str| record.id == named || record.name == named;
        if !self.state().leases.values().any(|lease| is_it(&lease.record, named)) {
            let shown: String = named.chars().filter(|char| !char.is_control()).take(80).collect();
            let error = ErrorBody::new(ErrorCode::NotFound, format!("There is no lease `{shown}`."));
            return Err(error.with_hint("`entra lease ls` lists the leases."));
        }
        let named = named.to_owned();
        self.write(move |leases| leases.retain(|record| !is_it(record, &named))).await
    }

    /// The leases, by name, and how many requests had none.
    ///
    /// # Errors
    /// When the vault cannot be opened.
    pub async fn list(&self) -> Result<LeasesAnswer, ErrorBody> {
        self.restore().await?;
        let over = self.ended(self.clock.now().epoch());
        let state = self.state();
        let standing = state.leases.values().filter(|lease| !over.contains(&lease.record.id));
        let mut leases: Vec<_> = standing.map(Lease::info).collect();
        leases.sort_by(|one, other| (&one.name, one.made_on).cmp(&(&other.name, other.made_on)));
        Ok(LeasesAnswer { leases, strangers: state.strangers, ..LeasesAnswer::default() })
    }

    /// Whether a lease ends with one of these processes, each its id and its mark: what runs below that one runs on the lease.
    ///
    /// # Errors
    /// When the vault cannot be opened.
    pub async fn are_of_any(&self, processes: &[(u32, u64)]) -> Result<bool, ErrorBody> {
        self.restore().await?;
        let is_of = |lease: &Lease| lease.record.process.is_some_and(|process| processes.contains(&process));
        Ok(self.state().leases.values().any(is_of))
    }

    /// What this secret lets a request do. A wrong one is counted, and logged now and then.
    ///
    /// # Errors
    /// When it is no standing lease's, or the vault cannot be opened and nothing is known of leases.
    pub async fn admit(&self, secret: &LeaseSecret, presented: Presented) -> Result<Admitted, ErrorBody> {
        self.restore().await?;
        let now = self.clock.now().epoch();
        let mut state = self.state();
        let longest = state.longest;
        let found = LeaseId::in_secret(secret).and_then(|id| state.leases.get_mut(&id));
        let Some(lease) = found.filter(|lease| lease.digest.is_of(secret)) else {
            state.strangers += 1;
            if state.strangers.is_power_of_two() {
                tracing::warn!(so_far = state.strangers, "a loopback request presented no lease's secret");
            }
            return Err(stranger());
        };
        if lease.is_over(now, longest) {
            return Err(over(&lease.record.name));
        }
        if presented == Presented::InPath && !lease.record.in_path {
            return Err(not_in_path(&lease.record.name));
        }
        lease.used_on = Some(now);
        lease.uses += 1;
        let agent = lease.record.declares();
        let agent = agent.map(|(agent, known_by)| (agent.to_owned(), known_by));
        let LeaseRecord { name, account, profile, .. } = lease.record.clone();
        Ok(Admitted::new(name, lease.allowed.clone(), account, profile).of_agent(agent))
    }

    /// Ends every lease of this agent, or of any. Returns their names.
    ///
    /// # Errors
    /// When the vault cannot be read or written: then they stand.
    pub async fn revoke_of_agents(&self, agent: Option<&str>) -> Result<Vec<String>, ErrorBody> {
        let is_theirs = |record: &LeaseRecord, agent: Option<&str>| match &record.agent {
            Some(its) => agent.is_none_or(|agent| agent == its),
            None => false,
        };
        let _order = self.in_order.lock().await;
        self.vault.must_be_unlocked().map_err(|error| error.to_error_body())?;
        self.read().await?;
        let theirs: Vec<String> = {
            let state = self.state();
            let records = state.leases.values().map(|lease| &lease.record);
            records.filter(|it| is_theirs(it, agent)).map(|it| it.name.clone()).collect()
        };
        if !theirs.is_empty() {
            let agent = agent.map(str::to_owned);
            self.write(move |leases| leases.retain(|it| !is_theirs(it, agent.as_deref()))).await?;
        }
        Ok(theirs)
    }

    /// Finds out which processes leases declare to be agents, where that is not known yet. Where the vault is closed nobody is
    /// handed anything either.
    pub async fn know_agents(&self) {
        if !self.state().is_read {
            let _closed = self.restore().await;
        }
    }

    async fn restore(&self) -> Result<(), ErrorBody> {
        // Also where all is known: locked means that no secret is good.
        self.vault.must_be_unlocked().map_err(|error| error.to_error_body())?;
        if self.is_current() {
            return Ok(());
        }
        let _order = self.in_order.lock().await;
        self.read().await
    }

    /// Reads the vault where that has not been done. In order.
    async fn read(&self) -> Result<(), ErrorBody> {
        if self.is_current() {
            return Ok(());
        }
        let after = self.vault.times_locked();
        let records = self.vault.leases().await.map_err(|error| error.to_error_body())?;
        self.follow(records);
        self.state().read_after = after;
        Ok(())
    }

    /// Whether what is in memory is what the vault holds: it may be another one after it was locked.
    fn is_current(&self) -> bool {
        let state = self.state();
        state.is_read && state.read_after == self.vault.times_locked()
    }

    /// Changes the vault, and then memory. In order.
    async fn write(
        &self,
        change: impl FnOnce(&mut Vec<LeaseRecord>) + Send + 'static,
    ) -> Result<(), ErrorBody> {
        // Whoever asked may hang up at any await, and the vault may be written all the same.
        let mut unsure = Unsure { leases: self, is_sure: false };
        let (tell, told) = tokio::sync::oneshot::channel();
        let written = self.vault.change_leases(move |leases| {
            change(leases);
            // Nobody listens any more if the vault took too long; memory is then read anew.
            let _late = tell.send(leases.clone());
        });
        written.await.map_err(|error| error.to_error_body())?;
        if let Ok(records) = told.await {
            self.follow(records);
            unsure.is_sure = true;
        }
        Ok(())
    }

    fn follow(&self, records: Vec<LeaseRecord>) {
        for record in &records {
            let declares = record.declares();
            if let (Some(agents), Some(process), Some((agent, known_by))) =
                (&self.agents, record.process, declares)
            {
                agents.declare(process, agent, known_by);
            }
        }
        self.state().follow(records);
    }

    /// The ids of those that are over.
    fn ended(&self, now: u64) -> Vec<String> {
        let state = self.state();
        state
            .leases
            .values()
            .filter(|lease| lease.is_over(now, state.longest))
            .map(|lease| lease.record.id.clone())
            .collect()
    }

    /// That these are over, which is noticed now. Nobody waits for their time to note it sooner: it would wake an idle daemon, and one
    /// that is over by a bound of the settings may stand again.
    fn ends_of(&self, over: &[String]) -> Vec<Event> {
        let (state, now) = (self.state(), self.clock.now().epoch());
        let ended = state.leases.values().filter(|lease| over.contains(&lease.record.id));
        let note = |lease: &Lease| {
            let sentence = lease.ending(now, state.longest);
            Event::new(LogEvent::LeaseEnded).lease(Some(&lease.record.name)).detail(sentence)
        };
        ended.map(note).collect()
    }

    /// That those of this name make room for another, which is noticed now.
    fn replacement_of(&self, name: &str, over: &[String]) -> Vec<Event> {
        let state = self.state();
        let is_replaced =
            |it: &&LeaseRecord| it.process.is_none() && it.name == name && !over.contains(&it.id);
        let replaced = state.leases.values().map(|lease| &lease.record).filter(is_replaced);
        let note = |record: &LeaseRecord| {
            let sentence = format!("{} made room for another of its name.", record.id);
            Event::new(LogEvent::LeaseEnded).lease(Some(&record.name)).detail(sentence)
        };
        replaced.map(note).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A change of the vault whose outcome memory does not know yet: unless it comes to know, it is to read anew. A secret that
/// is void on disk must not be good in memory.
struct Unsure<'a> {
    leases: &'a Leases,
    is_sure: bool,
}

impl Drop for Unsure<'_> {
    fn drop(&mut self) {
        if !self.is_sure {
            self.leases.state().is_read = false;
        }
    }
}

impl State {
    /// Takes what the vault holds, and keeps what is known of uses.
    fn follow(&mut self, records: Vec<LeaseRecord>) {
        let mut before = std::mem::take(&mut self.leases);
        for record in records {
            // One whose digest cannot be read admits nobody.
            let Some(digest) = SecretDigest::read(&record.digest) else { continue };
            let id = LeaseId::written(&record.id);
            let (used_on, uses) = before.remove(&id).map_or((None, 0), |lease| (lease.used_on, lease.uses));
            let allowed = Allowed::of(&record.resources);
            self.leases.insert(id, Lease { record, digest, allowed, used_on, uses });
        }
        METRICS.leases_ended(before.len());
        self.is_read = true;
    }
}

impl Lease {
    /// When its time is over.
    fn end(&self, longest: Option<u64>) -> Option<u64> {
        let may_end_on = longest.map(|longest| self.record.made_on.saturating_add(longest));
        [self.record.expires_on, may_end_on].into_iter().flatten().min()
    }

    fn is_over(&self, now: u64, longest: Option<u64>) -> bool {
        self.end(longest).is_some_and(|end| now >= end)
            || self.record.process.is_some_and(|(pid, mark)| process::mark(pid) != Some(mark))
    }

    /// Of one that is over.
    fn ending(&self, now: u64, longest: Option<u64>) -> String {
        let why = match self.end(longest).filter(|end| now >= *end) {
            Some(end) => format!("at {}", shown(end)),
            None => "with its process".to_owned(),
        };
        format!("{} ended {why}; it is forgotten now.", self.record.id)
    }

    fn info(&self) -> LeaseInfo {
        let record = self.record.clone();
        LeaseInfo {
            id: record.id,
            name: record.name,
            resources: record.resources,
            account: record.account,
            profile: record.profile,
            made_on: record.made_on,
            expires_on: record.expires_on,
            process: record.process.map(|(pid, _)| pid),
            in_path: record.in_path,
            agent: record.agent,
            used_on: self.used_on,
            uses: self.uses,
        }
    }
}

fn shown(epoch: u64) -> humantime::Rfc3339Timestamp {
    // The last second that it can write is of the year 9999.
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(epoch.min(253_402_300_799)))
}

#[cfg(test)]
mod tests;

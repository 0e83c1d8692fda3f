//! Who needs a person: each account once, whatever the number of callers that were refused for want of a sign-in.
//!
//! What stands here is true now, so a reader that comes late or is slow misses nothing. The one hard idea is when it is over:
//! a dead refresh token needs a sign-in, or to work again; one resource that Entra wants a person for needs a sign-in,
//! or to be granted all the same. Callers that wait are told of the end by the end itself: they wait for a channel that closes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use entra_proto::agent::AgentMark;
use entra_proto::cloud::Cloud;
use entra_proto::error::ErrorBody;
use entra_proto::resource::RESOURCES;
use entra_proto::scope::Scopes;
use tokio::sync::watch;

use super::{Broker, State};
use crate::access::caller::Caller;
use crate::account::key::{AccountKey, SlotKey};

/// Who asks for a token, as people are told.
#[derive(Clone, Debug, Default)]
pub enum Asker {
    /// It is not known.
    #[default]
    Unknown,
    /// The daemon itself, which hands the token to nobody.
    Ourselves,
    /// A process over the socket, as the kernel names it.
    Caller(Caller),
    /// Whoever presented the lease of this name.
    Lease(String),
    /// A process over the socket that presented the lease of this name.
    Lent(Caller, String),
    /// Whoever presented a lease that was made for an AI agent.
    Agent {
        /// The process, where the kernel names it.
        caller: Option<Caller>,
        /// The lease's name.
        lease: String,
        /// The agent's.
        agent: Arc<str>,
        /// How that is known.
        known_by: AgentMark,
    },
}

impl Asker {
    /// The same with the lease of this name.
    #[must_use]
    pub fn lent(self, lease: &str) -> Self {
        match self {
            Self::Caller(caller) | Self::Lent(caller, _) => Self::Lent(caller, lease.to_owned()),
            Self::Unknown | Self::Ourselves | Self::Lease(_) => Self::Lease(lease.to_owned()),
            Self::Agent { caller, agent, known_by, .. } => {
                Self::Agent { caller, lease: lease.to_owned(), agent, known_by }
            }
        }
    }

    /// The same, where its lease was made for an AI agent, and how that is known.
    #[must_use]
    pub fn declared(self, agent: Option<(&str, AgentMark)>) -> Self {
        let (Some((agent, known_by)), Some(lease)) = (agent, self.lease().map(str::to_owned)) else {
            return self;
        };
        Self::Agent { caller: self.caller().cloned(), lease, agent: agent.into(), known_by }
    }

    /// The agent that its lease was made for, and how that is known.
    #[must_use]
    pub fn agent(&self) -> Option<(&Arc<str>, AgentMark)> {
        match self {
            Self::Agent { agent, known_by, .. } => Some((agent, *known_by)),
            Self::Unknown | Self::Ourselves | Self::Caller(_) | Self::Lease(_) | Self::Lent(..) => None,
        }
    }

    /// The process, where the kernel names it.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        match self {
            Self::Caller(caller) | Self::Lent(caller, _) => Some(caller),
            Self::Agent { caller, .. } => caller.as_ref(),
            Self::Unknown | Self::Ourselves | Self::Lease(_) => None,
        }
    }

    /// The name of the lease, where one was presented.
    #[must_use]
    pub fn lease(&self) -> Option<&str> {
        match self {
            Self::Lease(name) | Self::Lent(_, name) | Self::Agent { lease: name, .. } => Some(name),
            Self::Unknown | Self::Ourselves | Self::Caller(_) => None,
        }
    }

    fn describe(&self) -> Option<String> {
        match (self.caller(), self.lease()) {
            (Some(caller), _) => Some(caller.asks_for()),
            (None, lease) => lease.map(|name| format!("the lease `{name}`")),
        }
    }
}

/// An account that needs a person.
#[derive(Clone, Debug)]
pub struct Need {
    /// Which.
    pub key: AccountKey,
    /// Its user name.
    pub username: String,
    /// Why, with the challenge that the sign-in is to carry.
    pub error: ErrorBody,
    /// Who was refused first.
    pub program: Option<String>,
    /// What for.
    pub wanted: Option<String>,
    /// Since when, in seconds since 1970.
    pub since: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Callers that wait.
    pub waiting: u32,
}

/// All that stands.
#[derive(Default)]
pub(super) struct Needs {
    standing: BTreeMap<AccountKey, Standing>,
    /// Counts what began, ended, or became another reason.
    changes: watch::Sender<u64>,
    /// The daemon stops, so nobody is waited for any more.
    is_stopping: bool,
}

struct Standing {
    is_dead: bool,
    slots: BTreeSet<SlotKey>,
    error: ErrorBody,
    program: Option<String>,
    wanted: Option<String>,
    since: u64,
    /// When a caller was last refused.
    refused_on: u64,
    refused: u64,
    /// Closes when it is over; each receiver is a caller that waits.
    over: watch::Sender<()>,
}

/// A caller's refusal.
pub(super) struct Refused<'a> {
    pub(super) slot: &'a SlotKey,
    pub(super) scopes: &'a Scopes,
    pub(super) cloud: Cloud,
    pub(super) asker: &'a Asker,
}

impl Needs {
    /// A caller was refused. Returns what closes when the need is over; nothing once the daemon stops.
    pub(super) fn refuse(
        &mut self,
        key: &AccountKey,
        error: &ErrorBody,
        is_dead: bool,
        refused: &Refused<'_>,
        now: u64,
    ) -> Option<watch::Receiver<()>> {
        let is_stopping = self.is_stopping;
        let standing = self.begin(key, error, is_dead, now);
        if !is_dead {
            standing.slots.insert(refused.slot.clone());
        }
        // The first who wanted it: the one whose work has stopped for the longest.
        if standing.wanted.is_none() {
            standing.program = refused.asker.describe();
            standing.wanted = Some(wanted(refused.scopes, refused.cloud));
        }
        standing.refused += 1;
        standing.refused_on = now;
        (!is_stopping).then(|| standing.over.subscribe())
    }

    /// Lets those who wait go on: they are told now what they would be told at the end of their wait.
    pub(super) fn stop(&mut self) {
        self.is_stopping = true;
        for standing in self.standing.values_mut() {
            standing.over = watch::Sender::new(());
        }
    }

    /// Nobody is known any more, and whoever comes later may be waited for again.
    pub(super) fn clear(&mut self) {
        self.standing.clear();
        self.is_stopping = false;
        self.expect_anew();
    }

    /// The refresh token was found dead, by whomever.
    pub(super) fn died(&mut self, key: &AccountKey, error: &ErrorBody, since: u64) {
        self.begin(key, error, true, since);
    }

    /// Entra granted a token all the same.
    pub(super) fn granted(&mut self, key: &AccountKey, slot: &SlotKey) {
        let Some(standing) = self.standing.get_mut(key) else { return };
        standing.is_dead = false;
        standing.slots.remove(slot);
        if standing.slots.is_empty() {
            self.end(key);
        }
    }

    /// Somebody signed in, or out.
    pub(super) fn end(&mut self, key: &AccountKey) {
        if self.standing.remove(key).is_some() {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    /// What expectations are made from has changed.
    pub(super) fn expect_anew(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn begin(&mut self, key: &AccountKey, error: &ErrorBody, is_dead: bool, now: u64) -> &mut Standing {
        let is_news = self.standing.get(key).is_none_or(|standing| is_dead && !standing.is_dead);
        let standing = self.standing.entry(key.clone()).or_insert_with(|| Standing {
            is_dead,
            slots: BTreeSet::new(),
            error: error.clone(),
            program: None,
            wanted: None,
            since: now,
            refused_on: now,
            refused: 0,
            over: watch::Sender::new(()),
        });
        if is_news {
            standing.is_dead |= is_dead;
            standing.error = error.clone();
            self.changes.send_modify(|count| *count += 1);
        } else if error.claims_handle.is_some() && standing.is_dead == is_dead {
            // The newest challenge is the one that still stands.
            standing.error.claims_handle.clone_from(&error.claims_handle);
        }
        standing
    }

    /// Drops what nobody has asked for any more: one resource that was tried once is nothing to remind of for ever.
    fn forget_old(&mut self, now: u64) {
        let is_old = |standing: &Standing| {
            !standing.is_dead
                && standing.over.receiver_count() == 0
                && now.saturating_sub(standing.refused_on) > FORGOTTEN_AFTER.as_secs()
        };
        let before = self.standing.len();
        self.standing.retain(|_, standing| !is_old(standing));
        if self.standing.len() < before {
            self.changes.send_modify(|count| *count += 1);
        }
    }
}

/// A tool that is in use asks at least once a day.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

impl Broker {
    /// The accounts that need a person, the longest in need first.
    #[must_use]
    pub fn needs(&self) -> Vec<Need> {
        let now = self.parts.clock.now().epoch();
        let mut state = self.state();
        state.needs.forget_old(now);
        let mut needs: Vec<_> = state.needs.standing.iter().map(|(key, it)| state.need(key, it)).collect();
        needs.sort_by(|one, other| (one.since, &one.key).cmp(&(other.since, &other.key)));
        needs
    }

    /// Changes whenever [`Broker::needs`] or [`Broker::expectations`] do, but for their counts.
    #[must_use]
    pub fn watch_needs(&self) -> watch::Receiver<u64> {
        self.state().needs.changes.subscribe()
    }

    /// Ends the wait of all who wait for a person: the daemon stops, and they are to have an answer.
    pub fn stop_waiting(&self) {
        self.state().needs.stop();
    }
}

impl State {
    fn need(&self, key: &AccountKey, standing: &Standing) -> Need {
        let username = self.known.get(key).map(|known| known.entry.username.clone());
        Need {
            key: key.clone(),
            username: username.unwrap_or_else(|| key.account.to_string()),
            error: standing.error.clone(),
            program: standing.program.clone(),
            wanted: standing.wanted.clone(),
            since: standing.since,
            refused: standing.refused,
            waiting: standing.over.receiver_count().try_into().unwrap_or(u32::MAX),
        }
    }
}

/// What a token is for, in a person's words where there are some.
fn wanted(scopes: &Scopes, cloud: Cloud) -> String {
    let is_it = |address: &str| Scopes::of_resource(address).is_ok_and(|known| known.key() == scopes.key());
    let known = RESOURCES.iter().find(|resource| resource.address(cloud).is_some_and(is_it));
    known.map_or_else(
        || scopes.to_string().chars().filter(|char| !char.is_control()).take(200).collect(),
        |resource| resource.title.to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use entra_proto::error::ErrorCode;

    use super::*;

    fn key(name: &str) -> AccountKey {
        AccountKey { profile: "default".to_owned(), account: format!("{name}.t").parse().unwrap() }
    }

    fn error(message: &str) -> ErrorBody {
        ErrorBody::new(ErrorCode::SignInNeeded, message)
    }

    fn refuse(needs: &mut Needs, name: &str, scope: &str, is_dead: bool, now: u64) -> watch::Receiver<()> {
        try_refuse(needs, name, scope, is_dead, now).unwrap()
    }

    fn try_refuse(
        needs: &mut Needs,
        name: &str,
        scope: &str,
        is_dead: bool,
        now: u64,
    ) -> Option<watch::Receiver<()>> {
        let scopes = Scopes::new([scope]).unwrap();
        let slot = SlotKey::new("t", &scopes, false);
        let asker = Asker::Lease(scope.to_owned());
        let refused = Refused { slot: &slot, scopes: &scopes, cloud: Cloud::Public, asker: &asker };
        needs.refuse(&key(name), &error(scope), is_dead, &refused, now)
    }

    fn granted(needs: &mut Needs, name: &str, scope: &str) {
        needs.granted(&key(name), &SlotKey::new("t", &Scopes::new([scope]).unwrap(), false));
    }

    #[test]
    fn many_callers_are_one_need_and_the_first_is_named() {
        let mut needs = Needs::default();
        let changes = needs.changes.subscribe();
        let waiting: Vec<_> =
            (0..100).map(|at| refuse(&mut needs, "u", &format!("s{at}"), false, at)).collect();
        let standing = &needs.standing[&key("u")];
        assert_eq!((standing.refused, standing.over.receiver_count(), standing.since), (100, 100, 0));
        assert_eq!(standing.program.as_deref(), Some("the lease `s0`"));
        assert_eq!(*changes.borrow(), 1);
        drop(waiting);
        assert_eq!(needs.standing[&key("u")].over.receiver_count(), 0, "who hangs up waits no more");
    }

    #[tokio::test]
    async fn it_is_over_when_each_resource_was_granted_or_somebody_signed_in() {
        let mut needs = Needs::default();
        let mut waiting = refuse(&mut needs, "u", "a", false, 0);
        refuse(&mut needs, "u", "b", false, 0);
        granted(&mut needs, "u", "a");
        assert!(!needs.standing.is_empty());
        granted(&mut needs, "u", "b");
        assert!(needs.standing.is_empty() && waiting.changed().await.is_err());
        let mut waiting = refuse(&mut needs, "u", "a", true, 0);
        needs.end(&key("u"));
        assert!(needs.standing.is_empty() && waiting.changed().await.is_err());
    }

    #[test]
    fn a_dead_token_is_the_greater_reason_and_ends_when_it_works_again() {
        let mut needs = Needs::default();
        refuse(&mut needs, "u", "a", false, 0);
        needs.died(&key("u"), &error("dead"), 5);
        needs.died(&key("u"), &error("again"), 6);
        let standing = &needs.standing[&key("u")];
        assert_eq!((standing.error.message.as_str(), standing.since), ("dead", 0));
        granted(&mut needs, "u", "b");
        assert!(!needs.standing[&key("u")].is_dead, "and `a` is still refused");
        granted(&mut needs, "u", "a");
        assert!(needs.standing.is_empty());
    }

    #[tokio::test]
    async fn a_daemon_that_stops_lets_everybody_go() {
        let mut needs = Needs::default();
        let mut waiting = refuse(&mut needs, "u", "a", true, 0);
        needs.stop();
        assert!(waiting.changed().await.is_err());
        assert!(try_refuse(&mut needs, "u", "a", true, 0).is_none(), "and nobody waits anew");
        assert_eq!(needs.standing.len(), 1, "the account needs a person all the same");
    }

    #[test]
    fn what_nobody_asks_for_any_more_is_forgotten_unless_the_account_is_dead() {
        let mut needs = Needs::default();
        drop(refuse(&mut needs, "once", "a", false, 0));
        drop(refuse(&mut needs, "dead", "a", true, 0));
        let waiting = refuse(&mut needs, "wanted", "a", false, 0);
        needs.forget_old(FORGOTTEN_AFTER.as_secs());
        assert_eq!(needs.standing.len(), 3);
        needs.forget_old(FORGOTTEN_AFTER.as_secs() + 1);
        assert_eq!(needs.standing.keys().collect::<Vec<_>>(), [&key("dead"), &key("wanted")]);
        drop(waiting);
    }

    #[test]
    fn what_is_wanted_is_named_as_people_name_it() {
        let of = |address: &str| wanted(&Scopes::of_resource(address).unwrap(), Cloud::Public);
        let graph = entra_proto::resource::named("graph").unwrap();
        assert_eq!(of(graph.address(Cloud::Public).unwrap()), graph.title);
        assert_eq!(wanted(&Scopes::new(["api://x/read"]).unwrap(), Cloud::Public), "api://x/read");
    }
}

//! What became of every request of the programs, and of every request to the authority.

use std::collections::BTreeMap;
use std::time::Duration;

use entra_proto::token::{Source, TokenAnswer};
use entra_sim::LoggedRequest;
use entrad::account::time::Now;

use crate::spans::Spans;
use crate::world::{CAE_RESOURCES, Condition, RESOURCES, World};

/// See the module.
pub(crate) struct Ledger<'a> {
    world: &'a World,
    pub(crate) resources: [Resource; RESOURCES.len()],
    /// Requests that waited or failed, in order.
    pub(crate) waits: Vec<Wait>,
    /// Requests to the authority by what became of them.
    pub(crate) sent: BTreeMap<&'static str, u64>,
    /// Those among them that were second tries in place, with the correlation id of the first.
    pub(crate) second_tries: u64,
    /// Tokens granted that nobody was handed.
    pub(crate) unused: u64,
    /// Attempts that never left the machine.
    pub(crate) unsent: u64,
    correlation_id: String,
    /// While the person's refresh token was revoked and nobody had signed in anew.
    pub(crate) signed_out: Spans,
}

/// One resource.
#[derive(Default)]
pub(crate) struct Resource {
    pub(crate) asks: Vec<Duration>,
    /// When tokens came that the oracle need not fetch.
    pub(crate) given: Vec<Duration>,
    pub(crate) challenges: u64,
    /// The lives that were granted.
    pub(crate) lives: Vec<Duration>,
    known: Option<Known>,
    fetched: Option<Duration>,
}

/// The token that was last answered; instants are of the boot clock.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    expires_on: u64,
    is_from_memory: bool,
    pub(crate) due: Duration,
    pub(crate) expiry: Duration,
}

/// A request that was not answered from memory.
pub(crate) struct Wait {
    pub(crate) at: Duration,
    pub(crate) resource: usize,
    pub(crate) why: Why,
    /// What the caller got: a token, or an error's code.
    pub(crate) end: String,
    /// The token that was last answered for the resource.
    pub(crate) known: Option<Known>,
}

/// Why a request was not answered from memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// The first ever for its resource.
    First,
    /// The authority answered nobody, or asked to be left alone, from when the token was due until it expired, and
    /// still does.
    Outage,
    /// The same, and it answers again.
    OutageOver,
    /// A challenge passes over memory by its nature.
    Challenge,
    /// The token still had life.
    Dropped,
    /// The machine slept while the token was to be renewed.
    Slept,
    /// Nobody had asked since the token was due.
    Unwanted,
    /// For part of the time in which the token was to be renewed the authority answered nobody.
    Troubled,
    /// None of these.
    Other,
}

impl Why {
    /// Whether the promise leaves such a request out.
    pub(crate) fn is_excused(self) -> bool {
        matches!(self, Self::First | Self::Outage | Self::OutageOver)
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::First => "the first ever for its resource",
            Self::Outage => "authority down from due to expiry, and still",
            Self::OutageOver => "authority down from due to expiry, up again",
            Self::Challenge => "claims challenge, which passes over memory",
            Self::Dropped => "the token it should have got was still good",
            Self::Slept => "asleep while the token was to be renewed",
            Self::Unwanted => "nobody asked since the token was due",
            Self::Troubled => "outage or storm for part of the time to renew",
            Self::Other => "none of these",
        }
    }
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self {
            world,
            resources: Default::default(),
            waits: Vec::new(),
            sent: BTreeMap::new(),
            second_tries: 0,
            unused: 0,
            unsent: 0,
            correlation_id: String::new(),
            signed_out: Spans::default(),
        }
    }

    /// A program was answered. Returns whether it is the first one with this token from memory.
    pub(crate) fn answered(&mut self, resource: usize, answer: &TokenAnswer, now: Now) -> bool {
        let resource = &mut self.resources[resource];
        let is_from_memory = answer.source == Source::Cache;
        if let Some(known) = resource.known.as_mut().filter(|known| known.expires_on == answer.expires_on) {
            return !std::mem::replace(&mut known.is_from_memory, is_from_memory) && is_from_memory;
        }
        let boot = |epoch: u64| (now.boot + Duration::from_secs(epoch)).saturating_sub(now.wall);
        let (expires_on, due, expiry) =
            (answer.expires_on, boot(answer.refresh_due_on), boot(answer.expires_on));
        resource.known = Some(Known { expires_on, is_from_memory, due, expiry });
        resource.lives.extend(resource.fetched.take().map(|fetched| expiry - fetched));
        is_from_memory
    }

    /// A program asks.
    pub(crate) fn asked(&mut self, resource: usize, at: Duration) {
        self.resources[resource].asks.push(at);
    }

    /// It was not answered from memory; `end` is what it got in the end.
    pub(crate) fn waited(&mut self, resource: usize, at: Duration, is_challenge: bool, end: String) {
        let why = if is_challenge { Why::Challenge } else { self.why(resource, at) };
        let known = self.resources[resource].known;
        self.waits.push(Wait { at, resource, why, end, known });
    }

    /// A request to refresh came to the authority, or would have.
    pub(crate) fn sent(&mut self, request: &LoggedRequest, condition: Condition, at: Duration) {
        if condition == Condition::Offline {
            self.unsent += 1;
            return;
        }
        let end = match request.status {
            Some(200) => "granted",
            Some(429) => "throttled (429)",
            Some(503) => "unavailable (503)",
            Some(_) => "refused",
            None => "connection broken",
        };
        *self.sent.entry(end).or_default() += 1;
        let correlation_id = &request.headers["client-request-id"];
        if *correlation_id == self.correlation_id {
            self.second_tries += 1;
        }
        self.correlation_id.clone_from(correlation_id);
        if request.status == Some(200) {
            let of = |name: &&str| request.scopes().contains(&scope_of(name).as_str());
            let resource = RESOURCES.iter().position(of).expect("a resource of ours");
            let unused = self.resources[resource].fetched.replace(at);
            self.unused += u64::from(unused.is_some());
        }
    }

    /// The mean life granted, of revocable tokens or of the others.
    pub(crate) fn mean_life(&self, is_cae: bool) -> Duration {
        let of_kind = self.resources.iter().enumerate().filter(|(n, _)| CAE_RESOURCES.contains(n) == is_cae);
        let lives: Vec<_> = of_kind.flat_map(|(_, resource)| &resource.lives).collect();
        lives.iter().copied().sum::<Duration>() / u32::try_from(lives.len().max(1)).expect("few")
    }

    fn why(&self, resource: usize, at: Duration) -> Why {
        let resource = &self.resources[resource];
        let Some(known) = resource.known else { return Why::First };
        let last_asked = resource.asks.iter().rev().nth(1).copied().unwrap_or_default();
        let down = &self.world.down;
        if down.cover(known.due, known.expiry) {
            if down.at(at).is_some() { Why::Outage } else { Why::OutageOver }
        } else if known.expiry > at + entra_proto::limits::MIN_VALIDITY {
            Why::Dropped
        } else if self.world.asleep.touch(known.due, known.expiry) {
            Why::Slept
        } else if last_asked < known.due {
            Why::Unwanted
        } else if down.touch(known.due, known.expiry) {
            Why::Troubled
        } else {
            Why::Other
        }
    }
}

/// The scope that a resource's tokens are asked with.
fn scope_of(name: &str) -> String {
    let resource = entra_proto::resource::named(name).expect("a resource of the table");
    format!("{}/.default", resource.public)
}

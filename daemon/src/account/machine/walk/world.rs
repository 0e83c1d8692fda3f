//! The machine with everything around it: callers, the turn of the account, Entra, the disk, the clocks.

use std::time::Duration;

use entra_proto::scope::Scopes;
use entra_proto::secret::AccessToken;

use super::super::super::budget::Limits;
use super::super::super::key::{AccountKey, ClientKey, FlightId, SlotKey};
use super::super::super::outcome::{Failure, FailureKind, Fault, Grant, Reach, Trace};
use super::super::super::time::Now;
use super::super::{Machine, SignedIn};

/// How a caller asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Mode {
    Plain,
    Forced,
    Challenged,
}

/// How Entra answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Granted,
    Outage,
    Pause,
    Throttle,
    SignInNeeded,
    AskAdmin,
    Misconfigured,
    Dead,
}

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A caller asks for a key.
    Ask(usize, Mode),
    /// A caller who waits for a key goes away.
    HangUp(usize),
    /// The flight that is first in line takes the account's turn.
    TakeTurn,
    /// Entra answers the flight whose turn it is.
    Answered(Answer),
    /// The new refresh token is saved, or the disk refuses it and it stays in memory.
    Save(bool),
    /// A refresh token in memory is saved after all.
    SaveLater,
    /// The flight whose turn it is lands.
    Land,
    Tick,
    /// A step of time passes, or days do.
    Pass(Duration),
    /// The wall clock is set to so many steps off.
    SetWall(i64),
    NetworkChanged,
    /// The process dies, and starts again from what is on disk.
    Crash,
    SignIn,
    SignOut,
    Revive,
}

/// How far the flight whose turn it is has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Sent,
    /// Entra has rotated the refresh token, and the new one is nowhere but in the answer.
    Rotated,
    /// It is on disk, or kept as unsaved.
    Kept,
}

/// The whole of it.
#[derive(Clone)]
pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) now: Now,
    /// Steps by which the wall clock is off.
    pub(super) wall: i64,
    /// Tasks of flights that have not taken the turn yet, in their order.
    pub(super) in_line: Vec<FlightId>,
    pub(super) turn: Option<(FlightId, Stage)>,
    /// Callers that wait, by key.
    pub(super) waiting: Vec<Vec<FlightId>>,
    pub(super) disk: Disk,
    /// A newer refresh token than that on disk is in memory.
    pub(super) is_unsaved: bool,
    /// A crash left a token on disk that Entra had replaced: lost, had Entra forbidden its reuse.
    pub(super) is_behind: bool,
    /// An answer said that the refresh token is dead, and no sign-in or revival came since.
    pub(super) is_proven_dead: bool,
}

/// What survives a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Disk {
    pub(super) is_signed_in: bool,
    /// The refresh token on it is the last that Entra gave.
    pub(super) is_newest: bool,
    pub(super) is_quarantined: bool,
}

impl World {
    /// Somebody just signed in.
    pub(super) fn new(keys: usize, limits: Limits, has_root: bool) -> Self {
        let now = Now { boot: Duration::from_secs(1_000_000), wall: Duration::from_secs(1_800_000_000) };
        let mut machine = Machine { limits, ..Machine::default() };
        machine.sign_in(account(), signed_in(now, has_root));
        let disk = Disk { is_signed_in: true, is_newest: true, is_quarantined: false };
        let waiting = vec![Vec::new(); keys];
        Self {
            machine,
            now,
            wall: 0,
            in_line: Vec::new(),
            turn: None,
            waiting,
            disk,
            is_unsaved: false,
            is_behind: false,
            is_proven_dead: false,
        }
    }

    /// Whether a request for this key and challenge is at Entra or on its way back.
    pub(super) fn flying(&self) -> Option<FlightId> {
        self.turn.map(|(flight, _)| flight)
    }
}

pub(super) fn account() -> AccountKey {
    AccountKey { profile: "default".to_owned(), account: "u.t".parse().unwrap() }
}

pub(super) fn client() -> ClientKey {
    ClientKey { authority: "https://login.example".to_owned(), client_id: "c".to_owned() }
}

pub(super) fn signed_in(now: Now, has_root: bool) -> SignedIn {
    let rooted_in = has_root.then(|| (slot(0), scopes(0)));
    SignedIn { client: client(), used_on: now.epoch(), rooted_in }
}

pub(super) fn scopes(key: usize) -> Scopes {
    Scopes::new([["a", "b", "c"][key]]).unwrap()
}

pub(super) fn slot(key: usize) -> SlotKey {
    SlotKey::new("t", &scopes(key), false)
}

/// A token of three steps' life, which names its flight.
pub(super) fn grant(flight: FlightId) -> Grant {
    Grant {
        access_token: AccessToken::new(flight.0.to_string()),
        refresh_token: None,
        expires_in: Duration::from_secs(900),
        refresh_in: None,
        scopes: Vec::new(),
        identity: None,
        trace: Trace::default(),
    }
}

impl Answer {
    /// The failure it is; `None` for a grant.
    pub(super) fn failure(self) -> Option<Failure> {
        let retry = |seconds: Option<u64>, reach| FailureKind::RetryAfter {
            after: seconds.map(Duration::from_secs),
            reach,
        };
        let kind = match self {
            Self::Granted => return None,
            Self::Outage => retry(None, Reach::Outage),
            Self::Pause => retry(Some(600), Reach::Key),
            Self::Throttle => retry(Some(600), Reach::Client),
            Self::SignInNeeded => FailureKind::SignInNeeded,
            Self::AskAdmin => FailureKind::AskAdmin,
            Self::Misconfigured => FailureKind::Misconfigured,
            Self::Dead => FailureKind::Dead,
        };
        Some(Failure { kind, fault: Fault::default() })
    }
}

//! What the history is made of.
//!
//! Times are written out here once more, apart from the machine's: a constant that changes by accident shows.

use std::time::Duration;

use super::super::super::key::FlightId;
use super::super::super::outcome::Reach;

/// What happened.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// A caller asked for the key.
    Asked(usize),
    Started(Flight),
    Ended(Flight, End),
    /// A token came with a sign-in.
    Filled(Gift),
    NetworkChanged,
    SignedIn,
    Revived,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) id: FlightId,
    pub(super) key: usize,
    pub(super) claims: Option<&'static str>,
    /// Its caller said that what is held or on its way is no good.
    pub(super) is_forced: bool,
    /// No caller asked for it.
    pub(super) is_scheduled: bool,
    /// The way to Entra was closed when it started.
    pub(super) is_probe: bool,
    /// The flight that it had to wait for.
    pub(super) behind: Option<FlightId>,
}

/// A token that no flight brought.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gift {
    pub(super) key: usize,
    /// Of seconds' life.
    pub(super) life: u64,
    /// The name of the token.
    pub(super) name: FlightId,
    /// The flight that starts next: those before it are older than the token.
    pub(super) next: FlightId,
}

/// How a flight ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    /// A token of so many seconds' life.
    Granted(u64),
    /// An outage, a pause or a throttle, by its reach, with the seconds that Entra named.
    Away {
        after: Option<u64>,
        reach: Reach,
        has_arrived: bool,
    },
    /// A pause of our own, without Entra having been asked.
    OwnPause,
    SignInNeeded,
    /// A refusal of our own that time does not mend, without Entra having been asked.
    OwnRefusal,
    Dead,
}

/// How many flights may start within five minutes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    pub(super) of_key: usize,
    pub(super) of_challenge: usize,
    pub(super) of_all: usize,
}

impl End {
    pub(super) fn is_outage(self) -> bool {
        matches!(self, Self::Away { reach: Reach::Outage, .. })
    }

    /// Entra was asked, and said something.
    pub(super) fn is_answer(self) -> bool {
        !self.is_outage() && !matches!(self, Self::OwnPause | Self::OwnRefusal)
    }

    /// Time does not mend it.
    pub(super) fn is_lasting(self) -> bool {
        matches!(self, Self::SignInNeeded | Self::OwnRefusal | Self::Dead)
    }

    /// Time mends it: the seconds that Entra named, if it did.
    pub(super) fn away(self) -> Option<Option<u64>> {
        match self {
            Self::Away { after, .. } => Some(after),
            Self::OwnPause => Some(None),
            Self::Granted(_) | Self::SignInNeeded | Self::OwnRefusal | Self::Dead => None,
        }
    }

    /// The way was closed before Entra.
    pub(super) fn never_arrived(self) -> bool {
        matches!(self, Self::Away { reach: Reach::Outage, has_arrived: false, .. })
    }

    /// An outage for which Entra named no time.
    pub(super) fn is_nameless_outage(self) -> bool {
        matches!(self, Self::Away { reach: Reach::Outage, after: None, .. })
    }
}

/// How long to stay away: as long as Entra asked for, from five seconds to an hour; else five seconds, doubled each time.
pub(super) fn pause(attempt: u32, after: Option<u64>, limit: u64) -> Duration {
    Duration::from_secs(match after {
        Some(after) => after.clamp(5, 3600),
        None => (1..attempt).fold(5, |wait: u64, _| (wait * 2).min(limit)),
    })
}

//! Every transition of a key as a row: what happens, in which state, what is said, and the state after.
//!
//! The rows are the specification of `machine.rs` for a reader; the walk checks that each step it takes fits
//! exactly one row, and that it took a step of every row.

use std::time::Duration;

use super::super::super::outcome::FailureKind;
use super::super::super::slot::Slot;
use super::super::super::time::Now;
use super::super::state::Air::{self, Clear, Flight, FlightAndNext};
use super::super::state::Gate::{self, BackOff, Open, Refused, Spent, Throttled};
use super::super::state::SlotState;
use Happened::{
    Asked, AskedForcing, CameDue, LandedDead, LandedGood, LandedRefused, LandedStale, LandedToRetry,
};
use Life::{Long, None, Short};
use Said::{Joined, Nothing, Queued, Served, Started};

/// What happens to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happened {
    /// A caller asks and takes a token with five minutes left.
    Asked,
    /// A caller asks whose token was refused.
    AskedForcing,
    /// A caller asks with a claims challenge; such flights are counted apart and have no rows.
    AskedWithChallenge,
    /// The schedule wants a request.
    CameDue,
    /// A flight without a challenge brought a token.
    LandedGood,
    /// It did, and had begun before a caller declared such tokens stale.
    LandedStale,
    /// It failed: an outage, a pause, a throttle.
    LandedToRetry,
    /// It failed: somebody must do something first.
    LandedRefused,
    /// It failed: the refresh token is dead.
    LandedDead,
}

impl Happened {
    pub(super) fn landed(failure: Option<FailureKind>, is_stale: bool) -> Self {
        match failure {
            Option::None if is_stale => LandedStale,
            Option::None => LandedGood,
            Some(FailureKind::RetryAfter { .. }) => LandedToRetry,
            Some(FailureKind::Dead) => LandedDead,
            Some(_) => LandedRefused,
        }
    }
}

/// What is said to whoever made it happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Here is a token.
    Served,
    /// Why not, and when to come back.
    Refused,
    /// Wait for a flight that starts now.
    Started,
    /// Wait for a flight that starts when the one in the air has landed.
    Queued,
    /// Wait for the flight that is there.
    Joined,
    Nothing,
}

/// How much life the held token has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Nothing held, or it is over.
    None,
    /// Some, and less than five minutes.
    Short,
    /// As much as callers want.
    Long,
}

impl Life {
    pub(super) fn of(slot: Option<&Slot>, now: Now) -> Self {
        match slot.and_then(|slot| slot.valid(now)) {
            Option::None => None,
            Some(held) if held.expiry.remaining(now) > Duration::from_secs(300) => Long,
            Some(_) => Short,
        }
    }
}

/// A key as the rows see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) is_dead: bool,
    pub(super) life: Life,
    pub(super) state: Option<SlotState>,
}

impl Key {
    fn air(self) -> Air {
        self.state.map_or(Clear, |state| state.air)
    }

    /// A key that was never asked for has no gate of its own.
    fn gate(self) -> Option<Gate> {
        self.state.map(|state| state.gate)
    }
}

/// One row: the first five columns are matched, the others must then be so.
pub(super) struct Row {
    happened: Happened,
    is_dead: &'static [bool],
    life: &'static [Life],
    air: &'static [Air],
    gate: &'static [Gate],
    said: Said,
    air_after: Option<Air>,
    gate_after: &'static [Gate],
    is_dead_after: bool,
}

const fn row(
    happened: Happened,
    is_dead: &'static [bool],
    life: &'static [Life],
    air: &'static [Air],
    gate: &'static [Gate],
    (said, air_after, gate_after): (Said, Option<Air>, &'static [Gate]),
) -> Row {
    let is_dead_after = matches!(happened, LandedDead) || (is_dead.len() == 1 && is_dead[0]);
    Row { happened, is_dead, life, air, gate, said, air_after, gate_after, is_dead_after }
}

const ANY_LIFE: &[Life] = &[None, Short, Long];
const ANY_GATE: &[Gate] = &[Open, Refused, BackOff, Throttled, Spent];
const CLOSED: &[Gate] = &[Refused, BackOff, Throttled, Spent];
/// Open, but for what another key or an earlier request of this one did to the client.
const OPEN: &[Gate] = &[Open, Throttled, Spent];
const ANY_AIR: &[Air] = &[Clear, Flight, FlightAndNext];
const IN_AIR: &[Air] = &[Flight, FlightAndNext];
const GOOD: &[bool] = &[false];
const DEAD: &[bool] = &[true];
const EITHER: &[bool] = &[false, true];
/// What is in the air stays.
const SAME: Option<Air> = Option::None;

/// The rows.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // what happens    account life             air               gate        said, then air and gate
    row(Asked,         GOOD,   &[Long],         ANY_AIR,          ANY_GATE,   (Served, SAME, ANY_GATE)),
    row(Asked,         GOOD,   &[None, Short],  &[Clear],         &[Open],    (Started, Some(Flight), &[Open, Spent])),
    row(Asked,         GOOD,   &[Short],        &[Clear],         CLOSED,     (Served, SAME, CLOSED)),
    row(Asked,         GOOD,   &[None],         &[Clear],         CLOSED,     (Said::Refused, SAME, CLOSED)),
    row(Asked,         GOOD,   &[None, Short],  IN_AIR,           ANY_GATE,   (Joined, SAME, ANY_GATE)),
    row(Asked,         DEAD,   &[Long, Short],  ANY_AIR,          ANY_GATE,   (Served, SAME, ANY_GATE)),
    row(Asked,         DEAD,   &[None],         ANY_AIR,          ANY_GATE,   (Said::Refused, SAME, ANY_GATE)),
    row(AskedForcing,  GOOD,   ANY_LIFE,        &[Clear],         &[Open],    (Started, Some(Flight), &[Open, Spent])),
    row(AskedForcing,  GOOD,   ANY_LIFE,        &[Clear],         CLOSED,     (Said::Refused, SAME, CLOSED)),
    row(AskedForcing,  GOOD,   ANY_LIFE,        &[Flight],        &[Open],    (Queued, Some(FlightAndNext), &[Open, Spent])),
    row(AskedForcing,  GOOD,   ANY_LIFE,        &[Flight],        CLOSED,     (Said::Refused, SAME, CLOSED)),
    row(AskedForcing,  GOOD,   ANY_LIFE,        &[FlightAndNext], ANY_GATE,   (Joined, SAME, ANY_GATE)),
    row(AskedForcing,  DEAD,   ANY_LIFE,        ANY_AIR,          ANY_GATE,   (Said::Refused, SAME, ANY_GATE)),
    row(CameDue,       GOOD,   ANY_LIFE,        &[Clear],         &[Open],    (Started, Some(Flight), &[Open, Spent])),
    row(LandedGood,    GOOD,   ANY_LIFE,        &[Flight],        ANY_GATE,   (Nothing, Some(Clear), OPEN)),
    row(LandedStale,   GOOD,   ANY_LIFE,        &[FlightAndNext], ANY_GATE,   (Nothing, Some(Flight), ANY_GATE)),
    row(LandedToRetry, GOOD,   ANY_LIFE,        IN_AIR,           ANY_GATE,   (Nothing, Some(Clear), &[BackOff, Refused])),
    row(LandedRefused, GOOD,   ANY_LIFE,        IN_AIR,           ANY_GATE,   (Nothing, Some(Clear), &[Refused])),
    row(LandedDead,    EITHER, ANY_LIFE,        IN_AIR,           ANY_GATE,   (Nothing, Some(Clear), &[Refused])),
];

/// The number of the one row that the step fits.
pub(super) fn find(happened: Happened, before: Key, said: Said, after: Key) -> usize {
    let fits = |row: &Row| {
        let is_gate = before.gate().is_none_or(|gate| row.gate.contains(&gate));
        row.happened == happened
            && row.is_dead.contains(&before.is_dead)
            && row.life.contains(&before.life)
            && row.air.contains(&before.air())
            && is_gate
    };
    let step = || format!("{happened:?} in {before:?}: {said:?}, then {after:?}");
    let rows: Vec<usize> = (0..ROWS.len()).filter(|number| fits(&ROWS[*number])).collect();
    // A key that was never asked for may find the client throttled or its budget spent.
    let number = match rows[..] {
        [number] => number,
        _ if before.state.is_none() => {
            *rows.iter().find(|number| ROWS[**number].said == said).unwrap_or_else(|| panic!("{}", step()))
        }
        _ => panic!("{} rows fit: {}", rows.len(), step()),
    };
    let row = &ROWS[number];
    let is_gate = after.gate().is_none_or(|gate| row.gate_after.contains(&gate));
    assert!(
        row.said == said && row.air_after.unwrap_or(before.air()) == after.air() && is_gate,
        "{}",
        step()
    );
    assert_eq!(after.is_dead, row.is_dead_after, "{}", step());
    number
}

//! What goes into the machine and comes out of it, named by key and flight.

use std::time::Duration;

use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::scope::Scopes;
use entra_proto::secret::AccessToken;

use super::super::super::key::{FlightId, SlotKey};
use super::super::super::outcome::{Failure, FailureKind, Fault, Grant, Reach, Trace};
use super::super::super::schedule::Jitter;
use super::super::super::slot::Held;
use super::super::super::time::Now;
use super::super::Order;
use super::super::tests::account;
use super::event::{End, Flight, Gift};
use super::verdict::Wish;

/// What the flight comes to: its token, or failure, is named after it.
pub(super) fn outcome(id: FlightId, end: End) -> Result<Grant, Failure> {
    let kind = match end {
        End::Granted(life) => {
            return Ok(grant(id, life));
        }
        End::Away { after, reach, .. } => {
            FailureKind::RetryAfter { after: after.map(Duration::from_secs), reach }
        }
        End::OwnPause => FailureKind::RetryAfter { after: None, reach: Reach::Key },
        End::SignInNeeded => FailureKind::SignInNeeded,
        End::OwnRefusal => FailureKind::Misconfigured,
        End::Dead => FailureKind::Dead,
    };
    let may_have_arrived = matches!(end, End::Away { has_arrived: true, .. });
    let is_own = matches!(end, End::OwnPause | End::OwnRefusal);
    let own = is_own.then(|| Box::new(ErrorBody::new(ErrorCode::Unavailable, "Entra was not asked.")));
    let fault = Fault { description: id.0.to_string(), may_have_arrived, own, ..Fault::default() };
    Err(Failure { kind, fault })
}

/// A token that comes with a sign-in.
pub(super) fn held(gift: &Gift, now: Now) -> Held {
    Held::new(&grant(gift.name, gift.life), now, Jitter(0))
}

fn grant(name: FlightId, life: u64) -> Grant {
    Grant {
        access_token: AccessToken::new(name.0.to_string()),
        refresh_token: None,
        expires_in: Duration::from_secs(life),
        refresh_in: None,
        scopes: Vec::new(),
        identity: None,
        trace: Trace::default(),
    }
}

/// The flight whose token it is.
pub(super) fn named(token: &str) -> FlightId {
    FlightId(token.parse().unwrap())
}

/// The flight that brought the failure; `None` where none did.
pub(super) fn word(failure: &Failure) -> Option<FlightId> {
    let name = &failure.fault.description;
    (!name.is_empty()).then(|| named(name))
}

/// A flight that had to wait is no probe: Entra has answered by then.
pub(super) fn order_of(flight: &Flight) -> Order {
    Order {
        flight: flight.id,
        account: account(),
        tenant: "t".to_owned(),
        scopes: scopes(flight.key),
        claims: flight.claims.map(ToOwned::to_owned),
        cae: flight.key == CAE_TWINS[1],
        is_probe: flight.is_probe && flight.behind.is_none(),
    }
}

/// A request that no caller shaped.
pub(super) fn plain(key: usize) -> Wish {
    Wish { key, claims: None, force: false, min_validity: Duration::ZERO }
}

pub(super) fn slot(key: usize) -> SlotKey {
    SlotKey::new("T", &scopes(key), key == CAE_TWINS[1])
}

pub(super) fn scopes(key: usize) -> Scopes {
    Scopes::new([["a", "b", "b", "c"][key]]).unwrap()
}

/// Keys that differ in nothing but that the second is of callers that handle challenges.
pub(super) const CAE_TWINS: [usize; 2] = [1, 2];

//! What the history says of a caller, of a flight that waits for its turn, and of what is to be done by itself.

use std::time::Duration;

use super::super::super::key::FlightId;
use super::super::super::time::Now;
use super::event::{End, Flight};
use super::history::Past;

/// What a caller wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) key: usize,
    pub(super) claims: Option<&'static str>,
    pub(super) force: bool,
    pub(super) min_validity: Duration,
}

/// What a caller is told. Tokens and failures go by the flight that brought them; entrad's own refusals by none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Told {
    Serve { token: FlightId, is_first: bool },
    Refuse { wait: Option<Duration>, by: Option<FlightId> },
    Join { flight: FlightId, fallback: Option<FlightId> },
    Start { is_queued: bool, fallback: Option<FlightId> },
}

/// A request that the schedule wants to send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    pub(super) at: Duration,
    /// Where several may be sent, the lowest goes first.
    pub(super) rank: (bool, Duration, usize),
    pub(super) key: usize,
}

impl<'a> Past<'a> {
    pub(super) fn tell(self, wish: Wish, now: Now) -> Told {
        let passes_over_cache = wish.force || wish.claims.is_some();
        let token = self.token(wish.key, now).filter(|_| !passes_over_cache);
        let is_first = !self.is_wanted(wish.key);
        let is_enough = token.is_some_and(|(_, left)| left > wish.min_validity);
        let token = token.map(|(token, _)| token);
        if let Some(token) = token.filter(|_| is_enough || self.is_as_good_as_any(wish, now)) {
            return Told::Serve { token, is_first };
        }
        match (self.send_or_not(wish, now), token) {
            (Told::Refuse { .. }, Some(token)) => Told::Serve { token, is_first },
            (Told::Join { flight, .. }, fallback) => Told::Join { flight, fallback },
            (Told::Start { is_queued, .. }, fallback) => Told::Start { is_queued, fallback },
            (told, _) => told,
        }
    }

    /// Whether a new token would have no more life than the caller wants either, and the held one is not to be renewed.
    fn is_as_good_as_any(self, wish: Wish, now: Now) -> bool {
        self.published(wish.key).is_some_and(|token| {
            Duration::from_secs(token.life) <= wish.min_validity && !self.until_due(wish.key, now).is_zero()
        })
    }

    /// What is told where no token is of use.
    pub(super) fn send_or_not(self, wish: Wish, now: Now) -> Told {
        if let Some(by) = self.dead() {
            return Told::Refuse { wait: None, by: Some(by) };
        }
        // A refused token is not answered by what may have been begun before the refusal.
        let may_join = |of: &&Flight| self.is_queued(of) || (!wish.force && !self.is_stale(of));
        if let Some(of) = self.same(wish.key, wish.claims).filter(may_join).last() {
            return Told::Join { flight: of.id, fallback: None };
        }
        match self.refusal(wish.key, wish.claims, now) {
            Some((until, by)) => Told::Refuse { wait: until.map(|until| until - now.boot), by },
            None => {
                let is_queued = self.same(wish.key, wish.claims).next().is_some();
                Told::Start { is_queued, fallback: None }
            }
        }
    }

    /// What is under way for the key and challenge.
    pub(super) fn same(self, key: usize, claims: Option<&'a str>) -> impl Iterator<Item = &'a Flight> {
        self.under_way().filter(move |of| of.key == key && of.claims == claims)
    }

    /// The failure that a flight which waits for its turn meets without being sent.
    pub(super) fn stopped(self, flight: &Flight, now: Now) -> Option<FlightId> {
        let outage = self.outage().filter(|outage| Some(outage.last.at.boot) > self.ordered(flight));
        let throttle = self.throttle().filter(|(until, _)| *until > now.boot);
        self.dead()
            .or(outage.map(|outage| outage.last.flight.id))
            .or(throttle.map(|(_, throttled)| throttled.flight.id))
    }

    /// What the schedule means to send, and when.
    pub(super) fn planned(self, now: Now) -> Vec<Planned> {
        let is_quiet = self.under_way().next().is_none();
        if self.dead().is_some() || (self.outage().is_some() && !is_quiet) {
            return Vec::new();
        }
        let renewals = (0..KEYS).filter_map(|key| {
            self.published(key).filter(|_| self.is_wanted(key))?;
            let is_flying = self.under_way().any(|of| of.key == key);
            (!is_flying && self.refused(key, None).is_none()).then_some(())?;
            let met = self.stays_away(key).map_or(Duration::ZERO, |(until, _)| until);
            let outage = self.kept_by_outage(key, now);
            let at = (now.boot + self.until_due(key, now)).max(self.held_back(key, outage, now));
            Some(Planned { at, rank: (false, met, key), key })
        });
        let exercise = is_quiet.then(|| {
            let outage = self.outage().map(|outage| outage.probe(false));
            let at = self.exercise(now).max(self.held_back(ROOT, outage, now));
            Planned { at, rank: (true, at, ROOT), key: ROOT }
        });
        renewals.chain(exercise).collect()
    }

    /// The life that the key's token has left, by the clock that has less.
    pub(super) fn token(self, key: usize, now: Now) -> Option<(FlightId, Duration)> {
        let token = self.published(key)?;
        let left = left(token.at, token.life, now);
        (!left.is_zero()).then_some((token.name, left))
    }

    /// How long until the key's token is to be renewed: ten minutes before its end, or at half its life where that
    /// comes later or the life is long; at once if it is of an earlier sign-in.
    fn until_due(self, key: usize, now: Now) -> Duration {
        let Some(token) = self.published(key).filter(|token| token.place > self.signed_in().0) else {
            return Duration::ZERO;
        };
        let life = token.life;
        let soft = if life >= 7200 { life / 2 } else { (life / 2).max(life.saturating_sub(600)) };
        left(token.at, soft, now)
    }

    /// The answer that proved the refresh token dead.
    fn dead(self) -> Option<FlightId> {
        let since = self.last_hand();
        let mut dead = self.ends().rev().filter(|landed| landed.end == End::Dead);
        dead.find(|landed| landed.place > since).map(|landed| landed.flight.id)
    }

    /// Why nothing is sent, until which boot time, and on whose word.
    pub(super) fn refusal(
        self,
        key: usize,
        claims: Option<&str>,
        now: Now,
    ) -> Option<(Option<Duration>, Option<FlightId>)> {
        let refused = self.refused(key, claims).filter(|of| of.at.boot + REMEMBERED > now.boot);
        if let Some(refused) = refused {
            return Some((None, Some(refused.flight.id)));
        }
        let away = self.stays_away(key);
        let met = away.filter(|(_, landed)| landed.end.is_nameless_outage());
        let outage = self.outage_of(key, now);
        let looped = claims.and_then(|_| self.looped(key, claims, now));
        let reasons = [
            away.map(|(until, landed)| (until, Some(landed.flight.id))),
            outage.map(|outage| (outage.probe(true), Some(outage.last.flight.id))),
            looped.map(|until| (until, None)),
            self.throttle().map(|(until, landed)| (until, Some(landed.flight.id))),
            self.budget(key, now).map(|until| (until, met.map(|(_, landed)| landed.flight.id))),
        ];
        let mut reasons = reasons.into_iter().flatten();
        let (until, by) = reasons.find(|(until, _)| *until > now.boot)?;
        Some((self.blocked_until(key, now).max(Some(until)), by))
    }

    /// The boot time before which nothing is sent for callers of the key.
    pub(super) fn blocked_until(self, key: usize, now: Now) -> Option<Duration> {
        let outage = self.outage_of(key, now).map(|outage| outage.probe(true));
        self.held(key, now).max(outage).filter(|until| *until > now.boot)
    }

    /// The boot time before which the schedule sends nothing for the key.
    fn held_back(self, key: usize, outage: Option<Duration>, now: Now) -> Duration {
        self.held(key, now).max(outage).unwrap_or_default().max(self.pace())
    }

    /// The boot time before which nothing is sent for the key but a try whether an outage is over.
    fn held(self, key: usize, now: Now) -> Option<Duration> {
        let reasons = [
            self.refused(key, None).map(|refused| refused.at.boot + REMEMBERED),
            self.stays_away(key).map(|(until, _)| until),
            self.throttle().map(|(until, _)| until),
            self.budget(key, now),
        ];
        reasons.into_iter().flatten().max()
    }

    /// The boot time at which the refresh token is used for its own sake: three days after its last use, a day after
    /// that was refused. A last use that lies more than an hour ahead was noted by a wrong clock.
    fn exercise(self, now: Now) -> Duration {
        let (signed_in, at) = self.signed_in();
        let mut grants = self.ends().rev().filter(|of| matches!(of.end, End::Granted(_)));
        let used = grants.find(|of| of.place > signed_in);
        let (since, at) = used.map_or((signed_in, at), |landed| (landed.place, landed.at));
        let used = Duration::from_secs(at.wall.as_secs());
        let is_doubtful = used > now.wall + Duration::from_secs(3600);
        let wait = if is_doubtful { Duration::ZERO } else { (used + 3 * DAY).saturating_sub(now.wall) };
        let mut refused = self
            .ends()
            .rev()
            .filter(|of| of.flight.key == ROOT && of.end.is_lasting() && of.end != End::Dead);
        let put_off = refused.find(|of| of.place > since).map_or(Duration::ZERO, |of| of.at.boot + DAY);
        (now.boot + wait).max(put_off)
    }
}

fn left(from: Now, life: u64, now: Now) -> Duration {
    let life = Duration::from_secs(life);
    (from.boot + life).saturating_sub(now.boot).min((from.wall + life).saturating_sub(now.wall))
}

/// The keys of the model are 0 to 3, and the first is what the account signed in with.
pub(super) const KEYS: usize = 4;
pub(super) const ROOT: usize = 0;

const REMEMBERED: Duration = Duration::from_secs(120);
const DAY: Duration = Duration::from_secs(24 * 3600);

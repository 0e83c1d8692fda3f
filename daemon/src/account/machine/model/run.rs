//! The machine and the history side by side: one operation happens to both, and what they say of it is compared.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::super::super::budget::Limits;
use super::super::super::key::FlightId;
use super::super::super::outcome::{Failure, Grant, Reach};
use super::super::super::schedule::Jitter;
use super::super::super::slot::Refusal;
use super::super::super::time::Now;
use super::super::tests::{account, client};
use super::super::{Ask, Ended, Machine, Order, Reply, SignedIn};
use super::Op;
use super::event::{End, Event, Flight, Gift, Most};
use super::history::Past;
use super::samples::{held, named, order_of, outcome, plain, scopes, slot, word};
use super::verdict::{ROOT, Told, Wish};

/// The machine and the history beside it.
pub(super) struct Run {
    pub(super) machine: Machine,
    pub(super) now: Now,
    events: Vec<(Now, Event)>,
    most: Most,
}

impl Run {
    pub(super) fn new(limits: Limits, most: Most) -> Self {
        let now = Now { boot: Duration::from_secs(1_000_000), wall: Duration::from_secs(1_800_000_000) };
        let machine = Machine { limits, ..Machine::default() };
        let mut run = Self { machine, now, events: Vec::new(), most };
        run.machine.sign_in(account(), run.signed_in());
        run.note(Event::SignedIn);
        run
    }

    pub(super) fn happen(&mut self, op: &Op) -> Result<(), TestCaseError> {
        match op {
            Op::Ask(wish) => self.ask(*wish)?,
            Op::End(which, end) => self.end_sent(*which, *end)?,
            Op::Pass(time) => self.pass(*time),
            Op::SendDue => self.send_due()?,
            Op::LongOutage { times, has_arrived } => {
                let outage = End::Away { after: None, reach: Reach::Outage, has_arrived: *has_arrived };
                for _ in 0..*times {
                    self.send_due()?;
                    self.end_sent(0, outage)?;
                }
            }
            Op::SetWall(by) => {
                let wall = self.now.wall.as_millis() as i64 + by * 1000;
                self.now.wall = Duration::from_millis(wall as u64);
            }
            Op::NetworkChanged => {
                self.machine.network_changed(self.now);
                self.note(Event::NetworkChanged);
            }
            Op::Tick => self.tick()?,
            Op::SignIn => self.sign_in()?,
            Op::Revive => self.revive()?,
            Op::Fill(key, life) => self.fill(*key, *life),
        }
        self.check()
    }

    fn ask(&mut self, wish: Wish) -> Result<(), TestCaseError> {
        let expected = self.past().tell(wish, self.now);
        self.note(Event::Asked(wish.key));
        let ask = Ask {
            min_validity: wish.min_validity,
            claims: wish.claims.map(ToOwned::to_owned),
            force: wish.force,
        };
        let scopes = scopes(wish.key);
        let reply = self.machine.ask(&account(), &slot(wish.key), &scopes, &ask, self.now).unwrap();
        let told = match reply {
            Reply::Serve { held, is_first } => Told::Serve { token: named(held.token.expose()), is_first },
            Reply::Refuse(refusal) => Told::Refuse { wait: refusal.retry_after, by: word(&refusal.failure) },
            Reply::Wait { flight, order, fallback } => {
                let fallback = fallback.map(|held| named(held.token.expose()));
                if flight == self.next_id() {
                    let told = Told::Start { is_queued: order.is_none(), fallback };
                    prop_assert_eq!(told, expected);
                    return self.start(wish, false, order);
                }
                prop_assert_eq!(order, None, "whoever joins sends nothing");
                Told::Join { flight, fallback }
            }
        };
        prop_assert_eq!(told, expected);
        Ok(())
    }

    /// A flight starts as the model said it would.
    fn start(&mut self, wish: Wish, is_scheduled: bool, order: Option<Order>) -> Result<(), TestCaseError> {
        let behind = self.past().same(wish.key, wish.claims).next().map(|flight| flight.id);
        let (id, key, claims) = (self.next_id(), wish.key, wish.claims);
        let is_probe = self.past().outage().is_some();
        let flight = Flight { id, key, claims, is_forced: wish.force, is_scheduled, is_probe, behind };
        let expected = behind.is_none().then(|| order_of(&flight));
        prop_assert_eq!(order, expected);
        self.note(Event::Started(flight));
        Ok(())
    }

    /// One of the flights that were sent ends, if there is one.
    fn end_sent(&mut self, which: usize, end: End) -> Result<(), TestCaseError> {
        let past = self.past();
        let sent: Vec<_> = past.under_way().filter(|flight| !past.is_queued(flight)).collect();
        let flight = sent.get(which).or(sent.first()).map(|flight| **flight);
        flight.map_or(Ok(()), |flight| self.end(flight, end))
    }

    fn end(&mut self, flight: Flight, end: End) -> Result<(), TestCaseError> {
        let past = self.past();
        let behind = past.same(flight.key, flight.claims).find(|of| of.id != flight.id).copied();
        self.note(Event::Ended(flight, end));
        let result = outcome(flight.id, end);
        let ended = self.land(flight.id, &result).unwrap();

        let past = self.past();
        let told = ended.landing.result.map(|held| named(held.token.expose()));
        let away = past.stays_away(flight.key).filter(|(_, last)| last.flight.id == flight.id);
        let whole = past.blocked_until(flight.key, self.now);
        let wait = away.map(|(until, _)| whole.map_or(until, |whole| whole.max(until)) - self.now.boot);
        let expected = result.map(|_| flight.id).map_err(|failure| Refusal { failure, retry_after: wait });
        prop_assert_eq!(told, expected);
        let fallback = ended.landing.fallback.map(|held| named(held.token.expose()));
        prop_assert_eq!(fallback, past.token(flight.key, self.now).map(|(token, _)| token));
        prop_assert_eq!(ended.is_dead, end == End::Dead);
        let (next, behind) = match (end, behind) {
            (End::Granted(_), Some(next)) => (Some(order_of(&next)), None),
            (_, behind) => (None, behind.map(|behind| behind.id)),
        };
        prop_assert_eq!((ended.next, ended.behind), (next, behind));
        Ok(())
    }

    fn land(&mut self, id: FlightId, result: &Result<Grant, Failure>) -> Option<Ended> {
        self.machine.ended(&account(), id, result.as_ref().map_err(Clone::clone), self.now, Jitter(0))
    }

    fn send_due(&mut self) -> Result<(), TestCaseError> {
        let due = self.next_due().unwrap_or(self.now.boot);
        self.pass(due - self.now.boot);
        self.tick()
    }

    /// What may be sent is sent, one request at a time, and nothing else.
    fn tick(&mut self) -> Result<(), TestCaseError> {
        let planned = self.past().planned(self.now).into_iter();
        let due = planned.filter(|planned| planned.at <= self.now.boot).min_by_key(|planned| planned.rank);
        let mut orders = self.machine.tick(self.now);
        prop_assert_eq!(orders.len(), usize::from(due.is_some()), "orders: {:?}, model: {:?}", orders, due);
        if let Some(due) = due {
            self.start(plain(due.key), true, orders.pop())?;
        }
        let next = self.machine.next_due(self.now);
        prop_assert!(next.is_none_or(|next| next > self.now.boot), "the schedule would spin");
        Ok(())
    }

    fn sign_in(&mut self) -> Result<(), TestCaseError> {
        let under_way: Vec<_> = self.past().under_way().map(|flight| flight.id).collect();
        let signed_in = self.signed_in();
        prop_assert_eq!(self.machine.sign_in(account(), signed_in), under_way.clone());
        for id in under_way {
            let late = self.land(id, &outcome(id, End::Granted(3600)));
            prop_assert!(late.is_none(), "what an earlier sign-in began comes to nothing");
        }
        self.note(Event::SignedIn);
        Ok(())
    }

    fn fill(&mut self, key: usize, life: u64) {
        let gift =
            Gift { key, life, name: FlightId(1_000_000 + self.events.len() as u64), next: self.next_id() };
        let held = held(&gift, self.now);
        self.machine.fill(&account(), &slot(key), &scopes(key), held, self.now);
        self.note(Event::Filled(gift));
    }

    fn revive(&mut self) -> Result<(), TestCaseError> {
        self.note(Event::Revived);
        let expected = self.past().send_or_not(plain(ROOT), self.now);
        match (self.machine.revive(&account(), self.now), expected) {
            (None, Told::Refuse { wait, by }) => {
                let refusal = self.machine.refusal(&account(), &slot(ROOT), None, self.now).unwrap();
                prop_assert_eq!((refusal.retry_after, word(&refusal.failure)), (wait, by));
                Ok(())
            }
            (Some((flight, None)), Told::Join { flight: joined, .. }) if flight == joined => Ok(()),
            (Some((flight, order)), Told::Start { .. }) if flight == self.next_id() => {
                self.start(plain(ROOT), false, order)
            }
            (revived, _) => Err(TestCaseError::fail(format!("revived: {revived:?}, model: {expected:?}"))),
        }
    }

    /// When something is due next; now where that has passed.
    pub(super) fn next_due(&self) -> Option<Duration> {
        let planned = self.past().planned(self.now).into_iter();
        planned.map(|planned| planned.at).min().map(|at| at.max(self.now.boot))
    }

    pub(super) fn past(&self) -> Past<'_> {
        Past { events: &self.events, most: self.most }
    }

    fn note(&mut self, event: Event) {
        self.events.push((self.now, event));
    }

    fn next_id(&self) -> FlightId {
        let started = self.events.iter().filter(|(_, event)| matches!(event, Event::Started(_)));
        FlightId(started.count() as u64)
    }

    fn pass(&mut self, time: Duration) {
        self.now.boot += time;
        self.now.wall += time;
    }

    fn signed_in(&self) -> SignedIn {
        let rooted_in = Some((slot(ROOT), scopes(ROOT)));
        SignedIn { client: client(), used_on: self.now.epoch(), rooted_in }
    }
}

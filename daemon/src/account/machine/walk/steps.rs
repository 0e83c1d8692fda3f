//! One event happens to the world, and the invariants are asserted on the way.

use std::time::Duration;

use super::super::super::key::FlightId;
use super::super::super::outcome::{Failure, FailureKind, Fault};
use super::super::super::schedule::Jitter;
use super::super::super::slot::Slot;
use super::super::super::time::WALK_STEP;
use super::super::state::SlotState;
use super::super::{Ask, Machine, Order, Reply};
use super::rows::{Happened, Said};
use super::world::{Answer, Disk, Event, Mode, Stage, World, account, grant, scopes, signed_in, slot};

/// What a key's event came to, for the rows.
pub(super) type Seen = Vec<(usize, Happened, Said)>;

impl World {
    /// Lets the event happen; `None` where it cannot.
    pub(super) fn after(&self, event: Event, has_root: bool) -> Option<(Self, Seen)> {
        let mut world = self.clone();
        let seen = world.happen(event, has_root)?;
        Some((world, seen))
    }

    pub(super) fn state(&self, key: usize) -> Option<SlotState> {
        self.machine.state(&account(), &slot(key), self.now)
    }

    fn happen(&mut self, event: Event, has_root: bool) -> Option<Seen> {
        let is_signed_in = self.disk.is_signed_in;
        match event {
            Event::Ask(key, mode) => return self.ask(key, mode),
            // Invariant 6: the machine does not even hear of it.
            Event::HangUp(key) => drop(self.waiting[key].pop()?),
            Event::TakeTurn => return self.take_turn(),
            Event::Answered(answer) => return self.answered(answer),
            Event::Save(is_saved) => {
                let (flight, stage) = self.turn?;
                (stage == Stage::Rotated).then_some(())?;
                self.turn = Some((flight, Stage::Kept));
                (self.disk.is_newest, self.is_unsaved) = (is_saved, !is_saved);
                self.is_behind &= !is_saved;
                self.disk.is_quarantined &= !is_saved;
            }
            Event::SaveLater => {
                (self.is_unsaved && self.turn.is_none()).then_some(())?;
                (self.disk.is_newest, self.is_unsaved, self.is_behind) = (true, false, false);
            }
            Event::Land => {
                let (flight, stage) = self.turn?;
                (stage == Stage::Kept).then_some(())?;
                self.turn = None;
                return Some(self.land(flight, Ok(())));
            }
            Event::Tick => return self.tick(),
            Event::Pass(time) => {
                self.now.boot += time;
                self.now.wall += time;
            }
            Event::SetWall(steps) => {
                (steps != self.wall).then_some(())?;
                let (before, after) = (self.wall.min(steps), self.wall.max(steps));
                let jump = WALK_STEP * 3 * u32::try_from(after - before).unwrap();
                if steps > self.wall {
                    self.now.wall += jump;
                } else {
                    self.now.wall -= jump;
                }
                self.wall = steps;
            }
            Event::NetworkChanged => self.machine.network_changed(self.now),
            Event::Crash => self.crash(has_root),
            Event::SignIn => {
                // A sign-in takes the turn for as long as it saves.
                (self.turn.is_none() && (!is_signed_in || self.is_proven_dead)).then_some(())?;
                let gone = self.machine.sign_in(account(), signed_in(self.now, has_root));
                self.forget(&gone);
                self.disk = Disk { is_signed_in: true, is_newest: true, is_quarantined: false };
                (self.is_proven_dead, self.is_unsaved, self.is_behind) = (false, false, false);
            }
            Event::SignOut => {
                (self.turn.is_none() && is_signed_in).then_some(())?;
                let gone = self.machine.sign_out(&account());
                self.forget(&gone);
                self.disk = Disk { is_signed_in: false, is_newest: true, is_quarantined: false };
                (self.is_proven_dead, self.is_unsaved, self.is_behind) = (false, false, false);
            }
            Event::Revive => {
                (is_signed_in && self.is_proven_dead && self.turn.is_none()).then_some(())?;
                self.is_proven_dead = false;
                self.disk.is_quarantined = false;
                if let Some((_, Some(order))) = self.machine.revive(&account(), self.now) {
                    self.line_up(&order);
                }
            }
        }
        Some(Vec::new())
    }

    fn ask(&mut self, key: usize, mode: Mode) -> Option<Seen> {
        (self.waiting[key].len() < CALLERS).then_some(())?;
        let claims = (mode == Mode::Challenged).then(|| "{}".to_owned());
        let ask = Ask { min_validity: Duration::from_secs(300), claims, force: mode == Mode::Forced };
        let valid = self.machine.accounts.get(&account())?.slots.get(&slot(key));
        let had_valid = valid.is_some_and(|slot| slot.valid(self.now).is_some());
        let flights = self.machine.flights;
        let reply = self.machine.ask(&account(), &slot(key), &scopes(key), &ask, self.now)?;
        let said = match reply {
            Reply::Serve { held, .. } => {
                assert!(mode == Mode::Plain, "a caller that passes over the cache is not served from it");
                assert!(!held.expiry.has_passed(self.now), "nothing expired is served");
                // Invariant 2: whatever is served has landed, and landing comes after keeping.
                let flight = FlightId(held.token.expose().parse().unwrap());
                assert!(self.flying() != Some(flight) && !self.in_line.contains(&flight));
                Said::Served
            }
            Reply::Refuse(_) => {
                assert!(mode != Mode::Plain || !had_valid, "invariant 4: a valid token was withheld");
                Said::Refused
            }
            Reply::Wait { flight, order, .. } => {
                self.waiting[key].push(flight);
                let is_new = self.machine.flights > flights;
                match order {
                    Some(order) => {
                        self.line_up(&order);
                        Said::Started
                    }
                    None if is_new => Said::Queued,
                    None => Said::Joined,
                }
            }
        };
        let happened = match mode {
            Mode::Plain => Happened::Asked,
            Mode::Forced => Happened::AskedForcing,
            Mode::Challenged => Happened::AskedWithChallenge,
        };
        Some(vec![(key, happened, said)])
    }

    /// Invariant 3: an order names the account and goes to nobody but the client that its token is bound to.
    fn line_up(&mut self, order: &Order) {
        assert_eq!(order.account, account());
        assert_eq!(self.machine.accounts[&account()].client, super::world::client());
        self.in_line.push(order.flight);
    }

    fn take_turn(&mut self) -> Option<Seen> {
        if self.turn.is_some() || self.in_line.is_empty() {
            return None;
        }
        let flight = self.in_line.remove(0);
        if let Err(failure) = self.machine.clearance(&account(), flight, self.now) {
            return Some(self.land(flight, Err(failure)));
        }
        if self.disk.is_quarantined && !self.is_unsaved {
            let failure = Failure { kind: FailureKind::Dead, fault: Fault::default() };
            return Some(self.land(flight, Err(failure)));
        }
        self.turn = Some((flight, Stage::Sent));
        Some(Vec::new())
    }

    fn answered(&mut self, answer: Answer) -> Option<Seen> {
        let (flight, stage) = self.turn?;
        (stage == Stage::Sent).then_some(())?;
        match answer.failure() {
            None => {
                self.turn = Some((flight, Stage::Rotated));
                self.disk.is_newest = false;
                Some(Vec::new())
            }
            Some(failure) => {
                self.turn = None;
                Some(self.land(flight, Err(failure)))
            }
        }
    }

    fn land(&mut self, flight: FlightId, result: Result<(), Failure>) -> Seen {
        let Some(key) = self.key_of(flight) else {
            let token = grant(flight);
            let result = result.map(|()| &token);
            let ended = self.machine.ended(&account(), flight, result, self.now, Jitter(0));
            assert!(ended.is_none(), "an outcome of a sign-in that is gone changes nothing");
            return Vec::new();
        };
        let before = self.machine.accounts[&account()].clone();
        let (kind, had_valid) = (
            result.as_ref().err().map(|failure| failure.kind),
            before.slots[&slot(key)].valid(self.now).cloned(),
        );
        let token = grant(flight);
        let ended =
            self.machine.ended(&account(), flight, result.map(|()| &token), self.now, Jitter(0)).unwrap();
        if kind.is_some() {
            assert_eq!(
                ended.landing.fallback.is_some(),
                had_valid.is_some(),
                "invariant 4: the old token is at hand"
            );
        }
        // Invariant 5: only a proven-dead answer costs the account.
        assert_eq!(ended.is_dead, kind == Some(FailureKind::Dead));
        if ended.is_dead {
            self.is_proven_dead = true;
            self.disk.is_quarantined = true;
        }
        let is_void = before.slots[&slot(key)].is_stale(flight.0);
        if is_void {
            let held = |slot: &Slot| slot.held.as_ref().map(|held| held.token.expose().to_owned());
            let account = &self.machine.accounts[&account()];
            assert_eq!(
                held(&account.slots[&slot(key)]),
                held(&before.slots[&slot(key)]),
                "a stale result is not published"
            );
        }
        // Everybody is told at once.
        let told = |waits: &FlightId| *waits == flight || Some(*waits) == ended.behind;
        self.waiting[key].retain(|waits| !told(waits));
        if let Some(order) = &ended.next {
            self.line_up(order);
        }
        if before.flights[&flight].claims.is_some() {
            return Vec::new();
        }
        vec![(key, Happened::landed(kind, is_void), Said::Nothing)]
    }

    fn key_of(&self, flight: FlightId) -> Option<usize> {
        let flight = self.machine.accounts.get(&account())?.flights.get(&flight)?;
        (0..self.waiting.len()).find(|key| slot(*key) == flight.slot)
    }

    fn tick(&mut self) -> Option<Seen> {
        self.machine.next_due(self.now).filter(|due| *due <= self.now.boot)?;
        let orders = self.machine.tick(self.now);
        assert!(!orders.is_empty(), "what is due is sent, or the schedule would spin");
        orders.iter().for_each(|order| self.line_up(order));
        let key_of =
            |order: &Order| (0..self.waiting.len()).find(|key| scopes(*key) == order.scopes).unwrap();
        Some(orders.iter().map(|order| (key_of(order), Happened::CameDue, Said::Started)).collect())
    }

    fn crash(&mut self, has_root: bool) {
        let limits = self.machine.limits;
        self.machine = Machine { limits, ..Machine::default() };
        (self.turn, self.is_unsaved) = (None, false);
        self.is_behind = !self.disk.is_newest;
        self.in_line.clear();
        self.waiting.iter_mut().for_each(Vec::clear);
        if self.disk.is_signed_in {
            self.machine.sign_in(account(), signed_in(self.now, has_root));
            if self.disk.is_quarantined {
                self.machine.mark_dead(&account(), failure_of_gone(), self.now.epoch());
            }
        }
        self.is_proven_dead = self.disk.is_quarantined;
    }

    /// Who waits for these asks again, and they are not sent when their turn comes.
    fn forget(&mut self, gone: &[FlightId]) {
        self.in_line.retain(|flight| {
            let is_sent = self.machine.clearance(&account(), *flight, self.now).is_ok();
            assert!(!(is_sent && gone.contains(flight)), "a flight of a sign-in that is gone is not sent");
            !gone.contains(flight)
        });
        for waiting in &mut self.waiting {
            waiting.retain(|flight| !gone.contains(flight));
        }
    }
}

fn failure_of_gone() -> Failure {
    Failure { kind: FailureKind::Dead, fault: Fault::default() }
}

/// Of each key.
pub(super) const CALLERS: usize = 2;

//! A walk over every state that the machine can reach, with everything around it that can happen.
//!
//! From a sign-in, each event that can happen is made to happen: callers ask and go away, Entra answers in every
//! way, the disk takes or refuses the new refresh token, time passes, the clock is set, the process dies between
//! any two steps and starts again. States are compared as seen from now, in steps of five minutes, so the walk
//! ends when it has been everywhere. Invariants 2 to 7 are asserted at each step, and each step fits one of the
//! [rows]. Counts of attempts above two are one state; keys that behave alike are told apart only by their parts.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use self::rows::{Key, Life, ROWS};
use self::world::{Answer, Event, Mode, Stage, World, account, slot};
use super::super::budget::Limits;
use super::super::time::WALK_STEP;

mod rows;
mod steps;
mod world;

/// What is walked over.
struct Walk {
    keys: usize,
    limits: Limits,
    /// Whether the refresh token is exercised by itself.
    has_root: bool,
    modes: &'static [Mode],
    answers: &'static [Answer],
    events: &'static [Event],
    /// Where it stops, if it has not been everywhere by then.
    most: usize,
}

/// What a walk came to.
#[derive(Debug, Default)]
struct Found {
    states: usize,
    most_open: usize,
    steps: u64,
    is_whole: bool,
    rows: [u64; ROWS.len()],
    /// Crashes between Entra's rotation and the disk: a sign-in lost, where Entra forbade the reuse.
    in_loss_window: u64,
}

impl Walk {
    fn go(&self) -> Found {
        let mut found = Found { is_whole: true, ..Found::default() };
        // Two hashes with keys of their own stand for a state: a mix-up among millions is as good as impossible.
        let hashers = [RandomState::new(), RandomState::new()];
        let mut seen = HashSet::new();
        let mut open = Vec::from([World::new(self.keys, self.limits, self.has_root)]);
        let mut shape = Vec::new();
        while let Some(world) = open.pop() {
            found.most_open = found.most_open.max(open.len());
            for event in self.events() {
                let Some((next, happened)) = world.after(event, self.has_root) else { continue };
                found.steps += 1;
                for (key, happened, said) in happened {
                    if happened != rows::Happened::AskedWithChallenge {
                        found.rows[rows::find(happened, world.key(key), said, next.key(key))] += 1;
                    }
                }
                if event == Event::Crash && !world.disk.is_newest {
                    found.in_loss_window += 1;
                }
                shape.clear();
                next.shape(self.has_root, &mut shape);
                if seen.insert(hashers.each_ref().map(|hasher| hasher.hash_one(&shape))) {
                    next.check();
                    if seen.len() < self.most {
                        open.push(next);
                    } else {
                        found.is_whole = false;
                    }
                }
            }
        }
        found.states = seen.len();
        found
    }

    fn events(&self) -> impl Iterator<Item = Event> {
        let keys = 0..self.keys;
        let asks = keys.clone().flat_map(|key| self.modes.iter().map(move |mode| Event::Ask(key, *mode)));
        let hang_ups = keys.map(Event::HangUp);
        let answers = self.answers.iter().copied().map(Event::Answered);
        asks.chain(hang_ups).chain(answers).chain(self.events.iter().copied())
    }
}

impl World {
    /// The key as the rows see it.
    fn key(&self, key: usize) -> Key {
        let account = self.machine.accounts.get(&account());
        let slot = account.and_then(|account| account.slots.get(&slot(key)));
        Key {
            is_dead: account.is_some_and(|account| account.dead.is_some()),
            life: Life::of(slot, self.now),
            state: self.state(key),
        }
    }

    /// The invariants that are a matter of one state.
    fn check(&self) {
        let Some(account) = self.machine.accounts.get(&account()) else {
            assert!(!self.disk.is_signed_in, "invariant 5: an account is there until it signs out");
            return;
        };
        assert_eq!(account.dead.is_some(), self.is_proven_dead, "invariant 5: dead by proof alone");
        for (id, flight) in &account.flights {
            let same = account.flights_of(&flight.slot, flight.claims.as_deref());
            let (queued, sent): (Vec<_>, Vec<_>) = same.partition(|(_, flight)| flight.is_queued);
            assert!(
                sent.len() == 1 && queued.len() <= 1,
                "invariant 6: one request for a key, and one behind it"
            );
            let has_task = self.in_line.contains(id) || self.flying() == Some(*id);
            assert_eq!(
                has_task, !flight.is_queued,
                "invariant 7: whoever waits, waits for something under way"
            );
        }
        for flight in self.waiting.iter().flatten() {
            assert!(
                account.flights.contains_key(flight),
                "invariant 7: nobody waits for a flight that is gone"
            );
        }
        let sent = account.slots.values().map(|slot| slot.budget.clone());
        for budget in sent {
            assert!(budget.is_kept(self.now.boot), "the budget of a key");
        }
        // A new refresh token is lost by a crash only while it is nowhere but in the answer or unsaved.
        let is_rotated = self.turn.is_some_and(|(_, stage)| stage == Stage::Rotated);
        assert!(self.disk.is_newest || self.is_unsaved || is_rotated || self.is_behind);
    }

    /// The state as numbers, seen from now: equal numbers behave alike. Keys that play no special part are
    /// told apart by what they are alone.
    fn shape(&self, has_root: bool, to: &mut Vec<u64>) {
        to.push(self.wall.unsigned_abs() * 2 + u64::from(self.wall < 0));
        let Some(signed_in) = self.machine.accounts.get(&account()) else { return };
        to.push(u64::from(signed_in.dead.is_some()));
        signed_in.exercise.shape(self.now, to);
        let mut keys: Vec<_> = (0..self.waiting.len()).map(|key| self.key_shape(signed_in, key)).collect();
        keys[usize::from(has_root)..].sort_unstable();
        for key in keys {
            to.push(u64::MAX);
            to.extend(key);
        }
        to.push(u64::MAX);
        let disk = self.disk;
        to.extend([disk.is_newest, disk.is_quarantined, self.is_unsaved, self.is_behind].map(u64::from));
        self.machine.clients.values().for_each(|client| client.shape(self.now, to));
    }

    fn key_shape(&self, signed_in: &super::Account, key: usize) -> Vec<u64> {
        let mut to = Vec::new();
        let Some(held) = signed_in.slots.get(&slot(key)) else { return to };
        held.shape(self.now, &mut to);
        let mut clients = self.machine.clients.values();
        to.push(u64::from(clients.any(|client| client.has_ended_since_outage(held, self.now))));
        for (id, flight) in signed_in.flights.iter().filter(|(_, flight)| flight.slot == slot(key)) {
            let is_stale = held.is_stale(id.0);
            let bits =
                [flight.is_queued, flight.claims.is_some(), is_stale, self.is_ordered_before_outage(flight)];
            to.push(u64::MAX - 1);
            to.extend(bits.map(u64::from));
            to.push(self.in_line.iter().position(|waits| waits == id).map_or(9, |at| at as u64));
            to.push(self.turn.filter(|(sent, _)| sent == id).map_or(9, |(_, stage)| stage as u64));
            to.push(self.waiting[key].iter().filter(|waits| *waits == id).count() as u64);
        }
        to
    }

    fn is_ordered_before_outage(&self, flight: &super::Flight) -> bool {
        self.machine.clients.values().any(|client| client.failed_since(flight.ordered, self.now).is_some())
    }
}

const ALL_ANSWERS: &[Answer] = &[
    Answer::Granted,
    Answer::Outage,
    Answer::Pause,
    Answer::Throttle,
    Answer::SignInNeeded,
    Answer::AskAdmin,
    Answer::Misconfigured,
    Answer::Dead,
];

/// One of each kind that differs in what follows.
const FIVE_ANSWERS: &[Answer] =
    &[Answer::Granted, Answer::Outage, Answer::Throttle, Answer::SignInNeeded, Answer::Dead];

const ALL_EVENTS: &[Event] = &[
    Event::TakeTurn,
    Event::Save(true),
    Event::Save(false),
    Event::SaveLater,
    Event::Land,
    Event::Tick,
    Event::Pass(WALK_STEP),
    Event::Pass(DAYS),
    Event::SetWall(-1),
    Event::SetWall(0),
    Event::SetWall(1),
    Event::NetworkChanged,
    Event::Crash,
    Event::SignIn,
    Event::SignOut,
    Event::Revive,
];

/// Without faults of the disk and the clock, which one key shows as well as three.
const USUAL_EVENTS: &[Event] = &[
    Event::TakeTurn,
    Event::Save(true),
    Event::Land,
    Event::Tick,
    Event::Pass(WALK_STEP),
    Event::NetworkChanged,
    Event::Crash,
    Event::SignIn,
    Event::Revive,
];

const DAYS: Duration = Duration::from_secs(4 * 24 * 3600);
const NARROW: Limits = Limits { per_key: 1, per_challenge: 1, per_client: 2 };
const WIDER: Limits = Limits { per_key: 2, per_challenge: 1, per_client: 3 };
const PLAIN: &[Mode] = &[Mode::Plain];
const FORCED: &[Mode] = &[Mode::Plain, Mode::Forced];
const CHALLENGED: &[Mode] = &[Mode::Plain, Mode::Challenged];

/// Walks, prints the count, and makes sure that it has been everywhere.
fn walked(name: &str, walk: &Walk) -> Found {
    let found = walk.go();
    let Found { states, most_open, steps, in_loss_window, .. } = found;
    eprintln!(
        "walk, {name}: {states} states ({most_open} open), {steps} steps, all of them; {in_loss_window} crashes while the disk was a rotation behind"
    );
    assert!(found.is_whole, "the walk stopped before it had been everywhere");
    assert!(states > 1000 && in_loss_window > 0, "it has been somewhere");
    found
}

/// The walk that every test run takes; the longer ones want an optimised build.
#[test]
fn one_key_with_usual_events() {
    let walk = Walk {
        keys: 1,
        limits: NARROW,
        has_root: true,
        modes: FORCED,
        answers: FIVE_ANSWERS,
        events: USUAL_EVENTS,
        most: 100_000,
    };
    walked("one key, usual events", &walk);
}

#[test]
#[ignore = "takes long unoptimised: cargo test --release -p entrad --lib walk -- --ignored --nocapture"]
fn one_key_with_all_events_takes_every_row() {
    let walk = Walk {
        keys: 1,
        limits: WIDER,
        has_root: true,
        modes: FORCED,
        answers: ALL_ANSWERS,
        events: ALL_EVENTS,
        most: MANY,
    };
    let found = walked("one key, all events", &walk);
    assert_eq!(found.rows.iter().position(|count| *count == 0), None, "every row is a step that was taken");
}

#[test]
#[ignore = "takes long unoptimised: cargo test --release -p entrad --lib walk -- --ignored --nocapture"]
fn one_key_with_claims_challenges() {
    let walk = Walk {
        keys: 1,
        limits: WIDER,
        has_root: true,
        modes: CHALLENGED,
        answers: ALL_ANSWERS,
        events: USUAL_EVENTS,
        most: MANY,
    };
    walked("one key, claims challenges", &walk);
}

#[test]
#[ignore = "takes long unoptimised: cargo test --release -p entrad --lib walk -- --ignored --nocapture"]
fn two_keys() {
    let walk = Walk {
        keys: 2,
        limits: NARROW,
        has_root: false,
        modes: FORCED,
        answers: FIVE_ANSWERS,
        events: USUAL_EVENTS,
        most: MANY,
    };
    walked("two keys", &walk);
}

#[test]
#[ignore = "takes long unoptimised: cargo test --release -p entrad --lib walk -- --ignored --nocapture"]
fn three_keys() {
    let walk = Walk {
        keys: 3,
        limits: NARROW,
        has_root: false,
        modes: PLAIN,
        answers: &[Answer::Granted, Answer::Outage, Answer::SignInNeeded, Answer::Dead],
        // What two keys show as well is left out.
        events: &[
            Event::TakeTurn,
            Event::Save(true),
            Event::Land,
            Event::Tick,
            Event::Pass(WALK_STEP),
            Event::Crash,
            Event::SignIn,
        ],
        most: MANY,
    };
    walked("three keys", &walk);
}

/// More than any of them has.
const MANY: usize = 20_000_000;

//! The rules one by one, and a random walk that no rule is broken on.

use proptest::prelude::*;

use super::*;

const HOUR: u64 = 3600;
/// Ten in the morning of some day, by UTC.
const START: u64 = 20_000 * DAY + 10 * HOUR;

fn rules() -> Rules {
    Rules { snooze: HOUR, per_day: 3, quiet_hours: "22:00-07:00".parse().ok(), offset: |_| 0 }
}

fn key(name: &str) -> AccountKey {
    AccountKey { profile: "default".to_owned(), account: format!("{name}.t").parse().unwrap() }
}

fn needs(all: &[(&str, Need)]) -> BTreeMap<AccountKey, Need> {
    all.iter().map(|(name, need)| (key(name), *need)).collect()
}

/// A machine that needs `a` now, and what it does first.
fn shown() -> (Machine, u64) {
    let mut machine = Machine::new(rules());
    machine.sync(&needs(&[("a", Need::Now)]));
    let actions = machine.step(START);
    let [Action::Show { key: shown, serial }] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(*shown, key("a"));
    let serial = *serial;
    (machine, serial)
}

fn holder(machine: &Machine, name: &str, now: u64) -> Option<(Holder, Option<u64>)> {
    machine.told_of(&key(name), now).0.map(|held| (held.by, held.until))
}

#[test]
fn one_prompt_an_account_until_it_is_answered_and_a_reminder_later() {
    let (mut machine, serial) = shown();
    machine.sync(&needs(&[("a", Need::Now), ("b", Need::Now)]));
    let [Action::Show { key: other, .. }] = &machine.step(START)[..] else { panic!() };
    assert_eq!(*other, key("b"), "one account does not hold up another");
    assert_eq!(machine.step(START + 5 * HOUR), [], "what is up is not shown again");
    assert_eq!((machine.wake_on(START), holder(&machine, "a", START)), (None, None));
    machine.ended(&key("a"), serial, Shown::Seen, START + 10);
    assert_eq!(holder(&machine, "a", START + 10), Some((Holder::Snooze, Some(START + 10 + HOUR))));
    assert_eq!(machine.wake_on(START + 10), Some(START + 10 + HOUR));
    assert_eq!(machine.step(START + 9 + HOUR), []);
    assert!(matches!(machine.step(START + 10 + HOUR)[..], [Action::Show { .. }]));
    machine.ended(&key("a"), serial, Shown::Unseen, START + 11 + HOUR);
    assert_eq!(holder(&machine, "a", START + 11 + HOUR), None, "an old answer is no news");
}

#[test]
fn what_is_settled_is_withdrawn_and_begins_anew() {
    let (mut machine, _) = shown();
    machine.sync(&needs(&[]));
    assert_eq!(machine.step(START + 1), [Action::Withdraw(key("a"))]);
    assert_eq!((machine.step(START + 2), machine.wake_on(START + 2)), (vec![], None));
    machine.sync(&needs(&[("a", Need::Now)]));
    assert!(matches!(machine.step(START + 3)[..], [Action::Show { .. }]), "a new need does not rest");
}

#[test]
fn a_day_has_only_so_many() {
    let mut machine = Machine::new(Rules { quiet_hours: None, ..rules() });
    for at in 0..3 {
        machine.sync(&needs(&[("a", Need::Now)]));
        let now = START + at * 60;
        assert!(matches!(machine.step(now)[..], [Action::Show { .. }]));
        machine.sync(&needs(&[]));
        machine.step(now);
    }
    machine.sync(&needs(&[("a", Need::Now), ("b", Need::Now)]));
    let [Action::Show { key: shown, .. }] = &machine.step(START + 180)[..] else { panic!() };
    assert_eq!(*shown, key("b"), "each account has its own count");
    assert_eq!(holder(&machine, "a", START + 180), Some((Holder::DailyLimit, Some(START + DAY))));
    assert_eq!(machine.wake_on(START + 180), Some(START + DAY));
    assert!(matches!(machine.step(START + DAY)[..], [Action::Show { .. }]));
    let mut never = Machine::new(Rules { per_day: 0, ..rules() });
    never.sync(&needs(&[("a", Need::Now)]));
    assert_eq!((never.step(START), never.wake_on(START)), (vec![], None));
}

#[test]
fn nights_are_quiet_and_a_locked_screen_is_not_written_on() {
    let night = START + 13 * HOUR;
    let mut machine = Machine::new(rules());
    machine.sync(&needs(&[("a", Need::Now)]));
    assert_eq!(machine.step(night), []);
    let morning = START + 21 * HOUR;
    assert_eq!(holder(&machine, "a", night), Some((Holder::QuietHours, Some(morning))));
    assert_eq!(machine.wake_on(night), Some(morning));
    assert!(!machine.wants_screen(night) && machine.wants_screen(morning));
    machine.set_locked(true);
    assert_eq!((machine.step(morning), machine.wake_on(morning)), (vec![], None));
    assert_eq!(holder(&machine, "a", morning), Some((Holder::ScreenLock, None)));
    machine.set_locked(false);
    assert!(matches!(machine.step(morning)[..], [Action::Show { .. }]));
}

#[test]
fn without_a_desktop_it_is_tried_less_and_less_and_costs_no_prompt_of_the_day() {
    let mut machine = Machine::new(Rules { quiet_hours: None, ..rules() });
    machine.sync(&needs(&[("a", Need::Now)]));
    let mut now = START;
    for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
        let [Action::Show { serial, .. }] = machine.step(now)[..] else { panic!() };
        machine.ended(&key("a"), serial, Shown::Unseen, now);
        assert_eq!(machine.told_of(&key("a"), now).1, None);
        assert_eq!(holder(&machine, "a", now), Some((Holder::NoDesktop, Some(now + wait * 60))));
        now += wait * 60;
    }
    assert!(machine.memory().is_empty(), "a new start tries at once");
}

#[test]
fn later_is_as_long_as_the_person_says() {
    let (mut machine, _) = shown();
    machine.snooze(&key("a"), Some(600), START + 1);
    assert_eq!(machine.step(START + 1), [Action::Withdraw(key("a"))]);
    assert_eq!(machine.wake_on(START + 1), Some(START + 601));
    machine.snooze(&key("a"), None, START + 2);
    assert_eq!(machine.wake_on(START + 2), Some(START + 2 + HOUR));
    machine.snooze(&key("a"), Some(u64::MAX), START + 3);
    assert_eq!(machine.wake_on(START + 3), Some(START + 3 + MAX_SNOOZE.as_secs()));
    machine.snooze(&key("a"), Some(0), START + 4);
    assert!(matches!(machine.step(START + 4)[..], [Action::Show { .. }]));
    machine.snooze(&key("a"), Some(0), START + 5);
    assert_eq!(machine.step(START + 5), [], "it is up already");
}

#[test]
fn what_was_expected_and_comes_is_asked_anew() {
    let mut machine = Machine::new(rules());
    machine.sync(&needs(&[("a", Need::Expected)]));
    let [Action::Show { serial, .. }] = machine.step(START)[..] else { panic!() };
    machine.ended(&key("a"), serial, Shown::Seen, START);
    machine.sync(&needs(&[("a", Need::Now)]));
    assert!(matches!(machine.step(START + 1)[..], [Action::Show { .. }]));
}

#[test]
fn a_restart_neither_asks_at_once_nor_begins_the_day_anew() {
    let (before, _) = shown();
    let mut machine = Machine::new(rules());
    machine.remember(before.memory());
    machine.sync(&needs(&[]));
    machine.step(START + 1);
    machine.sync(&needs(&[("a", Need::Now)]));
    assert_eq!(machine.step(START + 2), []);
    assert_eq!(machine.wake_on(START + 2), Some(START + HOUR));
    assert_eq!(machine.told_of(&key("a"), START + 2).1, Some(START));
}

#[test]
fn a_clock_that_was_years_ahead_does_not_silence_anybody() {
    let (mut machine, serial) = shown();
    machine.ended(&key("a"), serial, Shown::Seen, START + 1000 * DAY);
    machine.step(START);
    assert!(machine.wake_on(START).unwrap() <= START + MAX_SNOOZE.as_secs() + DAY);
}

#[derive(Clone, Debug)]
enum Event {
    Needs(u8),
    Expected(u8),
    Passes(u64),
    Locks(bool),
    Ends(u8, bool),
    Snoozes(u8, Option<u64>),
    Restarts,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0u8..8).prop_map(Event::Needs),
        1 => (0u8..8).prop_map(Event::Expected),
        4 => (0u64..3 * HOUR).prop_map(Event::Passes),
        1 => any::<bool>().prop_map(Event::Locks),
        4 => (0u8..3, any::<bool>()).prop_map(|(which, is_seen)| Event::Ends(which, is_seen)),
        1 => (0u8..3, proptest::option::of(0..DAY)).prop_map(|(which, seconds)| Event::Snoozes(which, seconds)),
        1 => Just(Event::Restarts),
    ]
}

const NAMES: [&str; 3] = ["a", "b", "c"];

proptest! {
    #[test]
    fn no_rule_is_ever_broken(events in proptest::collection::vec(event(), 1..120)) {
        let mut machine = Machine::new(rules());
        let (mut now, mut wanted, mut is_locked) = (START, BTreeMap::new(), false);
        let mut up: BTreeMap<AccountKey, u64> = BTreeMap::new();
        let mut seen: BTreeMap<AccountKey, Vec<u64>> = BTreeMap::new();
        let chosen = |bits: u8, need| NAMES.iter().enumerate().filter(move |(at, _)| bits >> at & 1 == 1)
            .map(move |(_, name)| (key(name), need)).collect::<BTreeMap<_, _>>();
        for event in events {
            match event {
                Event::Needs(bits) => wanted = chosen(bits, Need::Now),
                Event::Expected(bits) => wanted = chosen(bits, Need::Expected),
                Event::Passes(seconds) => now += seconds,
                Event::Locks(locked) => is_locked = locked,
                Event::Ends(which, is_seen) => {
                    let key = key(NAMES[usize::from(which)]);
                    if let Some(serial) = up.remove(&key) {
                        let shown = if is_seen { Shown::Seen } else { Shown::Unseen };
                        machine.ended(&key, serial, shown, now);
                        if !is_seen {
                            seen.get_mut(&key).unwrap().pop();
                        }
                    }
                }
                Event::Snoozes(which, seconds) => machine.snooze(&key(NAMES[usize::from(which)]), seconds, now),
                Event::Restarts => {
                    let memory = machine.memory();
                    machine = Machine::new(rules());
                    machine.remember(memory);
                    up.clear();
                }
            }
            machine.sync(&wanted);
            machine.set_locked(is_locked);
            for action in machine.step(now) {
                match action {
                    Action::Withdraw(key) => prop_assert!(up.remove(&key).is_some(), "withdrawn and not up"),
                    Action::Show { key, serial } => {
                        prop_assert!(wanted.contains_key(&key) && !is_locked);
                        prop_assert!(rules().quiet_hours.unwrap().end(now, |_| 0).is_none(), "at night");
                        prop_assert!(up.insert(key.clone(), serial).is_none(), "twice at once");
                        let times = seen.entry(key).or_default();
                        times.retain(|on| on + DAY > now);
                        times.push(now);
                        prop_assert!(times.len() <= rules().per_day, "too often");
                    }
                }
            }
            for key in wanted.keys().filter(|key| !up.contains_key(key)) {
                prop_assert!(machine.told_of(key, now).0.is_some(), "held back by nothing and not shown");
                if !is_locked {
                    prop_assert!(machine.wake_on(now).is_some_and(|on| on > now), "nobody would wake for it");
                }
            }
            prop_assert!(up.keys().all(|key| wanted.contains_key(key)), "up and not needed");
        }
    }
}

//! What is learned from demands, unlearned from refreshes that work, and expected.

use entra_proto::scope::Scopes;
use proptest::prelude::*;
use rstest::rstest;

use super::*;

const START: u64 = 1_800_000_000;

fn slot(resource: &str) -> SlotKey {
    SlotKey::new("contoso.com", &Scopes::new([resource]).unwrap(), false)
}

/// A sign-in of this age that worked until now, as far as is known.
fn aged(age: u64) -> Life {
    Life { signed_in_on: START, used_on: START, now: START + age }
}

/// Taught by sign-ins that ended at these ages, one after the other.
fn taught(kind: Kind, ages: &[u64], stated: Option<u64>) -> Demands {
    let mut demands = Demands::default();
    for age in ages {
        assert!(demands.note(kind, &slot("a"), stated, aged(*age)));
        demands.signed_in_again(aged(*age));
    }
    demands
}

fn interval(demands: &Demands) -> Option<u64> {
    demands.next(aged(0)).map(|expected| expected.interval)
}

#[test]
fn one_demand_that_names_its_interval_is_enough() {
    let demands = taught(Kind::SignInFrequency, &[9 * DAY], Some(8 * HOUR));
    let expected = demands.next(aged(0)).unwrap();
    let told = Expected {
        kind: Kind::SignInFrequency,
        on: START + 8 * HOUR,
        interval: 8 * HOUR,
        is_stated: true,
        seen: 1,
    };
    assert_eq!(expected, told);
}

#[rstest]
#[case(&[7 * DAY + 3 * HOUR], 7 * DAY)]
#[case(&[9 * DAY, 7 * DAY + 40, 12 * DAY], 7 * DAY)]
#[case(&[8 * HOUR + 1500, 20 * HOUR], 8 * HOUR)]
#[case(&[1800], 1800)]
fn what_is_seen_is_an_upper_bound_of_what_was_set(#[case] ages: &[u64], #[case] expected: u64) {
    let demands = taught(Kind::SecondFactor, ages, None);
    assert_eq!(interval(&demands), Some(expected));
    assert_eq!(demands.next(aged(0)).unwrap().seen as usize, ages.len());
}

#[test]
fn a_refusal_right_after_the_sign_in_teaches_no_interval() {
    let demands = taught(Kind::SignInFrequency, &[20, 40], None);
    assert_eq!(demands.next(aged(0)), None);
    assert_eq!(demands.tally()[0].seen, 2);
    assert_eq!(
        interval(&taught(Kind::SignInFrequency, &[20], Some(0))),
        None,
        "no age at all is no interval"
    );
}

#[test]
fn an_age_that_worked_is_a_lower_bound() {
    let demands = taught(Kind::SignInFrequency, &[7 * DAY + 3 * HOUR], None);
    let worked = Life { used_on: START + 7 * DAY + HOUR, ..aged(7 * DAY + HOUR) };
    assert_eq!(demands.next(worked).unwrap().on, START + 7 * DAY + 3 * HOUR);
}

#[test]
fn inactivity_counts_from_the_last_use() {
    let mut demands = Demands::default();
    let unused = Life { signed_in_on: START, used_on: START + 5 * DAY, now: START + 100 * DAY };
    demands.note(Kind::Inactivity, &slot("a"), Some(90 * DAY), unused);
    demands.signed_in_again(unused);
    let used = Life { used_on: START + 3 * DAY, ..aged(3 * DAY) };
    assert_eq!(demands.next(used).unwrap().on, START + 93 * DAY);
    assert!(!demands.worked(&slot("b"), Life { now: START + 90 * DAY, ..used }));
    assert!(demands.worked(&slot("b"), Life { now: START + 94 * DAY, ..used }), "whatever it was used for");
}

#[test]
fn a_revocation_is_counted_and_foretells_nothing() {
    let demands = taught(Kind::Revocation, &[DAY, 2 * DAY, 3 * DAY], Some(DAY));
    assert_eq!(demands.next(aged(0)), None);
    let tally = Tally { kind: Kind::Revocation, seen: 3, last_on: START + 3 * DAY };
    assert_eq!(demands.tally(), [tally]);
}

#[test]
fn a_verdict_that_was_taken_back_does_not_count() {
    let mut demands = taught(Kind::Revocation, &[DAY], None);
    demands.note(Kind::Revocation, &slot("a"), None, aged(2 * DAY));
    assert!(demands.worked(&slot("b"), aged(2 * DAY)));
    assert_eq!(demands.tally()[0].seen, 1);
}

#[test]
fn the_earliest_is_expected_and_what_has_come_is_not() {
    let mut demands = taught(Kind::SecondFactor, &[14 * DAY], None);
    demands.note(Kind::SignInFrequency, &slot("a"), Some(7 * DAY), aged(7 * DAY));
    let next = |demands: &Demands| demands.next(aged(0)).map(|expected| expected.kind);
    assert_eq!(next(&demands), Some(Kind::SecondFactor), "the other waits for the person already");
    demands.signed_in_again(aged(7 * DAY));
    assert_eq!(next(&demands), Some(Kind::SignInFrequency));
}

#[test]
fn many_requests_that_meet_one_demand_count_once() {
    let mut demands = Demands::default();
    assert!(demands.note(Kind::SignInFrequency, &slot("a"), None, aged(8 * DAY)));
    assert!(!demands.note(Kind::SignInFrequency, &slot("b"), None, aged(9 * DAY)));
    assert!(demands.note(Kind::SignInFrequency, &slot("c"), Some(7 * DAY), aged(9 * DAY)), "it says more");
    assert!(!demands.note(Kind::SignInFrequency, &slot("d"), Some(30 * DAY), aged(31 * DAY)));
    assert_eq!(demands.tally()[0].seen, 1);
    demands.signed_in_again(aged(9 * DAY));
    assert_eq!(interval(&demands), Some(7 * DAY));
}

#[test]
fn a_refresh_past_the_learned_age_unlearns_it_for_its_resource() {
    let mut demands = taught(Kind::SignInFrequency, &[8 * HOUR], Some(8 * HOUR));
    assert!(!demands.worked(&slot("a"), aged(8 * HOUR + 60)), "clocks differ");
    assert!(!demands.worked(&slot("b"), aged(9 * HOUR)), "another resource, another policy");
    assert!(demands.worked(&slot("A"), aged(9 * HOUR)));
    assert_eq!(demands, Demands::default());
}

#[test]
fn what_a_sign_in_outlived_is_forgotten_with_the_next() {
    let once = taught(Kind::SignInFrequency, &[8 * HOUR], Some(8 * HOUR));
    let mut demands = once.clone();
    demands.signed_in_again(aged(20 * HOUR));
    assert_eq!(demands, once, "nothing was asked of Entra in those hours");
    demands.signed_in_again(Life { used_on: START + 20 * HOUR, ..aged(20 * HOUR) });
    assert!(demands.is_empty());
}

#[test]
fn a_tighter_and_a_looser_policy_are_learned() {
    let mut demands = taught(Kind::SignInFrequency, &[7 * DAY], Some(7 * DAY));
    for hours in [8, 12] {
        let life = Life { used_on: START + hours * HOUR - 60, ..aged(hours * HOUR) };
        demands.note(Kind::SignInFrequency, &slot("a"), Some(hours * HOUR), life);
        demands.signed_in_again(life);
        assert_eq!(interval(&demands), Some(hours * HOUR), "the newest word of Entra's counts");
    }
}

#[test]
fn an_older_and_a_newer_entrad_read_what_the_other_wrote() {
    let newer =
        r#"[{"aadsts":123456,"mood":"new","place":"t s","on":1,"age":2},{"aadsts":70043,"stated":3}]"#;
    let demands: Demands = serde_json::from_str(newer).unwrap();
    assert_eq!(demands.tally().len(), 1, "a number that is not known means nothing");
    let written = serde_json::to_string(&demands).unwrap();
    assert!(written.contains("123456"), "and is kept: {written}");
    assert_eq!(serde_json::from_str::<Demands>(&written).unwrap(), demands);
}

/// An interval as an administrator sets it.
fn any_interval() -> impl Strategy<Value = u64> {
    prop_oneof![(1..24_u64).prop_map(|hours| hours * HOUR), (1..90_u64).prop_map(|days| days * DAY)]
}

/// Lives through one sign-in with refreshes after these pauses, and returns its age at the demand.
fn live(demands: &mut Demands, policy: u64, states: bool, pauses: &[u64]) -> Option<u64> {
    let mut life = aged(0);
    for pause in pauses {
        life.now += pause;
        let age = life.now - START;
        if age >= policy {
            demands.note(Kind::SignInFrequency, &slot("a"), states.then_some(policy), life);
            demands.signed_in_again(life);
            return Some(age);
        }
        assert!(!demands.worked(&slot("a"), life), "an unchanged policy unlearns nothing");
        life.used_on = life.now;
    }
    None
}

proptest! {
    #[test]
    fn the_expected_interval_is_between_the_policys_and_the_shortest_that_was_seen(
        policy in any_interval(),
        states: bool,
        lives in prop::collection::vec(prop::collection::vec(600..3 * DAY, 100..200), 1..20),
    ) {
        let mut demands = Demands::default();
        let mut ages = Vec::new();
        for pauses in &lives {
            ages.extend(live(&mut demands, policy, states, pauses));
            let recent = &ages[ages.len().saturating_sub(MOST_OF_A_KIND)..];
            if let Some(shortest) = recent.iter().min() {
                let interval = interval(&demands).expect("something was learned");
                prop_assert!((policy..=*shortest).contains(&interval), "{policy} {interval} {recent:?}");
                prop_assert!(!states || interval == policy);
            }
            prop_assert!(demands.0.len() <= MOST_OF_A_KIND);
        }
    }

    #[test]
    fn whatever_happens_it_stays_small_and_an_outlived_interval_is_never_foretold(
        events in prop::collection::vec((0..4_usize, 0..3_u8, any::<Option<u64>>(), any::<u32>(), 0..3_u8), 0..200),
    ) {
        let mut demands = Demands::default();
        for (kind, resource, stated, age, event) in events {
            let (slot, life) = (slot(&format!("r{resource}")), aged(u64::from(age)));
            match event {
                0 => { demands.note(Kind::ALL[kind], &slot, stated, life); }
                1 => {
                    demands.worked(&slot, life);
                    let has_passed = |demand: &Demand| demand.bound() < u64::from(age);
                    let is_here = |demand: &&Demand| demand.rhythm().is_some() && demand.place == place(&slot);
                    prop_assert!(!demands.0.iter().filter(is_here).any(has_passed));
                }
                _ => demands.signed_in_again(Life { used_on: life.now, ..life }),
            }
            prop_assert!(demands.0.len() <= Kind::ALL.len() * MOST_OF_A_KIND);
            if let Some(expected) = demands.next(life) {
                prop_assert!(expected.interval > 0 && expected.seen > 0);
            }
        }
    }
}

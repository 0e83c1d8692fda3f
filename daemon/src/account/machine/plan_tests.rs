//! What the machine does by itself: renewals, outages, a night asleep, a refresh token kept in use.

use std::time::Duration;

use super::super::outcome::{Failure, FailureKind, Reach};
use super::super::schedule::Jitter;
use super::state::{Air, Gate, Plan, Token};
use super::tests::*;
use super::{Ask, Order, Reply};
use crate::account::key::SlotKey;
use entra_proto::scope::Scopes;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Holds a token for each scope, each asked for once more, so that it is wanted.
fn wanted(scopes: &[&str]) -> Story {
    let mut story = Story::new();
    for scope in scopes {
        let flight = story.started(scope);
        story.land(flight, Ok(&grant(scope)));
        assert_eq!(served(story.ask(scope)), *scope);
    }
    story
}

fn names(orders: &[Order]) -> Vec<String> {
    orders.iter().map(|order| order.scopes.to_string()).collect()
}

/// Lets time pass to whatever is due next, again and again, and says what was sent when, in milliseconds from now.
fn schedule(
    story: &mut Story,
    until: Duration,
    mut answer: impl FnMut(&str) -> Result<(), Failure>,
) -> Vec<(u128, String)> {
    let (from, mut sent) = (story.now.boot, Vec::new());
    while let Some(due) = story.machine.next_due(story.now).filter(|due| *due <= from + until) {
        story.pass(due.saturating_sub(story.now.boot));
        let orders = story.machine.tick(story.now);
        assert!(!orders.is_empty(), "what is due is sent, or the schedule would spin");
        for order in orders {
            let scope = order.scopes.to_string();
            let token = grant(&scope);
            let result = answer(&scope).map(|()| &token);
            sent.push(((story.now.boot - from).as_millis(), scope));
            story.land(order.flight, result);
        }
    }
    story.pass((from + until).saturating_sub(story.now.boot));
    sent
}

#[test]
fn only_wanted_tokens_are_renewed_ahead_of_need() {
    let mut story = Story::new();
    for (scope, text) in [("a", "one"), ("b", "two")] {
        let flight = story.started(scope);
        story.land(flight, Ok(&grant(text)));
    }
    assert!(story.machine.next_due(story.now).unwrap() > story.now.boot + 2 * DAY, "the exercise alone");
    assert_eq!(served(story.ask("a")), "one");
    let due = story.machine.next_due(story.now).unwrap();
    assert_eq!(due, story.now.boot + 50 * MINUTE);
    assert_eq!(story.machine.tick(story.now), []);
    story.pass(50 * MINUTE);
    let orders = story.machine.tick(story.now);
    assert_eq!(names(&orders), ["a"]);
    assert_eq!(story.machine.tick(story.now), [], "one flight");
    assert_eq!(served(story.ask("a")), "one", "served while it is renewed");
    let ended = story.land(orders[0].flight, Err(outage()));
    assert!(ended.landing.fallback.is_some());
    assert_eq!(story.machine.next_due(story.now), Some(story.now.boot + 5 * SECOND), "tried again");
}

#[test]
fn a_night_asleep_ends_with_fresh_tokens_one_after_the_other() {
    let mut story = wanted(&["a", "b", "c"]);
    story.pass(14 * HOUR);
    assert_eq!(
        schedule(&mut story, 10 * MINUTE, |_| Ok(())),
        [(0, "a".to_owned()), (200, "b".to_owned()), (400, "c".to_owned())]
    );
    assert_eq!(served(story.ask("c")), "c");
}

#[test]
fn a_token_that_nobody_uses_costs_one_request() {
    let mut story = wanted(&["a"]);
    let sent = schedule(&mut story, 2 * DAY, |_| Ok(()));
    assert_eq!(sent.len(), 1, "{sent:?}");
}

#[test]
fn an_outage_of_entra_costs_a_request_every_few_minutes_and_not_one_for_each_key() {
    let mut story = wanted(&["a", "b", "c", "d"]);
    story.pass(50 * MINUTE);
    let of_entra = || {
        let mut failure = outage();
        failure.fault.may_have_arrived = true;
        failure
    };
    let sent = schedule(&mut story, 10 * MINUTE, |_| Err(of_entra()));
    assert_eq!(sent.len(), 9, "a last chance before the tokens end: {sent:?}");
    let keys: std::collections::BTreeSet<_> = sent.iter().map(|(_, scope)| scope).collect();
    assert_eq!(keys.len(), 4, "each key has its turn, in case it is one that fails alone");
    let sent = schedule(&mut story, 12 * HOUR, |_| Err(of_entra()));
    assert!(sent.len() < 70, "a quarter of an hour apart once all have expired: {}", sent.len());
    let probe = story.machine.next_due(story.now).unwrap() - story.now.boot;
    assert!(probe <= 15 * MINUTE + 3 * MINUTE);
    story.pass(probe);
    assert_eq!(schedule(&mut story, MINUTE, |_| Ok(())).len(), 4, "all are renewed once one got through");
}

#[test]
fn a_network_that_wants_a_sign_in_first_is_tried_twice_a_minute() {
    let mut story = wanted(&["a", "b"]);
    story.pass(50 * MINUTE);
    let sent = schedule(&mut story, 5 * MINUTE, |_| Err(outage()));
    assert!((11..14).contains(&sent.len()), "{sent:?}");
}

#[test]
fn one_key_that_fails_alone_holds_up_no_other() {
    let mut story = Story::new();
    let flight = story.started("a");
    story.land(flight, Err(outage()));
    flight_of(story.ask("b"), true);
    let mut story = wanted(&["a", "b"]);
    story.pass(50 * MINUTE);
    let sent = schedule(&mut story, MINUTE, |scope| if scope == "a" { Err(outage()) } else { Ok(()) });
    assert_eq!(sent[..2], [(0, "a".to_owned()), (5000, "b".to_owned())]);
    assert_eq!(served(story.ask("b")), "b");
}

#[test]
fn a_network_that_is_back_is_tried_at_once_and_not_by_all_at_once() {
    let mut story = wanted(&["a", "b", "c"]);
    story.pass(50 * MINUTE);
    schedule(&mut story, 5 * MINUTE, |_| Err(outage()));
    story.machine.network_changed(story.now);
    let sent = schedule(&mut story, MINUTE, |_| Ok(()));
    assert_eq!(sent.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 200, 400]);
}

#[test]
fn callers_need_not_wait_once_somebody_got_through() {
    let mut story = Story::new();
    for scope in ["a", "b"] {
        let flight = story.started(scope);
        story.land(flight, Err(outage()));
    }
    assert_eq!(refused(story.ask("b")).retry_after, Some(5 * SECOND));
    story.pass(5 * SECOND);
    let flight = story.started("a");
    story.land(flight, Err(outage()));
    assert_eq!(refused(story.ask("b")).retry_after, Some(10 * SECOND), "one tried for all");
    assert_eq!(refused(story.ask("c")).retry_after, Some(10 * SECOND), "two have met it");
    story.pass(10 * SECOND);
    let flight = story.started("a");
    let after = Some(MINUTE);
    story.land(flight, Err(failure(FailureKind::RetryAfter { after, reach: Reach::Key })));
    assert_eq!(refused(story.ask("a")).retry_after, after, "what Entra asked for stands");
    flight_of(story.ask("b"), true);
}

#[test]
fn a_refresh_that_wants_a_person_is_not_repeated_by_itself() {
    let mut story = wanted(&["a"]);
    story.pass(50 * MINUTE);
    let order = story.machine.tick(story.now).remove(0);
    story.land(order.flight, Err(failure(FailureKind::SignInNeeded)));
    assert_eq!(schedule(&mut story, 4 * MINUTE, |_| Ok(())), []);
    assert_eq!(served(story.ask("a")), "a", "invariant 4");
}

#[test]
fn a_refresh_token_is_kept_in_use() {
    let mut story = Story::new();
    let sent = schedule(&mut story, 30 * DAY, |_| Ok(()));
    assert_eq!(sent.len(), 10, "every three days: {sent:?}");
    assert!(sent.iter().all(|(_, scope)| scope == "root"));
    let sent = schedule(&mut story, 10 * DAY, |_| Err(failure(FailureKind::SignInNeeded)));
    assert!((7..=9).contains(&sent.len()), "once a day while it is refused: {sent:?}");
    story.pass(80 * DAY);
    assert_eq!(names(&story.machine.tick(story.now)), ["root"], "off for weeks: at once");
}

#[test]
fn a_refresh_token_in_use_needs_no_exercise() {
    let mut story = Story::new();
    for _ in 0..30 {
        assert_eq!(schedule(&mut story, DAY, |_| Ok(())), []);
        let flight = story.started("a");
        story.land(flight, Ok(&grant("a")));
    }
}

#[test]
fn a_wall_clock_that_jumps_costs_one_request_for_each_wanted_token() {
    let mut story = wanted(&["a", "b"]);
    story.now.wall += 700 * DAY;
    assert_eq!(schedule(&mut story, MINUTE, |_| Ok(())).len(), 2);
    for scope in ["a", "b"] {
        assert_eq!(served(story.ask(scope)), scope);
    }
    story.now.wall -= 700 * DAY;
    let sent = schedule(&mut story, MINUTE, |_| Ok(()));
    assert_eq!(
        names_of(&sent),
        ["root"],
        "boot time rules: only the last use of the refresh token is doubtful"
    );
    assert_eq!(served(story.ask("a")), "a");
}

fn names_of(sent: &[(u128, String)]) -> Vec<&str> {
    sent.iter().map(|(_, scope)| scope.as_str()).collect()
}

#[test]
fn the_years_2038_and_2106_are_years_like_others() {
    for wall in [(1_u64 << 31) - 60, (1 << 32) - 60, 253_402_300_800] {
        let mut story = Story::new();
        story.now.wall = Duration::from_secs(wall);
        let flight = story.started("a");
        story.land(flight, Ok(&grant("one")));
        story.pass(10 * MINUTE);
        let Reply::Serve { held, .. } = story.ask("a") else { panic!("a token is held") };
        assert_eq!(held.expiry.epoch(story.now), wall + 3600);
        story.pass(40 * MINUTE);
        assert_eq!(names(&story.machine.tick(story.now)), ["a"]);
    }
}

#[test]
fn the_schedule_says_why() {
    let mut story = wanted(&["a"]);
    let slot = SlotKey::new("T", &Scopes::new(["a"]).unwrap(), false);
    let plan = |story: &Story| story.machine.plan(&account(), &slot, story.now);
    assert_eq!(plan(&story), (Plan::Renew, Some(story.now.boot + 50 * MINUTE)));
    story.pass(50 * MINUTE);
    let order = story.machine.tick(story.now).remove(0);
    assert_eq!(plan(&story), (Plan::UnderWay, Some(story.now.boot + Duration::from_millis(200))));
    story.land(order.flight, Err(outage()));
    assert_eq!(plan(&story), (Plan::RenewAfterBackOff, Some(story.now.boot + 5 * SECOND)));
    let state = story.machine.state(&account(), &slot, story.now).unwrap();
    assert_eq!(
        (state.token, state.air, state.gate, state.is_wanted),
        (Token::Due, Air::Clear, Gate::BackOff, true)
    );
    story.machine.network_changed(story.now);
    let order = story.machine.tick(story.now).remove(0);
    story.land(order.flight, Ok(&grant("two")));
    assert_eq!(plan(&story), (Plan::Unwanted, None));
    let force = Ask { min_validity: FIVE, claims: None, force: true };
    let flight = flight_of(story.ask_as("a", &force), true);
    story.machine.ended(&account(), flight, Err(failure(FailureKind::AskAdmin)), story.now, Jitter(0));
    assert_eq!(plan(&story), (Plan::WaitForSomebody, None));
}

#[test]
fn a_sign_in_ends_an_outage() {
    let mut story = Story::new();
    for scope in ["a", "b"] {
        let flight = story.started(scope);
        story.land(flight, Err(outage()));
    }
    story.machine.sign_in(account(), signed_in(story.now));
    let scopes = Scopes::new(["root"]).unwrap();
    let held = super::Held::new(&grant("root"), story.now, Jitter(0));
    story.machine.fill(&account(), &SlotKey::new("T", &scopes, false), &scopes, held, story.now);
    flight_of(story.ask("a"), true);
}

#[test]
fn a_caller_that_comes_back_when_told_is_not_refused_again() {
    for may_have_arrived in [false, true] {
        let mut story = Story::new();
        let mut failure = outage();
        failure.fault.may_have_arrived = may_have_arrived;
        for n in 0..20 {
            let Reply::Wait { flight, .. } = story.ask("a") else { panic!("refused at {n}") };
            let landing = story.land(flight, Err(failure.clone())).landing;
            let wait = landing.result.unwrap_err().retry_after.unwrap();
            let again = refused(story.ask("a"));
            assert_eq!(again.retry_after, Some(wait), "at {n}, {may_have_arrived}");
            assert_eq!(again.failure, failure, "the outage is the reason");
            story.pass(wait);
        }
    }
}

#[test]
fn a_network_that_flaps_does_not_use_up_the_budget() {
    let mut story = wanted(&["a"]);
    story.pass(2 * HOUR);
    for _ in 0..20 {
        story.machine.network_changed(story.now);
        let order = story.machine.tick(story.now).remove(0);
        story.land(order.flight, Err(outage()));
        story.pass(10 * SECOND);
    }
    story.machine.network_changed(story.now);
    flight_of(story.ask("a"), true);
}

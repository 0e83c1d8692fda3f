//! Situations of the machine, each as a small story with its own clock.

use std::time::Duration;

use entra_proto::scope::Scopes;

use super::super::key::{AccountKey, ClientKey, FlightId, SlotKey};
use super::super::outcome::{Failure, FailureKind, Fault, Grant, Reach, Trace};
use super::super::schedule::Jitter;
use super::super::slot::Refusal;
use super::super::time::Now;
use super::{Ask, Ended, Machine, Reply, SignedIn};

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const FIVE: Duration = Duration::from_secs(300);
const START: u64 = 1_800_000_000;

/// A machine with one account, its clock, and short words for what happens.
pub(super) struct Story {
    pub(super) machine: Machine,
    pub(super) now: Now,
}

impl Story {
    pub(super) fn new() -> Self {
        let mut machine = Machine::default();
        let now = Now { boot: Duration::from_secs(1000), wall: Duration::from_secs(START) };
        machine.sign_in(account(), signed_in(now));
        Self { machine, now }
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now.boot += time;
        self.now.wall += time;
    }

    pub(super) fn ask(&mut self, scope: &str) -> Reply {
        self.ask_as(scope, &Ask { min_validity: FIVE, claims: None, force: false })
    }

    pub(super) fn ask_as(&mut self, scope: &str, ask: &Ask) -> Reply {
        let scopes = Scopes::new([scope]).unwrap();
        self.machine.ask(&account(), &SlotKey::new("T", &scopes, false), &scopes, ask, self.now).unwrap()
    }

    pub(super) fn started(&mut self, scope: &str) -> FlightId {
        flight_of(self.ask(scope), true)
    }

    pub(super) fn land(&mut self, flight: FlightId, result: Result<&Grant, Failure>) -> Ended {
        self.machine.ended(&account(), flight, result, self.now, Jitter(0)).unwrap()
    }
}

pub(super) fn account() -> AccountKey {
    AccountKey { profile: "default".to_owned(), account: "u.t".parse().unwrap() }
}

pub(super) fn signed_in(now: Now) -> SignedIn {
    let scopes = Scopes::new(["root"]).unwrap();
    SignedIn {
        client: client(),
        used_on: now.epoch(),
        rooted_in: Some((SlotKey::new("T", &scopes, false), scopes)),
    }
}

pub(super) fn client() -> ClientKey {
    ClientKey { authority: "https://login.example".to_owned(), client_id: "c".to_owned() }
}

pub(super) fn grant(text: &str) -> Grant {
    Grant {
        access_token: entra_proto::secret::AccessToken::new(text.to_owned()),
        refresh_token: None,
        expires_in: 60 * MINUTE,
        refresh_in: None,
        scopes: vec!["a".to_owned()],
        identity: None,
        trace: Trace::default(),
    }
}

pub(super) fn failure(kind: FailureKind) -> Failure {
    Failure { kind, fault: Fault { error: "test".to_owned(), ..Fault::default() } }
}

pub(super) fn outage() -> Failure {
    failure(FailureKind::RetryAfter { after: None, reach: Reach::Outage })
}

#[track_caller]
pub(super) fn flight_of(reply: Reply, has_order: bool) -> FlightId {
    match reply {
        Reply::Wait { flight, order, .. } if order.is_some() == has_order => flight,
        other => panic!("expected a flight (new: {has_order}), got {other:?}"),
    }
}

#[track_caller]
pub(super) fn served(reply: Reply) -> String {
    match reply {
        Reply::Serve { held, .. } => held.token.expose().to_owned(),
        other => panic!("expected a token, got {other:?}"),
    }
}

#[track_caller]
pub(super) fn refused(reply: Reply) -> Refusal {
    match reply {
        Reply::Refuse(refusal) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn invariant_6_many_callers_one_flight() {
    let mut story = Story::new();
    let flight = story.started("a");
    for _ in 0..50 {
        assert_eq!(flight_of(story.ask("a"), false), flight);
    }
    story.land(flight, Ok(&grant("one")));
    assert_eq!(served(story.ask("A")), "one");
}

#[test]
fn a_token_is_renewed_in_its_last_five_minutes() {
    let mut story = Story::new();
    let flight = story.started("a");
    story.land(flight, Ok(&grant("one")));
    story.pass(54 * MINUTE);
    assert_eq!(served(story.ask("a")), "one");
    story.pass(MINUTE);
    let flight = story.started("a");
    story.land(flight, Ok(&grant("two")));
    assert_eq!(served(story.ask("a")), "two");
}

#[test]
fn min_validity_moves_the_border_both_ways() {
    let mut story = Story::new();
    let flight = story.started("a");
    story.land(flight, Ok(&grant("one")));
    story.pass(58 * MINUTE);
    let ask = |min_validity| Ask { min_validity, claims: None, force: false };
    assert_eq!(served(story.ask_as("a", &ask(MINUTE))), "one");
    flight_of(story.ask_as("a", &ask(3 * MINUTE)), true);
}

#[test]
fn invariant_4_a_valid_token_survives_an_outage() {
    let mut story = Story::new();
    let flight = story.started("a");
    story.land(flight, Ok(&grant("one")));
    story.pass(56 * MINUTE);
    let flight = story.started("a");
    let ended = story.land(flight, Err(outage()));
    assert_eq!(ended.landing.fallback.unwrap().token.expose(), "one");
    assert_eq!(served(story.ask("a")), "one", "during the back-off");
    story.pass(3 * MINUTE + Duration::from_secs(58));
    let flight = story.started("a");
    story.land(flight, Err(outage()));
    story.pass(Duration::from_secs(3));
    let refusal = refused(story.ask("a"));
    assert_eq!(
        refusal.retry_after,
        Some(Duration::from_secs(7)),
        "expired: the reason and the time, at once"
    );
}

#[test]
fn a_throttled_client_is_silent_for_every_key() {
    let mut story = Story::new();
    let flight = story.started("a");
    let after = Some(Duration::from_secs(90));
    story.land(flight, Err(failure(FailureKind::RetryAfter { after, reach: Reach::Client })));
    assert_eq!(refused(story.ask("b")).retry_after, after);
    story.pass(Duration::from_secs(90));
    flight_of(story.ask("b"), true);
}

#[test]
fn invariant_5_only_a_dead_answer_costs_the_account() {
    let mut story = Story::new();
    let first = story.started("a");
    story.land(first, Ok(&grant("one")));
    for kind in [FailureKind::SignInNeeded, FailureKind::AskAdmin, FailureKind::Misconfigured] {
        let flight = story.started("b");
        assert!(!story.land(flight, Err(failure(kind))).is_dead);
        assert_eq!(refused(story.ask("b")).failure.kind, kind, "remembered for this key");
        story.pass(2 * MINUTE);
    }
    let flight = story.started("b");
    assert!(story.land(flight, Err(failure(FailureKind::Dead))).is_dead);
    assert_eq!(served(story.ask("a")), "one", "a valid token is still served");
    assert_eq!(refused(story.ask("c")).failure.kind, FailureKind::Dead, "no key is tried again");
    assert!(story.machine.death(&account()).is_some());
}

#[test]
fn a_remembered_refusal_answers_its_own_challenge_only() {
    let mut story = Story::new();
    let flight = story.started("a");
    story.land(flight, Err(failure(FailureKind::SignInNeeded)));
    let with_claims = Ask { min_validity: FIVE, claims: Some("{}".to_owned()), force: false };
    flight_of(story.ask_as("a", &with_claims), true);
}

#[test]
fn a_refused_token_is_not_answered_by_a_flight_that_began_before() {
    let mut story = Story::new();
    let old = story.started("a");
    let force = Ask { min_validity: FIVE, claims: None, force: true };
    let new = flight_of(story.ask_as("a", &force), false);
    assert_ne!(old, new);
    assert_eq!(
        flight_of(story.ask_as("a", &force), false),
        new,
        "a second forced caller joins the queued flight"
    );
    let ended = story.land(old, Ok(&grant("stale")));
    assert_eq!(ended.next.unwrap().flight, new);
    assert_eq!(flight_of(story.ask("a"), false), new, "the stale token was not published");
    story.land(new, Ok(&grant("fresh")));
    assert_eq!(served(story.ask("a")), "fresh");
}

#[test]
fn a_late_outcome_of_an_account_that_is_gone_is_dropped() {
    let mut story = Story::new();
    let flight = story.started("a");
    assert_eq!(story.machine.sign_out(&account()), [flight]);
    story.machine.sign_in(account(), signed_in(story.now));
    assert!(story.machine.ended(&account(), flight, Ok(&grant("late")), story.now, Jitter(0)).is_none());
    flight_of(story.ask("a"), true);
}

#[test]
fn a_caller_that_forces_refreshes_in_a_loop_is_paused_and_others_are_not() {
    let mut story = Story::new();
    let force = Ask { min_validity: FIVE, claims: None, force: true };
    let mut sent = 0;
    let refusal = loop {
        match story.ask_as("a", &force) {
            Reply::Wait { flight, order, .. } => {
                sent += u32::from(order.is_some());
                story.land(flight, Ok(&grant("one")));
            }
            reply => break refused(reply),
        }
        story.pass(Duration::from_secs(1));
    };
    assert!((5..15).contains(&sent), "{sent} requests, where Entra pauses a client at 15");
    assert!(refusal.retry_after.unwrap() > 4 * MINUTE);
    assert_eq!(served(story.ask("a")), "one", "others are served from memory");
    flight_of(story.ask("b"), true);
    story.pass(refusal.retry_after.unwrap());
    flight_of(story.ask_as("a", &force), true);
}

#[test]
fn a_spent_budget_puts_the_schedule_off_and_does_not_spin() {
    let mut story = Story::new();
    let force = Ask { min_validity: FIVE, claims: None, force: true };
    let mut short = grant("one");
    short.expires_in = 20 * MINUTE;
    while let Reply::Wait { flight, .. } = story.ask_as("a", &force) {
        story.land(flight, Ok(&short));
    }
    short.refresh_in = Some(MINUTE);
    assert_eq!(served(story.ask("a")), "one");
    let due = story.machine.next_due(story.now).unwrap();
    assert!(due > story.now.boot && due >= story.now.boot + 5 * MINUTE);
    story.pass(due.saturating_sub(story.now.boot));
    assert_eq!(story.machine.tick(story.now).len(), 1);
}

#[test]
fn a_pause_that_entra_asked_for_outlives_a_change_of_the_network() {
    let mut story = Story::new();
    let flight = story.started("a");
    let after = Some(2 * MINUTE);
    story.land(flight, Err(failure(FailureKind::RetryAfter { after, reach: Reach::Key })));
    story.machine.network_changed(story.now);
    assert_eq!(refused(story.ask("a")).retry_after, after);
}

#[test]
fn a_resource_that_refuses_what_entra_gives_is_told_so_and_others_are_not() {
    let mut story = Story::new();
    let challenged = |claims: &str| Ask { min_validity: FIVE, claims: Some(claims.to_owned()), force: false };
    for _ in 0..3 {
        let flight = flight_of(story.ask_as("a", &challenged("{1}")), true);
        story.land(flight, Ok(&grant("one")));
        story.pass(Duration::from_secs(1));
    }
    let refusal = refused(story.ask_as("a", &challenged("{1}")));
    assert_eq!(refusal.failure.kind, FailureKind::SignInNeeded);
    assert!(refusal.retry_after.unwrap() > 4 * MINUTE);
    assert_eq!(served(story.ask("a")), "one", "callers without the challenge are served");
    flight_of(story.ask_as("a", &challenged("{2}")), true);
}

#[test]
fn what_a_challenge_met_says_nothing_of_requests_without_one() {
    let mut story = Story::new();
    let flight = story.started("a");
    story.land(flight, Ok(&grant("one")));
    assert_eq!(served(story.ask("a")), "one");
    let challenged = Ask { min_validity: FIVE, claims: Some("{}".to_owned()), force: false };
    let flight = flight_of(story.ask_as("a", &challenged), true);
    story.land(flight, Err(failure(FailureKind::SignInNeeded)));
    assert_eq!(refused(story.ask_as("a", &challenged)).failure.kind, FailureKind::SignInNeeded);
    story.pass(50 * MINUTE);
    assert_eq!(story.machine.tick(story.now).len(), 1, "renewed ahead of need all the same");
}

#[test]
fn a_second_sign_in_keeps_the_tokens_that_live_and_renews_them() {
    let mut story = Story::new();
    for scope in ["a", "b"] {
        let flight = story.started(scope);
        story.land(flight, Ok(&grant(scope)));
    }
    assert_eq!(served(story.ask("a")), "a");
    let flight = story.started("c");
    story.land(flight, Err(failure(FailureKind::Dead)));
    assert_eq!(refused(story.ask("c")).failure.kind, FailureKind::Dead);
    story.machine.sign_in(account(), signed_in(story.now));
    let orders = story.machine.tick(story.now);
    assert_eq!(
        orders.iter().map(|order| order.scopes.to_string()).collect::<Vec<_>>(),
        ["a"],
        "the wanted one"
    );
    assert_eq!(served(story.ask("a")), "a", "invariant 4");
    assert_eq!(served(story.ask("b")), "b");
    flight_of(story.ask("c"), true);
}

#[test]
fn a_sign_in_to_another_client_keeps_no_token() {
    let mut story = Story::new();
    let flight = story.started("a");
    story.land(flight, Ok(&grant("one")));
    let elsewhere = ClientKey { client_id: "other".to_owned(), ..client() };
    story.machine.sign_in(account(), SignedIn { client: elsewhere, ..signed_in(story.now) });
    flight_of(story.ask("a"), true);
}

#[test]
fn a_dead_token_is_tried_again_by_hand() {
    let mut story = Story::new();
    let flight = story.started("a");
    story.land(flight, Err(failure(FailureKind::Dead)));
    let (flight, order) = story.machine.revive(&account(), story.now).unwrap();
    assert_eq!(order.unwrap().scopes.to_string(), "root");
    assert!(story.machine.death(&account()).is_none());
    story.land(flight, Ok(&grant("one")));
    flight_of(story.ask("a"), true);
}

#[test]
fn a_flight_that_waited_for_its_turn_is_not_sent_into_what_another_met() {
    let after = Some(MINUTE);
    let throttle = failure(FailureKind::RetryAfter { after, reach: Reach::Client });
    for (met, is_sent) in [
        (outage(), false),
        (throttle, false),
        (failure(FailureKind::Dead), false),
        (failure(FailureKind::SignInNeeded), true),
    ] {
        let mut story = Story::new();
        let (first, second) = (story.started("a"), story.started("b"));
        story.pass(Duration::from_secs(1));
        story.land(first, Err(met.clone()));
        let clearance = story.machine.clearance(&account(), second, story.now);
        assert_eq!(clearance.map_err(|failure| failure.kind), if is_sent { Ok(()) } else { Err(met.kind) });
    }
}

#[test]
fn callers_behind_a_flight_that_failed_are_told_the_same_and_cost_no_request() {
    let mut story = Story::new();
    let first = story.started("a");
    let force = Ask { min_validity: FIVE, claims: None, force: true };
    let second = flight_of(story.ask_as("a", &force), false);
    let ended = story.land(first, Err(outage()));
    assert_eq!((ended.behind, ended.next), (Some(second), None));
}

#[test]
fn a_loop_over_made_up_scopes_leaves_nothing_behind() {
    let mut story = Story::new();
    let mut refused = 0;
    for n in 0..1000 {
        match story.ask(&format!("scope-{n}")) {
            Reply::Wait { flight, .. } => drop(story.land(flight, Err(failure(FailureKind::Misconfigured)))),
            Reply::Refuse(_) => refused += 1,
            Reply::Serve { .. } => panic!("there is no token"),
        }
    }
    assert_eq!(story.machine.slots(&account()).count(), 1000 - refused);
    assert!(refused > 900, "the client's budget");
}

#[test]
fn slots_are_bounded_and_those_of_worth_stay() {
    let mut story = Story::new();
    let flight = story.started("a");
    story.land(flight, Ok(&grant("one")));
    let mut expired = 0;
    for n in 0..super::MOST_SLOTS + 10 {
        let scopes = Scopes::new([format!("s{n}")]).unwrap();
        let held = super::Held::new(&grant("x"), story.now, Jitter(0));
        story.machine.fill(&account(), &SlotKey::new("T", &scopes, false), &scopes, held, story.now);
        expired += usize::from(n % 2 == 0);
        story.pass(Duration::from_millis(u64::from(n % 2 == 0)));
    }
    assert!(expired > 0 && story.machine.slots(&account()).count() <= super::MOST_SLOTS);
    story.pass(2 * 60 * MINUTE);
    flight_of(story.ask("a"), true);
    flight_of(story.ask("new"), true);
    assert!(story.machine.slots(&account()).count() < 10, "the expired ones made room");
}

#[test]
fn callers_of_both_kinds_share_a_budget() {
    let mut story = Story::new();
    let scopes = Scopes::new(["a"]).unwrap();
    let force = Ask { min_validity: FIVE, claims: None, force: true };
    let mut sent = 0;
    for n in 0..30 {
        let slot = SlotKey::new("T", &scopes, n % 2 == 0);
        let reply = story.machine.ask(&account(), &slot, &scopes, &force, story.now).unwrap();
        if let Reply::Wait { flight, .. } = reply {
            sent += 1;
            story.land(flight, Ok(&grant("one")));
        }
    }
    assert_eq!(sent, 7, "Entra counts them as equal");
}

#[test]
fn a_caller_that_wants_more_life_than_entra_gives_gets_as_much_as_there_is() {
    let mut story = Story::new();
    let day = Ask { min_validity: 24 * 60 * MINUTE, claims: None, force: false };
    let flight = flight_of(story.ask_as("a", &day), true);
    story.land(flight, Ok(&grant("one")));
    story.pass(MINUTE);
    assert_eq!(served(story.ask_as("a", &day)), "one", "another one would live no longer");
    story.pass(50 * MINUTE);
    flight_of(story.ask_as("a", &day), true);
}

#[test]
fn an_older_flight_that_lands_later_does_not_take_the_place_of_a_newer_token() {
    let mut story = Story::new();
    let old = story.started("a");
    let challenged = Ask { min_validity: FIVE, claims: Some("{}".to_owned()), force: false };
    let new = flight_of(story.ask_as("a", &challenged), true);
    story.land(new, Ok(&grant("new")));
    story.land(old, Ok(&grant("old")));
    assert_eq!(served(story.ask("a")), "new");
}

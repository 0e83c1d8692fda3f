//! Situations of the machine, each as a small story with its own clock.

use super::super::outcome::Fault;
use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const FIVE: Duration = Duration::from_secs(300);

/// A machine with one account, its clock, and short words for what happens.
struct Story {
    machine: Machine,
    now: Now,
}

impl Story {
    fn new() -> Self {
        let mut machine = Machine::default();
        machine.sign_in(account(), client(), None);
        Self {
            machine,
            now: Now { boot: Duration::from_secs(1000), wall: Duration::from_secs(1_800_000_000) },
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now.boot += time;
        self.now.wall += time;
    }

    fn ask(&mut self, scope: &str) -> Reply {
        self.ask_as(scope, &Ask { min_validity: FIVE, claims: None, force: false })
    }

    fn ask_as(&mut self, scope: &str, ask: &Ask) -> Reply {
        let scopes = Scopes::new([scope]).unwrap();
        self.machine.ask(&account(), &SlotKey::new("T", &scopes, false), &scopes, ask, self.now).unwrap()
    }

    fn started(&mut self, scope: &str) -> FlightId {
        flight_of(self.ask(scope), true)
    }

    fn land(&mut self, flight: FlightId, result: Result<&Grant, Failure>) -> Ended {
        self.machine.ended(&account(), flight, result, self.now, Jitter(0)).unwrap()
    }
}

fn account() -> AccountKey {
    AccountKey { profile: "default".to_owned(), account: "u.t".parse().unwrap() }
}

fn client() -> ClientKey {
    ClientKey { authority: "https://login.example".to_owned(), client_id: "c".to_owned() }
}

fn grant(text: &str) -> Grant {
    Grant {
        access_token: entra_proto::secret::AccessToken::new(text.to_owned()),
        refresh_token: None,
        expires_in: 60 * MINUTE,
        refresh_in: None,
        scopes: vec!["a".to_owned()],
        identity: None,
    }
}

fn failure(kind: FailureKind) -> Failure {
    Failure { kind, fault: Fault { error: "test".to_owned(), ..Fault::default() } }
}

fn outage() -> Failure {
    failure(FailureKind::RetryAfter { after: None, reach: Reach::Key })
}

#[track_caller]
fn flight_of(reply: Reply, has_order: bool) -> FlightId {
    match reply {
        Reply::Wait { flight, order } if order.is_some() == has_order => flight,
        other => panic!("expected a flight (new: {has_order}), got {other:?}"),
    }
}

#[track_caller]
fn served(reply: Reply) -> String {
    match reply {
        Reply::Serve { held, .. } => held.token.expose().to_owned(),
        other => panic!("expected a token, got {other:?}"),
    }
}

#[track_caller]
fn refused(reply: Reply) -> Refusal {
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
    story.machine.sign_in(account(), client(), None);
    assert!(story.machine.ended(&account(), flight, Ok(&grant("late")), story.now, Jitter(0)).is_none());
    flight_of(story.ask("a"), true);
}

#[test]
fn only_wanted_tokens_are_renewed_ahead_of_need() {
    let mut story = Story::new();
    for (scope, text) in [("a", "one"), ("b", "two")] {
        let flight = story.started(scope);
        story.land(flight, Ok(&grant(text)));
    }
    assert_eq!(story.machine.next_due(story.now), None);
    assert_eq!(served(story.ask("a")), "one");
    let due = story.machine.next_due(story.now).unwrap();
    assert_eq!(due, story.now.boot + 50 * MINUTE);
    assert_eq!(story.machine.tick(story.now), []);
    story.pass(50 * MINUTE);
    let orders = story.machine.tick(story.now);
    assert_eq!(orders.iter().map(|order| order.scopes.to_string()).collect::<Vec<_>>(), ["a"]);
    assert_eq!(story.machine.tick(story.now), [], "one flight");
    assert_eq!(served(story.ask("a")), "one", "served while it is renewed");
    let ended = story.land(orders[0].flight, Err(outage()));
    assert!(ended.landing.fallback.is_some());
    assert_eq!(
        story.machine.next_due(story.now),
        Some(story.now.boot + Duration::from_secs(5)),
        "tried again"
    );
    story.pass(10 * MINUTE);
    assert_eq!(story.machine.next_due(story.now), None, "expired: the next caller decides");
}

#[test]
fn a_refresh_that_wants_a_person_is_not_repeated_by_itself() {
    let mut story = Story::new();
    let flight = story.started("a");
    story.land(flight, Ok(&grant("one")));
    assert_eq!(served(story.ask("a")), "one");
    story.pass(50 * MINUTE);
    let order = story.machine.tick(story.now).remove(0);
    story.land(order.flight, Err(failure(FailureKind::SignInNeeded)));
    assert_eq!(story.machine.next_due(story.now), None);
    assert_eq!(served(story.ask("a")), "one", "invariant 4");
}

#[test]
fn a_caller_that_forces_refreshes_in_a_loop_is_paused_and_others_are_not() {
    let mut story = Story::new();
    let force = Ask { min_validity: FIVE, claims: None, force: true };
    let mut sent = 0;
    let refusal = loop {
        match story.ask_as("a", &force) {
            Reply::Wait { flight, order } => {
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
fn a_network_that_is_back_is_tried_within_seconds_and_not_by_all_at_once() {
    let mut story = Story::new();
    for scope in ["a", "b", "c"] {
        let flight = story.started(scope);
        story.land(flight, Err(outage()));
        story.pass(Duration::from_secs(6));
        let flight = story.started(scope);
        story.land(flight, Err(outage()));
    }
    assert!(matches!(story.ask("c"), Reply::Refuse(_)));
    story.machine.network_changed(story.now);
    let waits: Vec<_> = ["a", "b", "c"].map(|scope| refusal_or_now(story.ask(scope))).into();
    assert_eq!(waits, [0, 200, 400].map(Duration::from_millis));
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

fn refusal_or_now(reply: Reply) -> Duration {
    match reply {
        Reply::Refuse(refusal) => refusal.retry_after.unwrap(),
        _ => Duration::ZERO,
    }
}

//! A scripted Entra that demands a person, and what is expected after.

use std::sync::Arc;

use entra_proto::token::TokenRequest;

use super::*;
use crate::broker::tests::{broker, record};
use crate::clock::{Clock, SystemClock};
use crate::entra::script::{SUCCESS, Script};
use crate::vault::{Access, Record};

const DAY: u64 = 24 * 60 * 60;

fn refusal(code: u32, description: &str) -> String {
    let body = serde_json::json!({"error": "invalid_grant", "error_description": description, "error_codes": [code]});
    body.to_string()
}

/// A record whose person signed in that many days ago.
fn signed_in(days: u64) -> Record {
    let mut record = record("u.t", "rt");
    record.entry.provenance.signed_in_on = SystemClock.now().epoch() - days * DAY;
    record
}

async fn ask(broker: &Arc<Broker>, scope: &str) -> bool {
    let request = TokenRequest { scopes: Some(vec![scope.to_owned()]), ..TokenRequest::default() };
    let is_good = broker.token(request).await.is_ok();
    broker.settle().await;
    is_good
}

/// As a sign-in does it.
async fn sign_in(broker: &Arc<Broker>) {
    let mut record = signed_in(0);
    record.entry.demands = broker.inherit(&record.entry.key, broker.parts.clock.now());
    let entry = record.entry.clone();
    broker.parts.vault.put(record, Access::MayPrompt).await.unwrap();
    broker.state().welcome(entry);
}

#[tokio::test]
async fn a_demand_is_told_kept_and_expected_of_the_next_sign_in() {
    let script = Script::new();
    script.json(400, &refusal(70_043, "The sign-in is too old."));
    let broker = broker(&script, [signed_in(7)]).await;
    let mut told = broker.watch_needs();
    told.mark_unchanged();
    assert!(!ask(&broker, "a").await);
    assert!(told.has_changed().unwrap());
    assert!(broker.expectations().is_empty(), "it has come");
    let status = broker.status().await.unwrap().accounts.remove(0);
    assert_eq!((status.past_demands[0].aadsts, status.past_demands[0].seen), (70_043, 1));

    sign_in(&broker).await;
    let (key, _, expectation) = broker.expectations().remove(0);
    assert_eq!(expectation.reason, "The organisation asked for a new sign-in after about 7 days before.");
    let entry = broker.parts.vault.records(Access::Silent).await.unwrap().remove(0);
    assert_eq!(entry.key, key);
    assert_eq!(expectation.on, entry.provenance.signed_in_on + 7 * DAY);
    let status = broker.status().await.unwrap().accounts.remove(0);
    assert_eq!(status.expectation, Some(expectation));
    let again = Broker::new(super::super::Parts {
        vault: broker.parts.vault.clone(),
        ..super::super::Parts::empty(crate::entra::Entra::scripted(&script))
    });
    again.restore(Access::Silent).await.unwrap();
    assert_eq!(again.expectations(), broker.expectations(), "another daemon reads the same");
}

#[tokio::test]
async fn a_refresh_past_the_interval_unlearns_it_on_disk_too() {
    let mut record = signed_in(3);
    let slot = SlotKey { tenant: "organizations".to_owned(), scopes: "a".to_owned(), cae: false };
    let life = Life { signed_in_on: 0, used_on: 0, now: DAY };
    record.entry.demands.note(Kind::SignInFrequency, &slot, Some(DAY), life);
    record.entry.demands.signed_in_again(life);
    let script = Script::new();
    script.json(200, SUCCESS).json(200, SUCCESS);
    let broker = broker(&script, [record]).await;
    let expectation = broker.expectations().remove(0).2;
    assert_eq!(expectation.reason, "The organisation asks for a new sign-in every 24 hours.");
    assert!(ask(&broker, "b").await);
    assert_eq!(broker.expectations().len(), 1, "another resource proves nothing");
    let mut told = broker.watch_needs();
    told.mark_unchanged();
    assert!(ask(&broker, "a").await);
    assert!(told.has_changed().unwrap() && broker.expectations().is_empty());
    assert!(broker.parts.vault.records(Access::Silent).await.unwrap()[0].demands.is_empty());
}

#[tokio::test]
async fn a_revoked_sign_in_is_counted_and_not_foretold() {
    let script = Script::new();
    script.json(400, &refusal(50_173, "Revoked."));
    let broker = broker(&script, [signed_in(3)]).await;
    assert!(!ask(&broker, "a").await);
    sign_in(&broker).await;
    let status = broker.status().await.unwrap().accounts.remove(0);
    assert_eq!(status.expectation, None);
    let past = &status.past_demands[0];
    assert!(past.aadsts == 50_173 && past.reason.contains("no rhythm"), "{past:?}");
}

#[tokio::test]
async fn what_has_nothing_to_do_with_age_teaches_nothing() {
    let script = Script::new();
    script
        .json(400, &refusal(50_076, "A second factor."))
        .json(503, &refusal(70_043, "A page."))
        .json(503, "");
    let broker = broker(&script, [signed_in(3)]).await;
    assert!(!ask(&broker, "a").await && !ask(&broker, "b").await);
    assert!(broker.parts.vault.records(Access::Silent).await.unwrap()[0].demands.is_empty());
}

#[test]
fn spans_are_for_people() {
    for (seconds, text) in [
        (7 * DAY, "7 days"),
        (DAY, "24 hours"),
        (8 * 3600, "8 hours"),
        (90 * 60, "90 minutes"),
        (2, "2 seconds"),
    ] {
        assert_eq!(span(seconds), text);
    }
}

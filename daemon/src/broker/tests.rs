//! The broker over a scripted Entra and a vault in memory: what happens between two of its tasks.

use std::time::Duration;

use entra_proto::account::{Flow, Provenance};
use entra_proto::cloud::Cloud;
use entra_proto::error::ErrorCode;
use entra_proto::token::TokenRequest;

use super::*;
use crate::account::demand::Demands;
use crate::clock::SystemClock;
use crate::entra::script::{SUCCESS, Script};
use crate::vault::Record;

/// Longer than any test.
const LONG: Duration = Duration::from_secs(5);

const CLIENT: &str = "00000000-0000-0000-0000-00000000c11e";
pub(crate) const DEAD: &str = r#"{"error":"invalid_grant","suberror":"bad_token","error_codes":[70008]}"#;

pub(crate) fn record(account: &str, token: &str) -> Record {
    let entry = Entry {
        key: AccountKey { profile: "default".to_owned(), account: account.parse().unwrap() },
        cloud: Cloud::Public,
        authority: "https://login.microsoftonline.com".to_owned(),
        tenant: "organizations".to_owned(),
        client_id: CLIENT.to_owned(),
        scopes: vec!["root".to_owned()],
        username: format!("{account}@example.com"),
        name: None,
        provenance: Provenance { flow: Flow::DeviceCode, signed_in_on: 1 },
        obtained_on: 1,
        used_on: SystemClock.now().epoch(),
        quarantined_on: None,
        demands: Demands::default(),
        quarantined_for: None,
    };
    Record { entry, refresh_token: RefreshToken::new(token.to_owned()) }
}

/// A broker that has read these records.
pub(crate) async fn broker(script: &Arc<Script>, records: impl IntoIterator<Item = Record>) -> Arc<Broker> {
    let parts = Parts::empty(Entra::scripted(script));
    for record in records {
        parts.vault.put(record, Access::Silent).await.unwrap();
    }
    let broker = Broker::new(parts);
    broker.restore(Access::Silent).await.unwrap();
    broker
}

fn request(account: &str, scope: &str) -> TokenRequest {
    TokenRequest {
        scopes: Some(vec![scope.to_owned()]),
        account: Some(account.to_owned()),
        ..TokenRequest::default()
    }
}

fn key(account: &str) -> AccountKey {
    record(account, "").entry.key
}

async fn entries(broker: &Broker) -> Vec<Entry> {
    broker.parts.vault.records(Access::Silent).await.unwrap()
}

#[tokio::test]
async fn a_request_that_waits_for_its_turn_learns_what_the_one_before_met() {
    let script = Script::new();
    script.json(400, DEAD).json(400, DEAD);
    let broker = broker(&script, [record("u.t", "rt")]).await;
    let (first, second) = tokio::join!(broker.token(request("u.t", "a")), broker.token(request("u.t", "b")));
    assert_eq!(first.unwrap_err().code, ErrorCode::SignInNeeded);
    assert_eq!(second.unwrap_err().code, ErrorCode::SignInNeeded);
    assert_eq!(script.asked().len(), 1, "a dead refresh token is sent once");
}

#[tokio::test]
async fn a_refresh_that_finds_its_token_dead_does_not_quarantine_that_of_a_new_sign_in() {
    let script = Script::new();
    script.json(400, DEAD);
    let broker = broker(&script, [record("u.t", "old")]).await;
    let turn = Arc::clone(&broker.state().known[&key("u.t")].turn);
    let held = turn.lock().await;
    let refused = tokio::spawn({
        let broker = Arc::clone(&broker);
        async move { broker.token(request("u.t", "a")).await }
    });
    // Its request waits for the turn first.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    // As a sign-in does it: the record is replaced in the account's turn.
    let signs_in = tokio::spawn({
        let (broker, turn) = (Arc::clone(&broker), Arc::clone(&turn));
        async move {
            let _turn = turn.lock().await;
            broker.parts.vault.put(record("u.t", "new"), Access::MayPrompt).await.unwrap();
            broker.state().welcome(record("u.t", "").entry);
        }
    });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    drop(held);
    assert!(refused.await.unwrap().is_err());
    signs_in.await.unwrap();
    assert_eq!(entries(&broker).await[0].quarantined_on, None);
    assert!(broker.state().machine.death(&key("u.t")).is_none());
}

#[tokio::test]
async fn an_account_whose_dead_token_was_deleted_can_be_signed_out() {
    let script = Script::new();
    let broker = broker(&script, [record("u.t", "rt")]).await;
    broker.parts.vault.remove(&key("u.t")).await.unwrap();
    let left = broker.sign_out("u.t", None).await.unwrap();
    assert!(left.accounts.is_empty());
}

#[tokio::test]
async fn a_sign_out_whose_caller_hangs_up_is_whole() {
    let script = Script::new();
    let broker = broker(&script, [record("u.t", "rt")]).await;
    let mut out = Box::pin(broker.sign_out("u.t", None));
    std::future::poll_fn(|context| std::task::Poll::Ready(out.as_mut().poll(context).is_pending())).await;
    while !entries(&broker).await.is_empty() {
        tokio::task::yield_now().await;
    }
    drop(out);
    tokio::time::timeout(LONG, async {
        while !broker.accounts().await.unwrap().accounts.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("what the vault forgot is signed out");
}

#[tokio::test]
async fn a_token_that_could_not_be_tried_again_is_not_called_well() {
    let script = Script::new();
    script.json(400, DEAD);
    let broker = broker(&script, [record("u.t", "rt")]).await;
    broker.token(request("u.t", "a")).await.unwrap_err();
    {
        let mut state = broker.state();
        let now = broker.parts.clock.now();
        let other = record("v.t", "").entry;
        state.welcome(other);
        let throttle = Failure {
            kind: FailureKind::RetryAfter {
                after: Some(Duration::from_secs(60)),
                reach: crate::account::outcome::Reach::Client,
            },
            fault: Fault { status: Some(429), ..Fault::default() },
        };
        let scopes = Scopes::new(["x"]).unwrap();
        let slot = SlotKey::new("t", &scopes, false);
        let ask = crate::account::machine::Ask { min_validity: Duration::ZERO, claims: None, force: false };
        let reply = state.machine.ask(&key("v.t"), &slot, &scopes, &ask, now).unwrap();
        let crate::account::machine::Reply::Wait { flight, .. } = reply else { panic!() };
        state.machine.ended(&key("v.t"), flight, Err(throttle), now, crate::account::schedule::Jitter(0));
    }
    let error = broker.revive("u.t", None).await.unwrap_err();
    assert_eq!((error.code, error.retry_after), (ErrorCode::Throttled, Some(60)));
}

#[tokio::test]
async fn one_record_that_is_gone_is_no_outage_for_others() {
    let script = Script::new();
    script.json(200, SUCCESS);
    let broker = broker(&script, [record("u.t", "rt"), record("v.t", "rt")]).await;
    broker.parts.vault.remove(&key("u.t")).await.unwrap();
    for scope in ["a", "b"] {
        let error = broker.token(request("u.t", scope)).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::SignInNeeded);
    }
    broker.token(request("v.t", "a")).await.unwrap();
}

#[tokio::test]
async fn a_refresh_token_that_may_not_be_sent_anywhere_is_not_tried_every_minute() {
    let mut record = record("u.t", "rt");
    record.entry.authority = "https://elsewhere.example".to_owned();
    record.entry.used_on = 1;
    let broker = broker(&Script::new(), [record]).await;
    let order = broker.state().machine.tick(broker.parts.clock.now()).remove(0);
    broker.launch(order);
    broker.settle().await;
    let now = broker.parts.clock.now();
    let due = broker.state().machine.next_due(now).unwrap();
    assert!(due > now.boot + Duration::from_secs(23 * 3600), "{due:?}");
}

#[tokio::test]
async fn another_accounts_answer_is_not_asked_for_every_minute() {
    let script = Script::new();
    let other = r#"{"token_type":"Bearer","expires_in":5302,"access_token":"at","client_info":"eyJ1aWQiOiJ4IiwidXRpZCI6InkifQ"}"#;
    script.json(200, other);
    let broker = broker(&script, [record("u.t", "rt")]).await;
    assert_eq!(broker.token(request("u.t", "a")).await.unwrap_err().code, ErrorCode::AccountMismatch);
    let (scopes, now) = (Scopes::new(["a"]).unwrap(), broker.parts.clock.now());
    let slot = SlotKey::new("organizations", &scopes, false);
    let plan = broker.state().machine.plan(&key("u.t"), &slot, now);
    assert_eq!(plan, (crate::account::machine::state::Plan::WaitForSomebody, None));
}

#[tokio::test]
async fn the_schedule_hears_of_a_sign_in() {
    let broker = broker(&Script::new(), []).await;
    let schedule = tokio::spawn(Arc::clone(&broker).keep_schedule());
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
    schedule.abort();
    assert!(schedule.await.unwrap_err().is_cancelled());
    let (scopes, now) = (Scopes::new(["root"]).unwrap(), broker.parts.clock.now());
    let grant = crate::account::outcome::Grant {
        access_token: entra_proto::secret::AccessToken::new("at".to_owned()),
        refresh_token: None,
        expires_in: Duration::from_secs(3600),
        refresh_in: None,
        scopes: vec!["root".to_owned()],
        identity: None,
        trace: crate::account::outcome::Trace::default(),
    };
    let held = crate::account::slot::Held::new(&grant, now, crate::account::schedule::Jitter(0));
    let slot = SlotKey::new("organizations", &scopes, false);
    broker.take_in(record("u.t", "").entry, &slot, &scopes, held, now);
    tokio::time::timeout(LONG, broker.rescheduled.notified()).await.expect("the exercise is to be planned");
}

#[tokio::test]
async fn quarantines_share_one_wait_for_their_end() {
    let broker = broker(&Script::new(), []).await;
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for _ in 0..100 {
        broker.purge_after_quarantine(broker.parts.clock.now().epoch());
    }
    assert!(tasks() - before <= 1, "{}", tasks() - before);
}

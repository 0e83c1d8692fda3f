//! The gate before the cache: what is shut is not served from memory, and a decision holds for what it was made for.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use entra_proto::error::ErrorCode;
use tokio::sync::Notify;

use super::super::tests::record;
use super::*;
use crate::broker::Parts;
use crate::entra::Entra;
use crate::entra::script::{SUCCESS, Script};

/// Decides as it is told.
struct Scripted {
    is_open: Mutex<bool>,
    /// A decision waits for this, where there is one.
    waits: Option<Arc<Notify>>,
    asked: AtomicUsize,
}

impl Scripted {
    fn new(waits: Option<Arc<Notify>>) -> Arc<Self> {
        Arc::new(Self { is_open: Mutex::new(true), waits, asked: AtomicUsize::new(0) })
    }

    fn shut(&self) {
        *self.is_open.lock().unwrap() = false;
    }
}

impl Gate for Scripted {
    fn pass(&self, _: &Asker, wish: &Wish<'_>) -> Passage {
        assert_eq!(wish.username, "u.t@example.com");
        self.asked.fetch_add(1, Ordering::Relaxed);
        let refused = || ErrorBody::new(ErrorCode::Refused, "It is shut.");
        match (*self.is_open.lock().unwrap(), &self.waits) {
            (false, _) => Passage::Shut(Box::new(refused())),
            (true, None) => Passage::Open(Some("a rule".into())),
            (true, Some(waits)) => {
                let waits = Arc::clone(waits);
                Passage::Wait(Box::pin(async move {
                    waits.notified().await;
                    Ok(Some("a word".into()))
                }))
            }
        }
    }

    fn admit(&self, _: &Asker) -> Result<(), ErrorBody> {
        Ok(())
    }

    fn spend(&self, _: &Asker) -> Result<(), ErrorBody> {
        Ok(())
    }

    fn agent(&self, _: &Asker) -> Option<Arc<str>> {
        None
    }
}

async fn broker(script: &Arc<Script>, gate: &Arc<Scripted>) -> Arc<Broker> {
    let gate = Arc::clone(gate) as Arc<dyn Gate>;
    let parts = Parts { gate, ..Parts::empty(Entra::scripted(script)) };
    parts.vault.put(record("u.t", "rt"), Access::Silent).await.unwrap();
    Broker::new(parts)
}

fn request() -> TokenRequest {
    TokenRequest { scopes: Some(vec!["a".to_owned()]), ..TokenRequest::default() }
}

#[tokio::test]
async fn what_is_shut_is_not_served_from_memory_and_entra_is_not_asked() {
    let (script, gate) = (Script::new(), Scripted::new(None));
    script.json(200, SUCCESS);
    let broker = broker(&script, &gate).await;
    let asker = Asker::Lease("x".to_owned());
    let found = broker.find_token(&request(), &asker).await.unwrap();
    assert_eq!(found.rule.as_deref(), Some("a rule"));
    gate.shut();
    let error = broker.find_token(&request(), &asker).await.err().unwrap();
    assert_eq!(error.message, "It is shut.");
    let other = TokenRequest { scopes: Some(vec!["b".to_owned()]), ..request() };
    assert!(broker.find_token(&other, &asker).await.is_err());
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn a_decision_is_waited_for_once_and_its_rule_is_known() {
    let waits = Arc::new(Notify::new());
    let (script, gate) = (Script::new(), Scripted::new(Some(Arc::clone(&waits))));
    script.json(200, SUCCESS);
    let broker = broker(&script, &gate).await;
    let asker = Asker::Lease("x".to_owned());
    let asked = tokio::spawn({
        let broker = Arc::clone(&broker);
        async move { broker.find_token(&request(), &asker).await }
    });
    while gate.asked.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    // The broker serves others meanwhile: its lock is free.
    assert!(broker.status().await.is_ok());
    waits.notify_one();
    let found = asked.await.unwrap().unwrap();
    assert_eq!(found.rule.as_deref(), Some("a word"));
    assert_eq!(gate.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_meaning_is_told_without_asking_for_anything() {
    let (script, gate) = (Script::new(), Scripted::new(None));
    let broker = broker(&script, &gate).await;
    let see = |wish: &Wish<'_>| (wish.tenant.to_owned(), wish.scopes.to_string());
    let seen = broker.meaning_of(&request(), see).await.unwrap();
    assert_eq!(seen, ("organizations".to_owned(), "a".to_owned()));
    assert_eq!((script.asked().len(), gate.asked.load(Ordering::Relaxed)), (0, 0));
}

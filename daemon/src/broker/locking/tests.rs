//! The lock over a scripted Entra and a vault in memory.

use entra_proto::lock::{PanicRequest, UnlockRequest};
use entra_proto::token::TokenRequest;
use tokio::task::yield_now;

use super::super::tests::{broker, record};
use super::*;
use crate::entra::script::Script;
use crate::vault::Access;

fn request() -> TokenRequest {
    TokenRequest { scopes: Some(vec!["a".to_owned()]), ..TokenRequest::default() }
}

/// A broker whose refresh hangs at Entra, and whoever waits for it.
async fn with_a_flight() -> (Arc<Broker>, tokio::task::JoinHandle<ErrorBody>) {
    let script = Script::new();
    script.hang();
    let broker = broker(&script, [record("u.t", "rt")]).await;
    let caller = Arc::clone(&broker);
    let waiting = tokio::spawn(async move { caller.token(request()).await.unwrap_err() });
    while script.asked().is_empty() {
        yield_now().await;
    }
    (broker, waiting)
}

#[tokio::test]
async fn what_hangs_is_cut_off_and_nothing_of_it_stays() {
    let (broker, waiting) = with_a_flight().await;
    let locked = broker.lock(LockCause::Suspend, None).await.unwrap();
    assert_eq!((locked.lock.state, locked.warnings), (LockState::Locked, Vec::new()));
    assert_eq!(waiting.await.unwrap().code, ErrorCode::Locked);
    assert_eq!(broker.token(request()).await.unwrap_err().code, ErrorCode::Locked);
    assert!(broker.state().known.is_empty() && broker.state().flights.is_empty());
    assert!(broker.parts.vault.must_be_unlocked().is_err());
}

#[tokio::test]
async fn a_panic_does_not_wait_for_a_lock_that_waits() {
    let (broker, waiting) = with_a_flight().await;
    let began = std::time::Instant::now();
    let locks = Arc::clone(&broker);
    let locks = tokio::spawn(async move { locks.lock(LockCause::Hand, None).await });
    while broker.lock_status().is_none() {
        yield_now().await;
    }
    assert_eq!(broker.token(request()).await.unwrap_err().code, ErrorCode::Locked, "while it is closing");
    let answer = broker.panic(PanicRequest::default(), None).await.unwrap();
    assert!(locks.await.unwrap().is_ok());
    assert!(began.elapsed() < patience(LockCause::Hand));
    assert_eq!((answer.lock.by, answer.lock.state), (LockCause::Panic, LockState::Locked));
    assert_eq!(waiting.await.unwrap().code, ErrorCode::Locked);
}

#[tokio::test]
async fn accounts_that_are_read_while_it_locks_do_not_stay() {
    let broker = broker(&Script::new(), [record("u.t", "rt")]).await;
    broker.is_restored.store(false, Ordering::Release);
    let (read, locked) =
        tokio::join!(broker.restore(Access::Silent), broker.lock(LockCause::ScreenLock, None));
    assert!(locked.is_ok());
    assert!(broker.state().known.is_empty() && !broker.is_restored(), "{read:?}");
}

#[tokio::test]
async fn an_unlock_opens_once_and_a_second_lock_locks_again() {
    let broker = broker(&Script::new(), [record("u.t", "rt")]).await;
    let open = broker.unlock(UnlockRequest::default(), None).await.unwrap();
    assert!(!open.was_locked);
    for _ in 0..2 {
        assert!(broker.lock(LockCause::Hand, None).await.is_ok());
        assert_eq!(broker.must_be_open().unwrap_err().code, ErrorCode::Locked);
        assert!(broker.unlock(UnlockRequest::default(), None).await.unwrap().was_locked);
        assert!(broker.must_be_open().is_ok() && broker.lock_status().is_none());
        assert!(broker.accounts().await.unwrap().accounts.is_empty(), "this store was in memory alone");
    }
}

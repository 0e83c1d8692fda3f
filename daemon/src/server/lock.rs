//! `/v1/lock`, `/v1/unlock` and `/v1/panic`: stop serving, serve again, drop everything.
//!
//! Whoever may ask may lock. To unlock or to panic one must be of this machine: who comes from another one has no person here.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::{ANSWER_TIMEOUT, TOKEN_TIMEOUT};
use entra_proto::lock::{LockCause, PanicRequest, UnlockRequest};

use super::reply::answer;
use super::routes::{read, to_the_end, within};
use crate::access::caller::Caller;
use crate::broker::Broker;

type Routed = State<Arc<Broker>>;

pub(super) async fn lock(State(broker): Routed, Extension(caller): Extension<Caller>) -> Response<Body> {
    // Before it is done: the caller may be gone by then.
    let noted = caller.noted();
    let work = to_the_end(async move { broker.lock(LockCause::Hand, Some(noted)).await });
    answer(within(TOKEN_TIMEOUT, work).await)
}

pub(super) async fn unlock(
    State(broker): Routed,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response<Body> {
    let work = async {
        let request: UnlockRequest = within(ANSWER_TIMEOUT, read(request)).await?;
        must_be_from_here(&broker, &caller, "unlock entrad")?;
        let noted = caller.noted();
        // A person may have to answer the keyring's dialog.
        within(TOKEN_TIMEOUT, to_the_end(async move { broker.unlock(request, Some(noted)).await })).await
    };
    answer(work.await)
}

pub(super) async fn panic(
    State(broker): Routed,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response<Body> {
    let work = async {
        let request: PanicRequest = within(ANSWER_TIMEOUT, read(request)).await?;
        must_be_from_here(&broker, &caller, "have everything erased")?;
        let noted = caller.noted();
        within(TOKEN_TIMEOUT, to_the_end(async move { broker.panic(request, Some(noted)).await })).await
    };
    answer(work.await)
}

/// Refuses whoever speaks for another machine or container, and notes it.
fn must_be_from_here(broker: &Broker, caller: &Caller, what: &str) -> Result<(), ErrorBody> {
    if !caller.is_from_elsewhere() {
        return Ok(());
    }
    let sentence =
        format!("Only a program of this machine may {what}, not one of another machine or container.");
    let error =
        ErrorBody::new(ErrorCode::Refused, sentence).with_hint("Do it on the machine where entrad runs.");
    broker.note_no_unlock(caller, &error);
    Err(error)
}

//! `/v1/lock`, `/v1/unlock` and `/v1/panic`: stop serving, serve again, drop everything.
//!
//! Whoever may ask may lock. To unlock or to panic one must be of this machine and no AI agent: who comes from another one has no
//! person here, and what a person locked no agent opens. Who runs on a lease is let: whose process has one is not known while it is
//! locked, and what was lent to it becomes no more.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::{ANSWER_TIMEOUT, TOKEN_TIMEOUT};
use entra_proto::lock::{LockCause, PanicRequest, UnlockRequest};

use super::Rooms;
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
    State(rooms): State<Rooms>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response<Body> {
    let work = async {
        let request: UnlockRequest = within(ANSWER_TIMEOUT, read(request)).await?;
        must_not_be_a_stranger(&rooms, &caller, "unlock entrad")?;
        let broker = rooms.broker;
        let noted = caller.noted();
        // A person may have to answer the keyring's dialog.
        within(TOKEN_TIMEOUT, to_the_end(async move { broker.unlock(request, Some(noted)).await })).await
    };
    answer(work.await)
}

pub(super) async fn panic(
    State(rooms): State<Rooms>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response<Body> {
    let work = async {
        let request: PanicRequest = within(ANSWER_TIMEOUT, read(request)).await?;
        must_not_be_a_stranger(&rooms, &caller, "have everything erased")?;
        let broker = rooms.broker;
        let noted = caller.noted();
        within(TOKEN_TIMEOUT, to_the_end(async move { broker.panic(request, Some(noted)).await })).await
    };
    answer(work.await)
}

/// Refuses whoever speaks for another machine or container, or is an AI agent as far as is known, and notes it.
fn must_not_be_a_stranger(rooms: &Rooms, caller: &Caller, what: &str) -> Result<(), ErrorBody> {
    let sentence = if caller.is_from_elsewhere() {
        format!("Only a program of this machine may {what}, not one of another machine or container.")
    } else if let Some(label) = rooms.gatekeeper.agents().label(caller) {
        format!("An AI agent (`{}`) may not {what}, nor may what it started.", label.name)
    } else {
        return Ok(());
    };
    let error = ErrorBody::new(ErrorCode::Refused, sentence)
        .with_hint("Do it on the machine where entrad runs, in a terminal that no agent started.");
    rooms.broker.note_no_unlock(caller, &error);
    Err(error)
}

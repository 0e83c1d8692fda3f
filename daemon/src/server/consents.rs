//! `/v1/consents`: what a rule wants a person's word for, their answer, and what they said before.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use entra_proto::consent::ConsentRequest;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::ANSWER_TIMEOUT;

use super::Rooms;
use super::reply::answer;
use super::routes::{read, to_the_end, within};
use crate::access::caller::Caller;

pub(super) async fn list(State(rooms): State<Rooms>, Extension(caller): Extension<Caller>) -> Response<Body> {
    let work = async {
        if caller.is_from_elsewhere() {
            let sentence = "What is asked of a person here is not told to another machine or container.";
            return Err(ErrorBody::new(ErrorCode::Refused, sentence));
        }
        rooms.consents.list().await
    };
    answer(within(ANSWER_TIMEOUT, work).await)
}

pub(super) async fn say(
    State(rooms): State<Rooms>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Response<Body> {
    let work = async {
        let request: ConsentRequest = read(request).await?;
        rooms.broker.must_be_open()?;
        let said = to_the_end(async move {
            let agents = rooms.gatekeeper.agents();
            rooms.consents.answer(&id, request.answer, &caller, &rooms.leases, agents).await
        });
        said.await
    };
    answer(within(ANSWER_TIMEOUT, work).await)
}

pub(super) async fn revoke(
    State(rooms): State<Rooms>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Response<Body> {
    let revoked = to_the_end(async move {
        rooms.consents.revoke(&id, &caller, &rooms.leases, rooms.gatekeeper.agents()).await
    });
    answer(within(ANSWER_TIMEOUT, revoked).await)
}

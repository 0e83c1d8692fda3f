//! `GET /v1/doctor`.

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::Response;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::{DOCTOR_TIMEOUT, MAX_NAME};
use serde::Deserialize;

use super::Rooms;
use super::reply::{answer, failure};
use super::routes::within;
use crate::access::caller::Caller;
use crate::broker::Asker;
use crate::doctor::Question;

/// What may be asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    foundry: Option<String>,
    model: Option<String>,
}

pub(super) async fn examine(
    State(rooms): State<Rooms>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Response<Body> {
    let refused = |sentence: &str| failure(&ErrorBody::new(ErrorCode::BadRequest, sentence));
    let Ok(Query(Asked { foundry, model })) = query else {
        return refused("The query may hold `foundry` and `model` alone.");
    };
    let is_long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > MAX_NAME);
    if is_long(&foundry) || is_long(&model) {
        return refused("The query's `foundry` or `model` is too long.");
    }
    let question =
        Question { foundry, model, loopback: rooms.loopback.status(), asker: Asker::Caller(caller) };
    answer(within(DOCTOR_TIMEOUT, async { Ok(rooms.doctor.examine(&question).await) }).await)
}

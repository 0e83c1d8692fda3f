//! `/v1/prompts`: what a person is asked, as it happens, and putting it off.

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::Response;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::ANSWER_TIMEOUT;
use futures_util::stream;
use serde::Deserialize;

use super::Rooms;
use super::reply::{answer, failure, lines};
use super::routes::{line, read, within};
use crate::access::caller::Caller;

pub(super) async fn list(State(rooms): State<Rooms>) -> Response<Body> {
    answer(Ok(rooms.prompts.list()))
}

pub(super) async fn snooze(State(rooms): State<Rooms>, request: Request) -> Response<Body> {
    let work = async { rooms.prompts.snooze(read(request).await?).await };
    answer(within(ANSWER_TIMEOUT, work).await)
}

/// What else is to be told than prompts.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Besides {
    #[serde(default)]
    consents: bool,
}

/// The stream starts with what stands, and ends with its reader or the daemon. Questions of rules are among it for who asks for
/// them and may answer them; nobody else is told.
pub(super) async fn events(
    State(rooms): State<Rooms>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<Besides>, QueryRejection>,
) -> Response<Body> {
    let Ok(Query(besides)) = query else {
        let sentence = "The query may hold `consents` alone, which is `true` or `false`.";
        return failure(&ErrorBody::new(ErrorCode::BadRequest, sentence));
    };
    let questions = match besides.consents {
        true => rooms.consents.follow(&caller, &rooms.leases, rooms.gatekeeper.agents()).await.ok(),
        false => None,
    };
    let followed = (rooms.prompts.follow(), questions);
    lines(Body::from_stream(stream::unfold(followed, async |(mut prompts, mut questions)| {
        let event = match &mut questions {
            None => prompts.next_event().await?,
            Some(asked) => tokio::select! {
                event = prompts.next_event() => event?,
                event = asked.next_event() => event?,
            },
        };
        Some((line(&event), (prompts, questions)))
    })))
}

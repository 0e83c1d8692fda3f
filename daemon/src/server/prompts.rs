//! `/v1/prompts`: what a person is asked, as it happens, and putting it off.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use entra_proto::limits::ANSWER_TIMEOUT;
use futures_util::stream;

use super::Rooms;
use super::reply::{answer, lines};
use super::routes::{line, read, within};

pub(super) async fn list(State(rooms): State<Rooms>) -> Response<Body> {
    answer(Ok(rooms.prompts.list()))
}

pub(super) async fn snooze(State(rooms): State<Rooms>, request: Request) -> Response<Body> {
    let work = async { rooms.prompts.snooze(read(request).await?).await };
    answer(within(ANSWER_TIMEOUT, work).await)
}

/// The stream starts with what stands, and ends with its reader or the daemon.
pub(super) async fn events(State(rooms): State<Rooms>) -> Response<Body> {
    lines(Body::from_stream(stream::unfold(rooms.prompts.follow(), async |mut following| {
        let event = following.next_event().await?;
        Some((line(&event), following))
    })))
}

//! `GET /v1/config`.

use axum::body::Body;
use axum::extract::State;
use axum::http::Response;

use super::Rooms;
use super::reply::answer;

pub(super) async fn told(State(rooms): State<Rooms>) -> Response<Body> {
    answer(Ok(&*rooms.told.answer()))
}

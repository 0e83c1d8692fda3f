//! `GET /v1/caller`.

use axum::Extension;
use axum::body::Body;
use axum::http::Response;

use super::reply::answer;
use crate::access::caller::Caller;

/// It takes no longer than a look at a caller may.
pub(super) async fn told(Extension(caller): Extension<Caller>) -> Response<Body> {
    answer(Ok(caller.told().await))
}

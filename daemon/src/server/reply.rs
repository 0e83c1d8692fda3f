//! Answers, and the one place where an error becomes a status.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::version;
use serde::Serialize;

/// A good answer, or the error in its stead.
pub(super) fn answer<T: Serialize>(result: Result<T, ErrorBody>) -> Response<Body> {
    match result {
        Ok(value) => json(StatusCode::OK, &value),
        Err(error) => failure(&error),
    }
}

/// An error under its status.
pub(super) fn failure(error: &ErrorBody) -> Response<Body> {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, error);
    if let Some(seconds) = error.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A stream of JSON lines.
pub(super) fn lines(body: Body) -> Response<Body> {
    with_type(StatusCode::OK, "application/x-ndjson", body)
}

/// What every answer carries, those of hyper's own included where they pass here.
pub(super) fn sign(response: &mut Response<Body>) {
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static(version::HEADER), HeaderValue::from_static(version::VERSION));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response<Body> {
    let mut body = Vec::with_capacity(ROOM);
    match serde_json::to_writer(&mut body, value) {
        Ok(()) => with_type(status, "application/json", Body::from(body)),
        Err(_) => failure(&ErrorBody::new(ErrorCode::Internal, "The answer cannot be written as JSON.")),
    }
}

pub(super) fn with_type(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Enough for a usual token's answer, so that it is written without moving.
const ROOM: usize = 4 * 1024;

//! Answers as SDKs read them.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use entra_proto::error::{ErrorBody, ErrorCode};
use serde::Serialize;

/// JSON under this status.
pub(super) fn json<T: Serialize>(status: u16, value: &T) -> Response<Body> {
    // Nothing that is answered here can fail to be written: it is text and numbers.
    let mut response = Response::new(Body::from(serde_json::to_vec(value).unwrap_or_default()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A refusal that each SDK takes for one, and whose sentence reaches the person.
pub(super) fn refused(error: &ErrorBody) -> Response<Body> {
    let sentence = sentence(error);
    let body = Refused {
        status_code: 403,
        message: &sentence,
        error: kind(&error.code),
        error_description: &sentence,
        correlation_id: error.correlation_id.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
    };
    json(403, &body)
}

/// What happened and what to do, in one line.
pub(super) fn sentence(error: &ErrorBody) -> String {
    let hint = error.hint.as_deref().unwrap_or_default();
    let text = format!("entrad: {} {hint}", error.message);
    // A word by which some SDKs tell that there is no network, and no identity endpoint.
    text.trim_end().replace("unreachable", "out of reach")
}

fn kind(code: &ErrorCode) -> &'static str {
    match code {
        ErrorCode::SignInNeeded | ErrorCode::SignInExpired | ErrorCode::SignInCancelled => {
            "interaction_required"
        }
        ErrorCode::Refused | ErrorCode::AskAdmin => "access_denied",
        ErrorCode::BadRequest | ErrorCode::NotFound | ErrorCode::MethodNotAllowed => "invalid_request",
        _ => "temporarily_unavailable",
    }
}

#[derive(Serialize)]
struct Refused<'a> {
    #[serde(rename = "statusCode")]
    status_code: u16,
    message: &'a str,
    error: &'static str,
    error_description: &'a str,
    #[serde(rename = "correlationId")]
    correlation_id: String,
}

//! The external sign-in of the Azure Developer CLI, version 2023-07-12-preview (azure-dev, `auth/remote_credential.go`).
//!
//! It reads nothing from an answer whose status is not 200, so a refusal is 200 too and says so in its body.

use std::time::{Duration, SystemTime};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use axum::http::header::AUTHORIZATION;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::{BODY_TIMEOUT, MAX_REQUEST_BODY};
use entra_proto::scope::Scopes;
use entra_proto::secret::LeaseSecret;
use entra_proto::token::TokenAnswer;
use serde::{Deserialize, Serialize};

use super::door::Door;
use super::reply;
use crate::access::lease::Presented;
use crate::config::Dialect;
use crate::metrics::METRICS;

/// `POST /azd/token` with the secret as bearer token.
pub(super) async fn token(State(door): State<Door>, request: Request) -> Response<Body> {
    METRICS.dialect_asked(Dialect::Azd);
    let counted = METRICS.asked();
    let answered = asked(&door, request).await;
    counted.answered(&answered, false);
    match answered {
        Ok(token) => reply::json(200, &Answer::success(&token)),
        Err(error) => reply::json(200, &Answer::error(&error)),
    }
}

#[derive(Deserialize)]
struct Asked {
    scopes: Vec<String>,
    #[serde(default, rename = "tenantId")]
    tenant: Option<String>,
}

async fn asked(door: &Door, request: Request) -> Result<TokenAnswer, ErrorBody> {
    let bearer =
        request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let secret = bearer.as_deref().and_then(|bearer| bearer.strip_prefix("Bearer "));
    let secret = secret.map(|secret| LeaseSecret::new(secret.to_owned()));
    let visit = door.admit(Dialect::Azd, secret, Presented::Apart).await?;
    let (scopes, tenant) = asked_for(request).await.map_err(|error| visit.refuse(error))?;
    visit.token(&scopes, tenant).await
}

async fn asked_for(request: Request) -> Result<(Scopes, Option<String>), ErrorBody> {
    let late = |_| ErrorBody::new(ErrorCode::TimedOut, "The request's body did not arrive in time.");
    let bytes = tokio::time::timeout(BODY_TIMEOUT, to_bytes(request.into_body(), MAX_REQUEST_BODY)).await;
    let bytes =
        bytes.map_err(late)?.map_err(|error| bad(&format!("The request cannot be read: {error}.")))?;
    let asked: Asked = serde_json::from_slice(&bytes)
        .map_err(|error| bad(&format!("The request does not parse: {error}.")))?;
    let scopes = Scopes::new(asked.scopes).map_err(|error| bad(&error.to_string()))?;
    Ok((scopes, asked.tenant.filter(|tenant| !tenant.is_empty())))
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Answer<'a> {
    Success {
        token: &'a str,
        #[serde(rename = "expiresOn")]
        expires_on: String,
    },
    Error {
        code: &'static str,
        message: String,
    },
}

impl<'a> Answer<'a> {
    fn success(token: &'a TokenAnswer) -> Self {
        let expires_on = SystemTime::UNIX_EPOCH + Duration::from_secs(token.expires_on);
        // With a `Z` and without a fraction, as its readers want it.
        let expires_on = humantime::format_rfc3339_seconds(expires_on).to_string();
        Self::Success { token: token.access_token.expose(), expires_on }
    }

    fn error(error: &ErrorBody) -> Self {
        let is_signed_out = error.code == ErrorCode::SignInNeeded;
        let code = if is_signed_out { "NotSignedInError" } else { "GetTokenError" };
        Self::Error { code, message: reply::sentence(error) }
    }
}

fn bad(sentence: &str) -> ErrorBody {
    ErrorBody::new(ErrorCode::BadRequest, sentence)
}

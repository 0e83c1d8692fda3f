//! The managed-identity endpoint of App Service, version 2019-08-01 (Microsoft: "How to use managed identities for App
//! Service", REST endpoint reference), as each of Microsoft's SDKs reads it.
//!
//! The answer is the one form that all of them take: every value a string, `expires_in` before `expires_on`. A refusal is
//! always 403 with a JSON object: 404, 408, 429 and 5xx are retried for seconds to minutes, and other texts end a chain of
//! credentials. What the request says of identities is passed over: the lease says whose token it is.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Response};
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::scope::Scopes;
use entra_proto::secret::LeaseSecret;
use entra_proto::token::TokenAnswer;
use serde::Serialize;

use super::door::Door;
use super::reply;
use crate::access::lease::Presented;
use crate::config::Dialect;
use crate::metrics::METRICS;

/// `GET /msi/token?resource=…` with the secret in `X-IDENTITY-HEADER`.
pub(super) async fn token(
    State(door): State<Door>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let presented = headers.get("x-identity-header").or_else(|| headers.get("secret"));
    let secret =
        presented.and_then(|value| value.to_str().ok()).map(|text| LeaseSecret::new(text.to_owned()));
    answer(&door, secret, Presented::Apart, query.as_deref().unwrap_or_default()).await
}

/// The same with the secret in the path, for clients that send no header. Only leases that were made for it are taken.
pub(super) async fn token_by_path(
    State(door): State<Door>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    // What is no text is no secret, and is refused as a wrong one is.
    let secret = path.ok().map(|Path(secret)| LeaseSecret::new(secret));
    answer(&door, secret, Presented::InPath, query.as_deref().unwrap_or_default()).await
}

async fn answer(
    door: &Door,
    secret: Option<LeaseSecret>,
    presented: Presented,
    query: &str,
) -> Response<Body> {
    METRICS.dialect_asked(Dialect::ManagedIdentity);
    let counted = METRICS.asked();
    let asked = async {
        let visit = door.admit(Dialect::ManagedIdentity, secret, presented).await?;
        let (resource, scopes) = asked_for(query).map_err(|error| visit.refuse(error))?;
        Ok((visit.token(&scopes, None).await?, resource))
    };
    let (answered, resource) = match asked.await {
        Ok((token, resource)) => (Ok(token), resource),
        Err(error) => (Err(error), String::new()),
    };
    counted.answered(&answered, false);
    match answered {
        Ok(token) => reply::json(200, &Good::new(&token, &resource)),
        Err(error) => reply::refused(&error),
    }
}

fn asked_for(query: &str) -> Result<(String, Scopes), ErrorBody> {
    let resource = resource_in(query)?;
    let scopes = Scopes::of_resource(&resource)
        .map_err(|error| ErrorBody::new(ErrorCode::BadRequest, error.to_string()))?;
    Ok((resource, scopes))
}

/// The resource of a query, encoded or not: Python's SDK does not encode it.
fn resource_in(query: &str) -> Result<String, ErrorBody> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let resource = pairs.filter(|(name, _)| name == "resource").map(|(_, value)| value.into_owned()).last();
    resource
        .filter(|resource| !resource.is_empty())
        .ok_or_else(|| ErrorBody::new(ErrorCode::BadRequest, "The request names no `resource`."))
}

/// In the order and the forms that the strictest readers want.
#[derive(Serialize)]
struct Good<'a> {
    access_token: &'a str,
    expires_in: String,
    expires_on: String,
    resource: &'a str,
    token_type: &'a str,
    client_id: &'a str,
}

impl<'a> Good<'a> {
    fn new(token: &'a TokenAnswer, resource: &'a str) -> Self {
        let left = token.expires_on.saturating_sub(now());
        Self {
            access_token: token.access_token.expose(),
            expires_in: left.to_string(),
            expires_on: token.expires_on.to_string(),
            resource,
            token_type: "Bearer",
            client_id: token.account.as_str(),
        }
    }
}

/// The wall clock's: what the reader compares with is its own.
fn now() -> u64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs())
}

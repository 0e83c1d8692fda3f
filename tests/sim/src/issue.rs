//! Issuing tokens.
//!
//! A refresh token comes only with `offline_access`, an id_token only with `openid`, `client_info` only when asked:
//! the conditions that Entra makes and that a client must meet.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::clock::unix;
use crate::directory::{Realm, Seat, User};
use crate::errors::EntraError;
use crate::jwt::{SECRET_MARK, base64url, marked, noise, seemingly_signed, unique, unsigned};
use crate::options::AccessTokenShape;
use crate::routes::bearer;
use crate::scope::{GRAPH, Scopes};
use crate::state::{GraphToken, RefreshToken, Standing, State};

/// What to issue, and to whom.
#[derive(Debug)]
pub(crate) struct Issue<'a> {
    pub(crate) origin: &'a str,
    pub(crate) username: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) realm: &'a Realm,
    pub(crate) scopes: &'a Scopes,
    /// Whether the client declared that it handles claims challenges (`xms_cc` with `cp1`).
    pub(crate) cae: bool,
    pub(crate) client_info: bool,
    pub(crate) nonce: Option<&'a str>,
    /// The sign-in that a new refresh token stems from; none begins one.
    pub(crate) root: Option<Root>,
}

/// The sign-in that a family of refresh tokens stems from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Root {
    pub(crate) family: u64,
    pub(crate) signed_in_at: SystemTime,
}

/// The answer of the token endpoint.
///
/// # Errors
/// 50020 when the person has no seat in the tenant.
pub(crate) fn issue(state: &mut State, issue: &Issue<'_>) -> Result<Value, EntraError> {
    let user = state
        .directory
        .user(issue.username)
        .ok_or_else(|| EntraError::user_not_in_tenant(issue.username))?
        .clone();
    let seat = issue.realm.seat(&user)?.clone();
    state.issued += 1;

    let life = access_token_life(state, issue.cae);
    let mut answer = Map::new();
    answer.insert("token_type".to_owned(), json!("Bearer"));
    answer.insert("scope".to_owned(), json!(issue.scopes.granted()));
    answer.insert("expires_in".to_owned(), json!(life.as_secs()));
    answer.insert("ext_expires_in".to_owned(), json!(life.as_secs()));
    if issue.cae {
        answer.insert("refresh_in".to_owned(), json!(life.as_secs() / 2));
    }
    let access_token = access_token(state, issue, &user, &seat, life);
    if issue.scopes.resource.eq_ignore_ascii_case(GRAPH) {
        let now = state.now();
        state.graph_tokens.retain(|_, token| token.expires_at > now);
        let token = GraphToken { username: user.username.clone(), expires_at: now + life };
        state.graph_tokens.insert(bearer(&access_token), token);
    }
    answer.insert("access_token".to_owned(), json!(access_token));
    if issue.scopes.has("offline_access") {
        answer.insert("refresh_token".to_owned(), json!(refresh_token(state, issue)));
    }
    if issue.scopes.has("openid") {
        answer.insert("id_token".to_owned(), json!(id_token(state, issue, &user, &seat)));
    }
    if issue.client_info {
        answer.insert("client_info".to_owned(), json!(client_info(&user)));
    }
    Ok(Value::Object(answer))
}

/// The account key of MSAL: base64url of home object id and home tenant.
pub(crate) fn client_info(user: &User) -> String {
    base64url(json!({"uid": user.home.oid, "utid": user.home.tenant}).to_string())
}

/// Issues a refresh token alone.
pub(crate) fn refresh_token(state: &mut State, issue: &Issue<'_>) -> String {
    let length = state.rules.refresh_token_bytes.clamp(64, 1 << 20);
    let text = marked("1.A", &unique(), length);
    let now = state.now();
    let begun = || Root { family: state.refresh_tokens.new_family(), signed_in_at: now };
    let Root { family, signed_in_at } = issue.root.unwrap_or_else(begun);
    let token = RefreshToken {
        family,
        username: issue.username.to_owned(),
        client_id: issue.client_id.to_owned(),
        scopes: issue.scopes.clone(),
        signed_in_at,
        issued_at: now,
        expires_at: now + state.rules.refresh_token_life,
        standing: Standing::Live,
    };
    state.refresh_tokens.insert(&text, token);
    text
}

/// Entra takes a random life between 60 and 90 minutes; here the number of the token decides, so that a run can be
/// repeated.
fn access_token_life(state: &State, cae: bool) -> Duration {
    match state.rules.access_token_life {
        Some(life) => life,
        None if cae => Duration::from_secs(24 * 60 * 60),
        None => Duration::from_secs(3_600 + state.issued * 397 % 1_800),
    }
}

fn access_token(state: &State, issue: &Issue<'_>, user: &User, seat: &Seat, life: Duration) -> String {
    if state.rules.access_token_shape == AccessTokenShape::Opaque {
        return format!("EwB{SECRET_MARK}{}", base64url(noise(&unique(), 900)));
    }
    let now = unix(state.now());
    let mut claims = json!({
        "aud": issue.scopes.resource,
        "iss": format!("{}/{}/v2.0", issue.origin, seat.tenant),
        "iat": now,
        "nbf": now,
        "exp": now + life.as_secs(),
        "appid": issue.client_id,
        "azp": issue.client_id,
        "name": user.name,
        "oid": seat.oid,
        "preferred_username": user.username,
        "scp": issue.scopes.permissions(),
        "sub": subject(issue.client_id, seat),
        "tid": seat.tenant,
        "uti": base64url(&unique()[..16]),
        "ver": "2.0",
    });
    if issue.cae {
        claims["xms_cc"] = json!(["cp1"]);
    }
    seemingly_signed(&claims)
}

fn id_token(state: &State, issue: &Issue<'_>, user: &User, seat: &Seat) -> String {
    let now = unix(state.now());
    let mut claims = json!({
        "aud": issue.client_id,
        "iss": format!("{}/{}/v2.0", issue.origin, seat.tenant),
        "iat": now,
        "nbf": now,
        "exp": now + ID_TOKEN_LIFE,
        "sub": subject(issue.client_id, seat),
        "tid": seat.tenant,
        "ver": "2.0",
    });
    if issue.scopes.has("profile") {
        claims["name"] = json!(user.name);
        claims["oid"] = json!(seat.oid);
        claims["preferred_username"] = json!(user.username);
    }
    if issue.scopes.has("email") {
        claims["email"] = json!(user.username);
    }
    if let Some(nonce) = issue.nonce {
        claims["nonce"] = json!(nonce);
    }
    unsigned(&claims)
}

/// The subject is pairwise: another for each client.
fn subject(client_id: &str, seat: &Seat) -> String {
    base64url(Sha256::digest(format!("{client_id} {} {}", seat.tenant, seat.oid)))
}

/// Seconds; Entra's id_tokens live for an hour.
const ID_TOKEN_LIFE: u64 = 3_600;

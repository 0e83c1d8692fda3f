//! The token endpoint: one function a grant.

use std::time::SystemTime;

use serde_json::Value;

use super::devicecode::DEVICE_CODE_PREFIX;
use super::{declares_cp1, registered_client};
use crate::directory::Realm;
use crate::errors::EntraError;
use crate::form::Form;
use crate::issue::{Issue, Root, issue};
use crate::jwt::challenge;
use crate::leg::Leg;
use crate::options::Rules;
use crate::request::Request;
use crate::scope::Scopes;
use crate::state::{DeviceCode, RefreshToken, Standing, State, Verdict};

/// Serves a token request.
pub(super) fn answer(state: &mut State, request: &Request) -> Result<Value, EntraError> {
    let form = request.posted()?;
    let realm = state.directory.realm(request.tenant())?;
    let grant = form.one("grant_type").ok_or_else(|| EntraError::missing("grant_type"))?;
    let client_id = registered_client(state, form)?;
    if form.one("resource").is_some() {
        return Err(EntraError::resource_parameter());
    }
    let ask = Ask { origin: &request.origin, form, realm, client_id, cae: declares_cp1(form)? };
    if grant == "client_credentials" {
        return Err(EntraError::secret_required());
    }
    if form.one("client_secret").is_some() || form.one("client_assertion").is_some() {
        return Err(EntraError::secret_from_public_client());
    }
    match request.leg {
        Leg::Poll => poll(state, &ask),
        Leg::Refresh => refresh(state, &ask),
        Leg::Code => redeem(state, &ask),
        _ => Err(EntraError::unsupported_grant(grant)),
    }
}

/// What is the same in every grant.
struct Ask<'a> {
    origin: &'a str,
    form: &'a Form,
    realm: Realm,
    client_id: String,
    cae: bool,
}

impl Ask<'_> {
    fn required(&self, name: &str) -> Result<&str, EntraError> {
        self.form.one(name).ok_or_else(|| EntraError::missing(name))
    }

    fn issue<'b>(&'b self, username: &'b str, scopes: &'b Scopes, cae: bool) -> Issue<'b> {
        Issue {
            origin: self.origin,
            username,
            client_id: &self.client_id,
            realm: &self.realm,
            scopes,
            cae: cae || self.cae,
            client_info: self.form.one("client_info") == Some("1"),
            nonce: None,
            root: None,
        }
    }
}

/// The device code grant. A refusal carries the correlation id of the request that asked for the code.
fn poll(state: &mut State, ask: &Ask<'_>) -> Result<Value, EntraError> {
    let device_code = ask.required("device_code")?;
    if !device_code.starts_with(DEVICE_CODE_PREFIX) {
        return Err(EntraError::device_code_malformed());
    }
    let (now, rules) = (state.now(), state.rules.clone());
    let code = state
        .device_codes
        .iter_mut()
        .find(|code| code.device_code == device_code && code.client_id.eq_ignore_ascii_case(&ask.client_id))
        // The tenant must be the one that the code was asked of.
        .filter(|code| code.realm == ask.realm)
        .ok_or_else(EntraError::device_code_unknown)?;

    let correlation = code.correlation.clone();
    let refused = |error: EntraError| error.correlated(&correlation);
    let too_early =
        code.polled_at.is_some_and(|at| now.duration_since(at).unwrap_or_default() < rules.interval);
    code.polled_at = Some(now);
    let username = match verdict(code, now) {
        _ if rules.enforce_interval && too_early => return Err(refused(EntraError::slow_down())),
        Err(error) => return Err(refused(error)),
        Ok(username) => username,
    };
    if !rules.allow_public_client {
        return Err(refused(EntraError::secret_required()));
    }
    code.verdict = Verdict::Redeemed { username: username.clone() };
    let (scopes, cae) = (code.scopes.clone(), code.cae);
    issue(state, &ask.issue(&username, &scopes, cae)).map_err(refused)
}

/// Who approved the code.
fn verdict(code: &DeviceCode, now: SystemTime) -> Result<String, EntraError> {
    match &code.verdict {
        Verdict::Redeemed { .. } => Err(EntraError::device_code_used()),
        _ if now >= code.expires_at => Err(EntraError::device_code_expired()),
        Verdict::Pending => Err(EntraError::authorization_pending()),
        Verdict::Declined => Err(EntraError::authorization_declined()),
        Verdict::Approved { username } => Ok(username.clone()),
    }
}

/// The refresh grant, for any resource and any tenant where the person has a seat.
fn refresh(state: &mut State, ask: &Ask<'_>) -> Result<Value, EntraError> {
    let text = ask.required("refresh_token")?;
    let now = state.now();
    let strict = state.rules.strict_rotation;
    let token = state.refresh_tokens.find(text).ok_or_else(EntraError::refresh_token_unknown)?.clone();
    if !token.client_id.eq_ignore_ascii_case(&ask.client_id) {
        return Err(EntraError::refresh_token_unknown());
    }
    if token.standing == Standing::Superseded && strict {
        state.refresh_tokens.revoke(|other| other.family == token.family);
        return Err(EntraError::refresh_token_unknown());
    }
    if token.standing == Standing::Revoked {
        return Err(EntraError::refresh_token_revoked());
    }
    if now >= token.expires_at {
        let inactivity = token.expires_at.duration_since(token.issued_at).unwrap_or_default();
        return Err(EntraError::refresh_token_expired(token.issued_at, inactivity));
    }
    // Without a scope the token is for what the person signed in for.
    let scopes = ask.form.one("scope").map_or(Ok(token.scopes.clone()), Scopes::parse)?;
    if !state.rules.allow_public_client {
        return Err(EntraError::secret_required());
    }
    refuse_by_age(&state.rules, &token, &scopes, now)?;
    let root = Root { family: token.family, signed_in_at: token.signed_in_at };
    let issue_to = Issue { root: Some(root), ..ask.issue(&token.username, &scopes, false) };
    let answer = issue(state, &issue_to)?;
    if scopes.has("offline_access")
        && let Some(token) = state.refresh_tokens.find(text)
    {
        token.standing = Standing::Superseded;
    }
    Ok(answer)
}

/// What an organisation's policies say of the age of a sign-in.
fn refuse_by_age(
    rules: &Rules,
    token: &RefreshToken,
    scopes: &Scopes,
    now: SystemTime,
) -> Result<(), EntraError> {
    let age = now.duration_since(token.signed_in_at).unwrap_or_default();
    if let Some(frequency) = rules.sign_in_frequency.filter(|frequency| age >= *frequency) {
        return Err(EntraError::sign_in_too_old(token.signed_in_at, frequency));
    }
    if rules.mfa_life.is_some_and(|life| age >= life) {
        return Err(EntraError::second_factor_too_old(&scopes.resource));
    }
    Ok(())
}

/// The authorization code grant with PKCE (RFC 7636).
fn redeem(state: &mut State, ask: &Ask<'_>) -> Result<Value, EntraError> {
    let text = ask.required("code")?;
    let redirect_uri = ask.required("redirect_uri")?;
    let now = state.now();
    let code = state
        .authorization_codes
        .iter_mut()
        .find(|code| code.code == text && code.client_id.eq_ignore_ascii_case(&ask.client_id))
        .ok_or_else(EntraError::code_unknown)?;
    if code.redeemed {
        return Err(EntraError::code_redeemed());
    }
    if now >= code.expires_at {
        return Err(EntraError::code_expired());
    }
    if code.redirect_uri != redirect_uri {
        return Err(EntraError::redirect_differs());
    }
    if let Some(expected) = &code.challenge {
        let verifier = ask.form.one("code_verifier").filter(|verifier| (43..=128).contains(&verifier.len()));
        let verifier = verifier.ok_or_else(EntraError::verifier_missing)?;
        if challenge(verifier) != *expected {
            return Err(EntraError::verifier_differs());
        }
    }
    code.redeemed = true;
    let code = code.clone();
    let scopes = ask.form.one("scope").map_or(Ok(code.scopes), Scopes::parse)?;
    let issue_to = Issue {
        realm: &code.realm,
        nonce: code.nonce.as_deref(),
        ..ask.issue(&code.username, &scopes, code.cae)
    };
    issue(state, &issue_to)
}

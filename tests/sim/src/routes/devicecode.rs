//! Device authorization
//! (RFC 8628, section 3.1; <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code>).

use serde_json::{Value, json};

use crate::errors::EntraError;
use crate::jwt::{SECRET_MARK, base64url, noise, unique};
use crate::request::Request;
use crate::scope::Scopes;
use crate::state::{DeviceCode, State, Verdict};

/// Gives out a device code. Scopes are checked here and not again by the poll.
pub(super) fn answer(state: &mut State, request: &Request) -> Result<Value, EntraError> {
    let form = request.posted()?;
    let realm = state.directory.realm(request.tenant())?;
    let client_id = super::registered_client(state, form)?;
    if form.one("resource").is_some() {
        return Err(EntraError::resource_parameter());
    }
    let text = form.one("scope").ok_or_else(|| EntraError::missing("scope"))?;
    let scopes = Scopes::parse(text).map_err(|error| match error.code {
        // On this leg two resources are an invalid scope.
        28_000 => EntraError::invalid_scope(text),
        _ => error,
    })?;
    let cae = super::declares_cp1(form)?;

    let rules = &state.rules;
    let verification_uri = rules
        .verification_uri
        .clone()
        .unwrap_or_else(|| format!("{}/common/oauth2/deviceauth", request.origin));
    let (life, interval) = (rules.device_code_life, rules.interval);
    let user_code = user_code();
    let device_code = format!("{DEVICE_CODE_PREFIX}{SECRET_MARK}{}", base64url(noise(&unique(), 150)));
    let body = json!({
        "user_code": user_code,
        "device_code": device_code,
        "verification_uri": verification_uri,
        "expires_in": life.as_secs(),
        "interval": interval.as_secs(),
        "message": format!(
            "To sign in, use a web browser to open the page {verification_uri} and enter the code {user_code} to authenticate."
        ),
    });
    state.device_codes.push(DeviceCode {
        device_code,
        user_code,
        client_id,
        realm,
        scopes,
        cae,
        correlation: request.correlation.clone(),
        expires_at: state.now() + life,
        polled_at: None,
        verdict: Verdict::Pending,
        seen: false,
    });
    Ok(body)
}

/// Nine letters and digits that a person cannot confuse.
fn user_code() -> String {
    let alphabet = b"BCDFGHJKLMNPQRSTVWXYZ23456789";
    unique()[..9].iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
}

/// How every device code begins.
pub(super) const DEVICE_CODE_PREFIX: &str = "BAQABAAEAAAD";

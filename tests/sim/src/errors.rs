//! The service's refusals, in Entra's words and numbers.
//!
//! One constructor a cause. Numbers and `error` values are those of Microsoft's table
//! (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>) or of recorded answers; a refusal
//! whose number Microsoft never published carries none.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::clock::{instant, timestamp};

/// A refusal of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntraError {
    pub(crate) status: u16,
    pub(crate) error: String,
    /// The AADSTS number; 0 when there is none.
    pub(crate) code: u32,
    pub(crate) text: String,
    pub(crate) suberror: Option<String>,
    pub(crate) claims: Option<String>,
    /// The correlation id of an earlier request, where that one counts and not the refused one's.
    pub(crate) correlation: Option<Box<str>>,
}

impl EntraError {
    /// A refusal with status 400.
    pub(crate) fn new(error: &str, code: u32, text: impl Into<String>) -> Self {
        Self {
            status: 400,
            error: error.to_owned(),
            code,
            text: text.into(),
            suberror: None,
            claims: None,
            correlation: None,
        }
    }

    /// The JSON body of the refusal.
    pub(crate) fn body(&self, origin: &str, trace: &str, correlation: &str, now: SystemTime) -> Value {
        let at = timestamp(now);
        let mut body = json!({
            "error": self.error,
            "error_description": self.description(trace, correlation, now),
            "error_codes": [self.code],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("{origin}/error?code={}", self.code),
        });
        if self.code == 0 {
            body["error_codes"] = json!([]);
            body["error_uri"].take();
        }
        if let Some(suberror) = &self.suberror {
            body["suberror"] = json!(suberror);
        }
        if let Some(claims) = &self.claims {
            body["claims"] = json!(claims);
        }
        if let Value::Object(fields) = &mut body {
            fields.retain(|_, value| !value.is_null());
        }
        body
    }

    /// The human text with its three identifiers.
    pub(crate) fn description(&self, trace: &str, correlation: &str, now: SystemTime) -> String {
        let number = if self.code == 0 { String::new() } else { format!("AADSTS{}: ", self.code) };
        let at = timestamp(now);
        format!("{number}{} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}", self.text)
    }

    /// The same refusal in the name of an earlier request.
    pub(crate) fn correlated(self, correlation: &str) -> Self {
        Self { correlation: Some(correlation.into()), ..self }
    }

    fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    fn with_suberror(self, suberror: &str) -> Self {
        Self { suberror: Some(suberror.to_owned()), ..self }
    }
}

/// Refusals of any request.
impl EntraError {
    pub(crate) fn tenant_not_found(tenant: &str) -> Self {
        Self::new(
            "invalid_request",
            90_002,
            format!(
                "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
            ),
        )
    }

    pub(crate) fn unknown_client(client_id: &str) -> Self {
        Self::new(
            "unauthorized_client",
            700_016,
            format!("Application with identifier '{client_id}' was not found in the directory."),
        )
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(
            "invalid_request",
            900_144,
            format!("The request body must contain the following parameter: '{parameter}'."),
        )
    }

    pub(crate) fn duplicate(parameter: &str) -> Self {
        Self::new(
            "invalid_request",
            9_000_411,
            format!("The request is not properly formatted. The parameter '{parameter}' is duplicated."),
        )
    }

    pub(crate) fn malformed() -> Self {
        Self::new("invalid_request", 9_002_313, "Invalid request. Request is malformed or invalid.")
    }

    pub(crate) fn wrong_verb(method: &str) -> Self {
        Self::new(
            "invalid_request",
            900_561,
            format!("The endpoint only accepts POST, OPTIONS requests. Received a {method} request."),
        )
    }

    pub(crate) fn secret_from_public_client() -> Self {
        let text = "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.";
        Self::new("invalid_client", 700_025, text).with_status(401)
    }

    pub(crate) fn secret_required() -> Self {
        let text =
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        Self::new("invalid_client", 7_000_218, text).with_status(401)
    }

    pub(crate) fn unsupported_grant(grant: &str) -> Self {
        Self::new(
            "unsupported_grant_type",
            70_003,
            format!("The app returned an unsupported grant type '{grant}'."),
        )
    }

    pub(crate) fn user_not_in_tenant(username: &str) -> Self {
        Self::new(
            "invalid_grant",
            50_020,
            format!("User account '{username}' does not exist in this tenant."),
        )
    }
}

/// Refusals of a scope.
impl EntraError {
    pub(crate) fn invalid_scope(scope: &str) -> Self {
        Self::new(
            "invalid_scope",
            70_011,
            format!(
                "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
            ),
        )
    }

    pub(crate) fn many_resources(scope: &str) -> Self {
        Self::new(
            "invalid_request",
            28_000,
            format!(
                "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope {scope} is not valid."
            ),
        )
    }

    pub(crate) fn resource_parameter() -> Self {
        Self::new("invalid_request", 901_002, "The 'resource' request parameter is not supported.")
    }

    pub(crate) fn unknown_resource(resource: &str) -> Self {
        Self::new(
            "invalid_resource",
            500_011,
            format!("The resource principal named {resource} was not found in the tenant."),
        )
    }
}

/// Answers to a poll.
impl EntraError {
    pub(crate) fn authorization_pending() -> Self {
        let text = "OAuth 2.0 device flow error. Authorization is pending. Continue polling.";
        Self::new("authorization_pending", 70_016, text)
    }

    pub(crate) fn slow_down() -> Self {
        Self::new("slow_down", 0, "The client polls faster than the interval allows.")
    }

    pub(crate) fn authorization_declined() -> Self {
        Self::new("authorization_declined", 0, "The end user denied the authorization request.")
    }

    pub(crate) fn device_code_expired() -> Self {
        let text = "The provided value for the input parameter 'device_code' is not valid. This device code has expired.";
        Self::new("expired_token", 70_020, text)
    }

    pub(crate) fn device_code_malformed() -> Self {
        let text = "The provided value for the input parameter 'device_code' is not valid.";
        Self::new("bad_verification_code", 70_018, text)
    }

    pub(crate) fn device_code_unknown() -> Self {
        let text = "The provided value for the input parameter 'device_code' is not valid.";
        Self::new("invalid_grant", 7_000_014, text)
    }

    pub(crate) fn device_code_used() -> Self {
        let text = "The provided value for the input parameter 'device_code' has already been used.";
        Self::new("invalid_grant", 70_000, text)
    }
}

/// Answers to a refresh.
impl EntraError {
    pub(crate) fn refresh_token_unknown() -> Self {
        let text = "The provided value for the input parameter 'refresh_token' is not valid.";
        Self::new("invalid_grant", 70_000, text).with_suberror("bad_token")
    }

    /// With the longest idleness as .NET writes a time span, as in recorded answers.
    pub(crate) fn refresh_token_expired(issued_at: SystemTime, inactivity: Duration) -> Self {
        let seconds = inactivity.as_secs();
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
        let text = format!(
            "The refresh token has expired due to inactivity. The token was issued on {} and was inactive for {days}.{hours:02}:{minutes:02}:{:02}.",
            instant(issued_at),
            seconds % 60
        );
        Self::new("invalid_grant", 700_082, text)
    }

    /// With the longest age in seconds, as in recorded answers.
    pub(crate) fn sign_in_too_old(signed_in_at: SystemTime, frequency: Duration) -> Self {
        let text = format!(
            "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The token was issued on {} and the maximum allowed lifetime for this request is {}.",
            instant(signed_in_at),
            frequency.as_secs()
        );
        Self::new("invalid_grant", 70_043, text).with_suberror("token_expired")
    }

    pub(crate) fn second_factor_too_old(resource: &str) -> Self {
        let text = format!(
            "Presented multi-factor authentication has expired due to policies configured by your administrator, you must refresh your multi-factor authentication to access '{resource}'."
        );
        Self::new("invalid_grant", 50_078, text).with_suberror("basic_action")
    }

    pub(crate) fn refresh_token_revoked() -> Self {
        Self::new(
            "invalid_grant",
            50_173,
            "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.",
        )
    }
}

/// Answers about an authorization code.
impl EntraError {
    pub(crate) fn redirect_not_registered(redirect: &str) -> Self {
        Self::new(
            "invalid_request",
            50_011,
            format!(
                "The redirect URI '{redirect}' specified in the request does not match the redirect URIs configured for the application."
            ),
        )
    }

    pub(crate) fn redirect_differs() -> Self {
        let text =
            "The reply address does not match the reply address provided when requesting Authorization code.";
        Self::new("invalid_grant", 500_112, text)
    }

    pub(crate) fn response_type_unsupported() -> Self {
        let text = "The response type is not supported: only 'code' is.";
        Self::new("unsupported_response_type", 700_054, text)
    }

    pub(crate) fn challenge_malformed() -> Self {
        let text = "The size of the code_challenge parameter is not valid, or its method is not S256.";
        Self::new("invalid_request", 50_147, text)
    }

    pub(crate) fn code_unknown() -> Self {
        Self::new("invalid_grant", 70_000, "The provided value for the 'code' parameter is not valid.")
    }

    pub(crate) fn code_expired() -> Self {
        Self::new("invalid_grant", 70_008, "The provided authorization code has expired.")
    }

    pub(crate) fn code_redeemed() -> Self {
        Self::new("invalid_grant", 54_005, "OAuth2 Authorization code was already redeemed.")
    }

    pub(crate) fn verifier_missing() -> Self {
        Self::new("invalid_grant", 50_148, "The code_verifier is missing or its size is not valid.")
    }

    pub(crate) fn verifier_differs() -> Self {
        let text =
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
        Self::new("invalid_grant", 501_481, text)
    }

    pub(crate) fn consent_declined() -> Self {
        Self::new("access_denied", 65_004, "User declined to consent to access the app.")
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn the_body_is_entras() {
        let at = UNIX_EPOCH + Duration::from_secs(1_739_936_430);
        let body = EntraError::authorization_pending().body("https://sim", "trace-1", "correlation-1", at);
        let expected = json!({
            "error": "authorization_pending",
            "error_description": "AADSTS70016: OAuth 2.0 device flow error. Authorization is pending. Continue polling. Trace ID: trace-1 Correlation ID: correlation-1 Timestamp: 2025-02-19 03:40:30Z",
            "error_codes": [70016],
            "timestamp": "2025-02-19 03:40:30Z",
            "trace_id": "trace-1",
            "correlation_id": "correlation-1",
            "error_uri": "https://sim/error?code=70016",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn refusals_for_age_name_it_as_entra_does() {
        let at = UNIX_EPOCH + Duration::from_secs(1_739_936_430);
        let text = EntraError::sign_in_too_old(at, Duration::from_secs(28_800)).text;
        let end = "issued on 2025-02-19T03:40:30.0000000Z and the maximum allowed lifetime for this request is 28800.";
        assert!(text.ends_with(end), "{text}");
        let text = EntraError::refresh_token_expired(at, Duration::from_secs(90 * 86_400)).text;
        assert!(text.ends_with("Z and was inactive for 90.00:00:00."), "{text}");
    }

    #[test]
    fn a_refusal_without_number_claims_none() {
        let body = EntraError::slow_down().body("https://sim", "t", "c", UNIX_EPOCH);
        assert_eq!(body["error_codes"], json!([]));
        assert!(body.get("error_uri").is_none() && !body["error_description"].to_string().contains("AADSTS"));
    }
}

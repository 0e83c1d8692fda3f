//! Refusals sorted into outcomes.
//!
//! By `error`, then by `suberror`, then by whether there are `claims`. Numbers decide in two places only,
//! and fail soft in both: the short list of proven-dead refresh tokens, and the loop detector (Microsoft:
//! error codes can change and must not be depended on). Whatever is not understood costs no token, and what the
//! network says is held against nobody for longer than an outage: it may be another network by the next request.

use std::time::Duration;

use super::answer::{Refusal, Voice};
use crate::account::outcome::{Fault, Outcome, Reach};

/// What is to be done about a refused token request.
pub(super) fn sort(refusal: Refusal) -> Outcome {
    let Refusal { fault, retry_after, voice } = refusal;
    match (voice, fault.status) {
        (_, Some(429)) => later(fault, retry_after, Reach::Client),
        (Voice::Silence(_) | Voice::Other, _) | (_, Some(408 | 500..)) => {
            later(fault, retry_after, Reach::Outage)
        }
        (Voice::Entra, _) if fault.codes.contains(&LOOP_DETECTED) => {
            later(fault, Some(LOOP_PAUSE), Reach::Key)
        }
        (Voice::Entra, _) => by_error(fault, retry_after),
    }
}

fn by_error(fault: Fault, retry_after: Option<Duration>) -> Outcome {
    match fault.error.as_str() {
        "temporarily_unavailable" | "server_error" => later(fault, retry_after, Reach::Outage),
        "invalid_grant" | "interaction_required" => {
            let is_dead = fault.codes.iter().any(|code| DEAD_TOKEN.contains(code));
            if is_dead { Outcome::Dead(fault) } else { by_suberror(fault) }
        }
        "login_required" | "consent_required" => by_suberror(fault),
        // A step of a sign-in that is over: a new one is the way on.
        "access_denied" | "authorization_declined" | "code_expired" | "expired_token" => {
            Outcome::SignInNeeded(fault)
        }
        "invalid_client"
        | "invalid_instance"
        | "invalid_request"
        | "invalid_resource"
        | "invalid_scope"
        | "unauthorized_client"
        | "unsupported_grant_type" => Outcome::Misconfigured(fault),
        _ if fault.claims.is_some() => Outcome::SignInNeeded(fault),
        _ => Outcome::Misconfigured(fault),
    }
}

/// `invalid_grant` and its kin, as Microsoft's libraries classify them. An unknown one is `basic_action`.
fn by_suberror(fault: Fault) -> Outcome {
    match fault.suberror.as_deref() {
        Some("bad_token") => Outcome::Dead(fault),
        Some(
            "additional_action"
            | "device_authentication_failed"
            | "message_only"
            | "protection_policy_required",
        ) => Outcome::AskAdmin(fault),
        // Of families of client ids, which entrad does not use.
        Some("client_mismatch") => Outcome::Misconfigured(fault),
        _ => Outcome::SignInNeeded(fault),
    }
}

fn later(fault: Fault, after: Option<Duration>, reach: Reach) -> Outcome {
    Outcome::RetryAfter { fault, after, reach }
}

/// Numbers after which a refresh token never works again: unused or revoked too long ago (70008, 700082),
/// of a single-page app (700084), revoked by a password change (50173), forbidden for its device-code root
/// (530036), or its user deleted (500341).
const DEAD_TOKEN: [u32; 6] = [50173, 70008, 500_341, 530_036, 700_082, 700_084];

/// "The client made too many equal requests": 15 in 5 minutes (Microsoft: reference breaking changes).
const LOOP_DETECTED: u32 = 50196;

/// The window that Entra counts those requests in.
const LOOP_PAUSE: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::no_reply::{NoReply, TlsTrouble};
    use super::super::script::wanting_credentials;
    use super::*;

    fn refusal(error: &str, suberror: &str, codes: &[u32], status: u16) -> Refusal {
        let suberror = Some(suberror.to_owned()).filter(|suberror| !suberror.is_empty());
        let fault = Fault {
            error: error.to_owned(),
            suberror,
            codes: codes.to_vec(),
            status: Some(status),
            ..Fault::default()
        };
        Refusal { fault, retry_after: None, voice: Voice::Entra }
    }

    fn kind(outcome: &Outcome) -> &'static str {
        match outcome {
            Outcome::AskAdmin(_) => "admin",
            Outcome::Dead(_) => "dead",
            Outcome::Misconfigured(_) => "misconfigured",
            Outcome::Refreshed(_) => "refreshed",
            Outcome::RetryAfter { reach: Reach::Client, .. } => "pause client",
            Outcome::RetryAfter { reach: Reach::Key, .. } => "retry key",
            Outcome::RetryAfter { reach: Reach::Outage, .. } => "retry",
            Outcome::SignInNeeded(_) => "sign in",
        }
    }

    #[rstest]
    #[case("invalid_grant", "basic_action", &[50076], 400, "sign in")]
    #[case("interaction_required", "basic_action", &[50079], 400, "sign in")]
    #[case("invalid_grant", "", &[], 400, "sign in")]
    #[case("invalid_grant", "from_the_future", &[], 400, "sign in")]
    #[case("invalid_grant", "consent_required", &[65001], 400, "sign in")]
    #[case("invalid_grant", "user_password_expired", &[50055], 400, "sign in")]
    #[case("invalid_grant", "token_expired", &[70043], 400, "sign in")]
    #[case("interaction_required", "", &[50097], 401, "sign in")]
    #[case("login_required", "", &[], 400, "sign in")]
    #[case("consent_required", "", &[], 400, "sign in")]
    #[case("invalid_grant", "message_only", &[53003], 400, "admin")]
    #[case("interaction_required", "additional_action", &[53000], 400, "admin")]
    #[case("invalid_grant", "protection_policy_required", &[], 400, "admin")]
    #[case("invalid_grant", "device_authentication_failed", &[50155], 400, "admin")]
    #[case("invalid_grant", "bad_token", &[], 400, "dead")]
    #[case("invalid_grant", "", &[70008], 400, "dead")]
    #[case("invalid_grant", "", &[700_082], 400, "dead")]
    #[case("invalid_grant", "", &[700_084], 400, "dead")]
    #[case("interaction_required", "", &[1, 50173], 400, "dead")]
    #[case("invalid_grant", "message_only", &[530_036], 400, "dead")]
    #[case("invalid_grant", "", &[500_341], 400, "dead")]
    #[case("invalid_request", "", &[700_082], 400, "misconfigured")]
    #[case("invalid_grant", "", &[700_082], 503, "retry")]
    #[case("invalid_grant", "client_mismatch", &[], 400, "misconfigured")]
    #[case("invalid_client", "", &[7_000_218], 401, "misconfigured")]
    #[case("unauthorized_client", "", &[700_016], 400, "misconfigured")]
    #[case("invalid_scope", "", &[70011], 400, "misconfigured")]
    #[case("made_up", "", &[], 400, "misconfigured")]
    #[case("temporarily_unavailable", "", &[], 400, "retry")]
    #[case("server_error", "", &[], 200, "retry")]
    #[case("invalid_grant", "", &[], 408, "retry")]
    #[case("invalid_grant", "", &[50196], 400, "retry key")]
    #[case("invalid_grant", "", &[], 429, "pause client")]
    #[case("expired_token", "", &[70020], 400, "sign in")]
    fn errors_sort_by_error_then_suberror(
        #[case] error: &str,
        #[case] suberror: &str,
        #[case] codes: &[u32],
        #[case] status: u16,
        #[case] expected: &str,
    ) {
        assert_eq!(kind(&sort(refusal(error, suberror, codes, status))), expected);
    }

    #[test]
    fn an_unknown_error_with_claims_needs_a_person() {
        let mut refusal = refusal("made_up", "", &[], 400);
        refusal.fault.claims = Some("{}".to_owned());
        assert_eq!(kind(&sort(refusal)), "sign in");
    }

    #[rstest]
    #[case(Voice::Other, Some(200), "retry")]
    #[case(Voice::Other, Some(302), "retry")]
    #[case(Voice::Other, Some(403), "retry")]
    #[case(Voice::Other, Some(407), "retry")]
    #[case(Voice::Other, Some(429), "pause client")]
    #[case(Voice::Other, Some(503), "retry")]
    #[case(Voice::Silence(wanting_credentials()), None, "retry")]
    #[case(Voice::Silence(NoReply::Tls(TlsTrouble::UnknownIssuer)), None, "retry")]
    #[case(Voice::Silence(NoReply::Connect), None, "retry")]
    #[case(Voice::Silence(NoReply::TooLarge), None, "retry")]
    fn what_is_not_entra_costs_no_token(
        #[case] voice: Voice,
        #[case] status: Option<u16>,
        #[case] expected: &str,
    ) {
        let fault =
            Fault { error: "invalid_grant".to_owned(), codes: vec![70008], status, ..Fault::default() };
        assert_eq!(kind(&sort(Refusal { fault, retry_after: None, voice })), expected);
    }
}

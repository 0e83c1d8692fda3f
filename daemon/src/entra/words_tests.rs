//! Outcomes in words.

use std::time::Duration;

use rstest::rstest;

use super::*;
use crate::account::outcome::{Outcome, Reach};

fn failed(outcome: Outcome) -> Failure {
    outcome.into_result().unwrap_err()
}

const ABOUT: About<'_> = About {
    client_id: "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    cloud: Cloud::Public,
    origin: "https://login.microsoftonline.com",
    tenant: "contoso.com",
    resource: "https://vault.azure.net",
    profile: "default",
};

fn fault(codes: &[u32], description: &str) -> Fault {
    Fault {
        error: "invalid_grant".to_owned(),
        description: description.to_owned(),
        codes: codes.to_vec(),
        suberror: Some("basic_action".to_owned()),
        correlation_id: Some("c-1".to_owned()),
        trace_id: Some("t-1".to_owned()),
        ..Fault::default()
    }
}

#[test]
fn a_known_number_speaks_by_the_table() {
    let body = error_body(&failed(Outcome::SignInNeeded(fault(&[50076], "AADSTS50076: x."))), &ABOUT);
    assert_eq!(body.code, ErrorCode::SignInNeeded);
    assert_eq!(
        body.message,
        "A second factor is required by policy or for the place you are at (AADSTS50076)."
    );
    assert_eq!(
        body.hint.as_deref(),
        Some("Run `entra login` and pass the second factor that https://vault.azure.net wants.")
    );
    assert_eq!((body.aadsts, body.suberror.as_deref()), (Some(50076), Some("basic_action")));
    assert_eq!((body.correlation_id.as_deref(), body.trace_id.as_deref()), (Some("c-1"), Some("t-1")));
}

#[test]
fn commands_name_the_profile() {
    let about = About { profile: "work", ..ABOUT };
    for (code, command) in
        [(50076, "`entra login --profile work`"), (530_036, "`entra login --profile work`")]
    {
        let body = error_body(&failed(Outcome::Dead(fault(&[code], ""))), &about);
        assert!(body.hint.unwrap().contains(command), "{code}");
    }
    let body = error_body(&failed(Outcome::SignInNeeded(fault(&[], "Something new."))), &about);
    assert_eq!(body.hint.as_deref(), Some("Run `entra login --profile work`."));
}

#[test]
fn an_unknown_number_speaks_by_entras_first_sentence() {
    let description =
        "AADSTS123456: This is new. And this is more. Trace ID: t Correlation ID: c Timestamp: now";
    for codes in [&[123_456][..], &[]] {
        let body = error_body(&failed(Outcome::AskAdmin(fault(codes, description))), &ABOUT);
        assert_eq!(body.message, "This is new (AADSTS123456).");
        assert_eq!(body.aadsts, Some(123_456));
        assert!(body.hint.unwrap().contains("`entra "));
    }
    let body = error_body(&failed(Outcome::Misconfigured(fault(&[], ""))), &ABOUT);
    assert_eq!(body.message, "Entra answered with the error `invalid_grant`.");
    let body = error_body(&failed(Outcome::Misconfigured(fault(&[7], ""))), &ABOUT);
    assert_eq!(body.message, "Entra refused with AADSTS7.");
}

#[rstest]
#[case(Some(429), &[], ErrorCode::Throttled)]
#[case(Some(400), &[50196], ErrorCode::Throttled)]
#[case(Some(503), &[], ErrorCode::Unavailable)]
#[case(None, &[], ErrorCode::Unavailable)]
fn a_pause_is_a_throttle_or_an_outage(
    #[case] status: Option<u16>,
    #[case] codes: &[u32],
    #[case] code: ErrorCode,
) {
    let fault = Fault { status, ..fault(codes, "No connection to login.microsoftonline.com.") };
    let outcome = Outcome::RetryAfter { fault, after: Some(Duration::from_secs(120)), reach: Reach::Key };
    let body = error_body(&failed(outcome), &ABOUT);
    assert_eq!((body.code, body.retry_after), (code, Some(120)));
}

#[test]
fn a_proxy_that_wants_a_password_is_misconfigured_and_worth_another_try() {
    let fault = Fault { error: "proxy_authentication".to_owned(), ..Fault::default() };
    let after = Some(Duration::from_secs(5));
    let outcome = Outcome::RetryAfter { fault, after, reach: Reach::Key };
    let body = error_body(&failed(outcome), &ABOUT);
    assert_eq!((body.code, body.retry_after), (ErrorCode::Misconfigured, Some(5)));
}

#[test]
fn the_ends_of_a_sign_in_have_their_own_codes() {
    let fault = || fault(&[], "The code expired before the sign-in was finished.");
    for (end, code) in [
        (SignInEnd::Declined(fault()), ErrorCode::SignInCancelled),
        (SignInEnd::Expired(fault()), ErrorCode::SignInExpired),
        (SignInEnd::Failed(Outcome::AskAdmin(fault())), ErrorCode::AskAdmin),
    ] {
        let body = sign_in_error(end, &ABOUT).unwrap();
        assert_eq!(body.code, code);
        assert!(body.hint.unwrap().contains("`entra "));
    }
}

#[rstest]
#[case("tls", "TLS 1.2")]
#[case("tls_unknown_issuer", "ca_certificates")]
#[case("tls_expired", "clock")]
#[case("client_certificate_wanted", "client_key")]
#[case("redirected", "sign in to the network")]
#[case("proxy_authentication", "HTTPS_PROXY")]
#[case("http_client", "ca-certificates")]
#[case("no_refresh_token", "add the delegated permission offline_access")]
#[case("wrong_app", "`client_id`")]
#[case("wrong_tenant", "an account of the tenant contoso.com")]
#[case("network", "tries again by itself")]
fn our_own_faults_have_their_own_remedies(#[case] error: &str, #[case] words: &str) {
    let fault = Fault { error: error.to_owned(), ..Fault::default() };
    let outcome = Outcome::RetryAfter { fault, after: None, reach: Reach::Key };
    let hint = error_body(&failed(outcome), &ABOUT).hint.unwrap();
    assert!(hint.contains(words) && hint.contains("`entra "), "{hint}");
}

#[test]
fn every_explanation_makes_a_message_and_a_hint_with_a_command() {
    for row in entra_proto::aadsts::explanations() {
        let body = error_body(&failed(Outcome::Misconfigured(fault(&[row.code], ""))), &ABOUT);
        assert!(body.message.ends_with(&format!("(AADSTS{}).", row.code)));
        let hint = body.hint.unwrap();
        assert!(hint.contains("`entra ") && !hint.contains('{'), "{}: {hint}", row.code);
    }
}

/// An app registration of one's own, in a tenant named by its domain.
const OWN: About<'_> = About { client_id: "11111111-2222-3333-4444-555555555555", ..ABOUT };

#[rstest]
#[case(7_000_218, ErrorCode::Misconfigured, &[
    "the Microsoft Entra admin center (https://entra.microsoft.com)",
    "Entra ID > App registrations > All applications > 11111111-2222-3333-4444-555555555555 > Authentication",
    "set Allow public client flows (in Settings or Advanced settings) to Yes",
])]
#[case(65001, ErrorCode::SignInNeeded, &[
    "consent to 11111111-2222-3333-4444-555555555555 for https://vault.azure.net",
    "https://login.microsoftonline.com/contoso.com/adminconsent?client_id=11111111-2222-3333-4444-555555555555 ",
])]
#[case(90094, ErrorCode::AskAdmin, &["an administrator of contoso.com", "/contoso.com/adminconsent?client_id=11111111-"])]
#[case(90095, ErrorCode::AskAdmin, &["Admin consent requests", "/contoso.com/adminconsent?client_id=11111111-"])]
#[case(65005, ErrorCode::Misconfigured, &["API permissions", "https://vault.azure.net"])]
#[case(650_057, ErrorCode::Misconfigured, &["API permissions", "https://vault.azure.net"])]
#[case(700_016, ErrorCode::Misconfigured, &["`client_id` (11111111-2222-3333-4444-555555555555)", "`tenant` (contoso.com)"])]
#[case(90002, ErrorCode::Misconfigured, &["`tenant` (contoso.com)"])]
#[case(50020, ErrorCode::SignInNeeded, &["an account of contoso.com", "as a guest"])]
#[case(50194, ErrorCode::Misconfigured, &["Set `tenant` of the profile"])]
#[case(500_011, ErrorCode::Misconfigured, &["https://vault.azure.net", "contoso.com"])]
#[case(50011, ErrorCode::Misconfigured, &["Mobile and desktop applications", "`http://localhost`"])]
#[case(9_002_325, ErrorCode::Misconfigured, &["Single-page application", "Mobile and desktop applications"])]
#[case(700_084, ErrorCode::Misconfigured, &["Single-page application", "Mobile and desktop applications"])]
#[case(50105, ErrorCode::AskAdmin, &["Enterprise apps", "Users and groups > Add user/group"])]
#[case(53003, ErrorCode::AskAdmin, &["Sign-in logs", "Conditional Access > Policies"])]
#[case(530_035, ErrorCode::AskAdmin, &["Manage security defaults"])]
#[case(530_036, ErrorCode::SignInNeeded, &["`entra login`", "contoso.com"])]
fn what_was_set_up_wrong_is_told_with_who_and_where(
    #[case] number: u32,
    #[case] code: ErrorCode,
    #[case] words: &[&str],
    #[values("invalid_client", "invalid_grant", "access_denied", "interaction_required", "consent_required")]
    error: &str,
) {
    let fault = Fault { error: error.to_owned(), suberror: None, ..fault(&[number], "") };
    let end = match error {
        "access_denied" => SignInEnd::Declined(fault),
        "invalid_client" => SignInEnd::Failed(Outcome::Misconfigured(fault)),
        _ => SignInEnd::Failed(Outcome::SignInNeeded(fault)),
    };
    let body = sign_in_error(end, &OWN).unwrap();
    let code = match (error, code) {
        ("access_denied", ErrorCode::SignInNeeded) => ErrorCode::SignInCancelled,
        // Entra's word for it stands.
        ("invalid_client", _) => ErrorCode::Misconfigured,
        (_, code) => code,
    };
    assert_eq!((&body.code, body.aadsts), (&code, Some(number)));
    let hint = body.hint.unwrap();
    for words in words {
        assert!(hint.contains(words), "{words}: {hint}");
    }
    assert!(hint.contains("`entra ") && hint.ends_with('.'), "{hint}");
}

#[test]
fn a_person_who_says_no_has_cancelled() {
    for (number, code) in [
        (65004, ErrorCode::SignInCancelled),
        (500_121, ErrorCode::SignInCancelled),
        (90094, ErrorCode::AskAdmin),
    ] {
        let body = sign_in_error(SignInEnd::Declined(fault(&[number], "")), &ABOUT).unwrap();
        assert_eq!(body.code, code, "{number}");
    }
}

#[test]
fn a_name_that_people_know_stands_beside_the_id() {
    let hint = error_body(&failed(Outcome::AskAdmin(fault(&[50105], ""))), &ABOUT).hint.unwrap();
    assert!(hint.contains("Microsoft Azure CLI (04b07795-8ddb-461a-bbee-02f9e1bf7b46)"), "{hint}");
}

#[rstest]
#[case(Cloud::Public, "https://login.microsoftonline.com", "https://entra.microsoft.com")]
#[case(Cloud::UsGovernment, "https://login.microsoftonline.us", "https://entra.microsoft.us")]
#[case(Cloud::China, "https://login.partner.microsoftonline.cn", "https://entra.microsoftonline.cn")]
fn each_cloud_has_its_own_pages(#[case] cloud: Cloud, #[case] origin: &str, #[case] center: &str) {
    let about = About { cloud, origin, tenant: "organizations", ..OWN };
    let hint = error_body(&failed(Outcome::AskAdmin(fault(&[90094], ""))), &about).hint.unwrap();
    let page = format!("{origin}/organizations/adminconsent?client_id={}", OWN.client_id);
    assert!(hint.contains(&format!("({center})")) && hint.contains(&page), "{hint}");
    assert!(hint.contains("an administrator of your organisation"), "{hint}");
}

#[test]
fn a_wait_that_ends_without_a_word_says_what_the_page_may_have_said() {
    let about = About { profile: "work", ..ABOUT };
    let expired = SignInEnd::Expired(fault(&[], "The code expired before the sign-in was finished."));
    let by_code = sign_in_error(expired, &about).unwrap();
    let told = sign_in_error(SignInEnd::Expired(fault(&[70020], "")), &about).unwrap();
    let by_browser = unanswered(5, &about);
    assert_eq!(by_browser.message, "No browser came back within 5 minutes.");
    assert!(by_browser.hint.as_ref().unwrap().contains("`entra login --profile work --device-code`"));
    for body in [by_code, told, by_browser] {
        assert_eq!(body.code, ErrorCode::SignInExpired);
        let hint = body.hint.unwrap();
        assert!(hint.contains("Microsoft's page") && hint.contains("`entra explain 53003`"), "{hint}");
        assert!(hint.contains("`entra login --profile work`"), "{hint}");
    }
}

#[test]
fn another_tenant_is_somebody_else() {
    let fault = Fault { error: "wrong_tenant".to_owned(), ..fault(&[], "It was so.") };
    let body = sign_in_error(SignInEnd::Failed(Outcome::Misconfigured(fault)), &ABOUT).unwrap();
    assert_eq!((body.code, body.message.as_str()), (ErrorCode::AccountMismatch, "It was so."));
}

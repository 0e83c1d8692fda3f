//! The test vectors of Entra's protocol against a server on loopback, by number.
//!
//! Schedules (7, 13, and the exact times of 6 and 8) are tested under paused time beside the poll; pure ones
//! (26, 27) beside the claims and the scopes.

use std::time::{Duration, Instant};

use entra_proto::account::AccountId;
use entra_proto::cloud::Cloud;
use entra_proto::error::ErrorCode;
use entra_proto::scope::Scopes;
use entrad::account::outcome::{Fault, Outcome, Reach};
use entrad::account::refresh_token::RefreshToken;
use entrad::entra::Entra;
use entrad::entra::authority::Authority;
use entrad::entra::claims::Claims;
use entrad::entra::device::DeviceCode;
use entrad::entra::identity::is_guest;
use entrad::entra::poll::{SignInEnd, Step};
use entrad::entra::refresh::RefreshRequest;
use entrad::entra::words::{About, error_body, sign_in_error};

use super::fake::{CLIENT_ID, Fake, Heard, Turn, json, reply};

async fn request_code(turn: Turn) -> (Result<DeviceCode, Outcome>, Heard) {
    let fake = Fake::start(vec![turn]).await;
    let scopes = Scopes::of_resource("https://vault.azure.net").unwrap();
    let code = Entra::new().request_code(&fake.target(), &scopes, None, false).await;
    (code, fake.heard().remove(0))
}

/// A sign-in with these answers to its polls, a second apart.
async fn sign_in(turns: Vec<Turn>) -> (SignInEnd, Vec<Heard>) {
    let mut all = vec![json(200, &CODE.replace("\"interval\":5", "\"interval\":1"))];
    all.extend(turns);
    let fake = Fake::start(all).await;
    let scopes = Scopes::of_resource("https://vault.azure.net").unwrap();
    let entra = Entra::new();
    let mut poll =
        entra.poll(entra.request_code(&fake.target(), &scopes, None, false).await.expect("a code"));
    loop {
        if let Step::Ended(end) = poll.next().await {
            return (end, fake.heard());
        }
    }
}

async fn refresh_at(fake: &Fake, claims: Option<&Claims>, cae: bool) -> Outcome {
    let request = RefreshRequest {
        refresh_token: &RefreshToken::new("old-rt-secret".to_owned()),
        scopes: &Scopes::of_resource("https://management.core.windows.net/").unwrap(),
        claims,
        cae,
        is_probe: false,
        account: &"uid-1.utid-1".parse::<AccountId>().unwrap(),
    };
    Entra::new().refresh(&fake.target(), request).await
}

async fn refresh(turn: Turn) -> Outcome {
    refresh_at(&Fake::start(vec![turn]).await, None, false).await
}

fn about() -> About<'static> {
    About {
        client_id: CLIENT_ID,
        cloud: Cloud::Public,
        origin: "https://login.microsoftonline.com",
        tenant: "contoso.com",
        resource: "https://vault.azure.net",
        profile: "default",
    }
}

fn error(error: &str, code: u32, rest: &str) -> String {
    format!(
        r#"{{"error":"{error}","error_description":"AADSTS{code}: Entra's words. Trace ID: t-1 Correlation ID: c-1 Timestamp: now","error_codes":[{code}],"trace_id":"t-1","correlation_id":"c-1","timestamp":"2026-01-02 03:04:05Z"{rest}}}"#
    )
}

#[tokio::test]
async fn vector_01_a_device_code_is_shown_as_entra_gave_it() {
    let (code, heard) = request_code(json(200, CODE)).await;
    let code = code.unwrap();
    assert_eq!(code.user_code.expose(), "BL6XB575V");
    assert_eq!(code.verification_uri, "https://microsoft.com/devicelogin");
    assert!(code.is_trusted_uri);
    assert!(code.message.starts_with("To sign in, use a web browser"));
    assert_eq!((code.expires_in.as_secs(), code.interval.as_secs()), (900, 5));
    assert!(heard.head.starts_with("POST /organizations/oauth2/v2.0/devicecode HTTP/1.1\r\n"));
    assert_eq!(heard.header("client-request-id"), Some(code.correlation_id.as_str()));
    assert_eq!(heard.form["client_id"], CLIENT_ID);
    assert_eq!(heard.form["scope"], "https://vault.azure.net/.default openid profile offline_access");
    let text = format!("{code:?}");
    assert!(!text.contains("BL6XB575V") && !text.contains("dev-secret"), "{text}");
}

#[tokio::test]
async fn vector_02_numbers_as_text_and_the_old_name_of_the_page() {
    let body = CODE
        .replace("900", "\"900\"")
        .replace(":5,", ":\"5\",")
        .replace("verification_uri", "verification_url");
    let code = request_code(json(200, &body)).await.0.unwrap();
    assert_eq!((code.expires_in.as_secs(), code.interval.as_secs()), (900, 5));
    assert_eq!(code.verification_uri, "https://microsoft.com/devicelogin");
}

#[tokio::test]
async fn vector_03_an_error_under_200_is_an_error() {
    let outcome = request_code(json(200, &error("invalid_client", 7_000_218, ""))).await.0.unwrap_err();
    let body = error_body(&outcome.into_result().unwrap_err(), &about());
    assert_eq!(body.code, ErrorCode::Misconfigured);
    assert!(body.hint.unwrap().contains("Allow public client flows"));
    assert_eq!(body.correlation_id.as_deref(), Some("c-1"));
}

#[tokio::test]
async fn vector_04_a_page_that_is_not_microsofts_is_not_trusted() {
    let body = CODE.replace("\"https://microsoft.com/devicelogin\"", "\"https://evil.example/x\"");
    let code = request_code(json(200, &body)).await.0.unwrap();
    assert_eq!((code.verification_uri.as_str(), code.is_trusted_uri), ("https://evil.example/x", false));
}

#[tokio::test]
async fn vector_05_the_interval_is_five_seconds_where_none_is_named() {
    let code = request_code(json(200, &CODE.replace("\"interval\":5,", ""))).await.0.unwrap();
    assert_eq!(code.interval.as_secs(), 5);
}

#[tokio::test]
async fn vector_06_pending_then_signed_in() {
    let started_at = Instant::now();
    let (end, heard) =
        sign_in(vec![json(400, PENDING), json(400, PENDING), json(400, PENDING), json(200, SUCCESS)]).await;
    assert!(matches!(end, SignInEnd::Granted(_)), "{end:?}");
    assert!(started_at.elapsed() >= Duration::from_secs(4));
    assert_eq!(heard.len(), 5);
    for heard in &heard[1..] {
        assert!(heard.head.starts_with("POST /organizations/oauth2/v2.0/token HTTP/1.1\r\n"));
        assert_eq!(heard.form["device_code"], "dev-secret");
        assert_eq!(heard.form["grant_type"], "urn:ietf:params:oauth:grant-type:device_code");
    }
    let ids: std::collections::BTreeSet<_> =
        heard.iter().map(|heard| heard.header("client-request-id")).collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn vector_08_a_reset_and_half_an_answer_are_survived() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"token_type\"".to_vec();
    let (end, heard) = sign_in(vec![Turn::Reset, Turn::Raw(half), json(200, SUCCESS)]).await;
    assert!(matches!(end, SignInEnd::Granted(_)), "{end:?}");
    assert_eq!(heard.len(), 4);
}

#[tokio::test]
async fn vector_09_a_refusal_by_the_person_ends_it() {
    for word in ["authorization_declined", "access_denied"] {
        let (end, heard) = sign_in(vec![json(400, &error(word, 700_171, ""))]).await;
        assert_eq!(heard.len(), 2);
        assert!(matches!(end, SignInEnd::Declined(_)));
        assert_eq!(sign_in_error(end, &about()).unwrap().code, ErrorCode::SignInCancelled);
    }
}

#[tokio::test]
async fn vector_10_an_expired_code_ends_it() {
    let (end, heard) = sign_in(vec![json(400, &error("expired_token", 70020, ""))]).await;
    assert_eq!(heard.len(), 2);
    let body = sign_in_error(end, &about()).unwrap();
    assert_eq!((body.code, body.aadsts), (ErrorCode::SignInExpired, Some(70020)));
}

#[tokio::test]
async fn vector_11_a_confidential_app_is_a_matter_of_configuration() {
    let (end, _) = sign_in(vec![json(401, &error("invalid_client", 7_000_218, ""))]).await;
    assert_eq!(sign_in_error(end, &about()).unwrap().code, ErrorCode::Misconfigured);
}

#[tokio::test]
async fn vector_12_claims_that_name_an_access_token_are_no_success() {
    let claims =
        r#","suberror":"message_only","claims":"{\"access_token\":{\"capolids\":{\"essential\":true}}}""#;
    let (end, _) = sign_in(vec![json(400, &error("invalid_grant", 53003, claims))]).await;
    let SignInEnd::Failed(Outcome::AskAdmin(fault)) = &end else { panic!("{end:?}") };
    assert_eq!(fault.claims.as_deref(), Some(r#"{"access_token":{"capolids":{"essential":true}}}"#));
    assert_eq!((fault.suberror.as_deref(), fault.codes.as_slice()), (Some("message_only"), &[53003][..]));
    assert_eq!(fault.timestamp.as_deref(), Some("2026-01-02 03:04:05Z"));
    assert!(sign_in_error(end, &about()).unwrap().hint.unwrap().contains("blocks the device code flow"));
}

#[tokio::test]
async fn vector_14_no_refresh_token_is_an_error_with_a_usable_token() {
    let (end, _) = sign_in(vec![json(200, &SUCCESS.replace("refresh_token", "none"))]).await;
    let SignInEnd::GrantedOnce { grant, .. } = &end else { panic!("{end:?}") };
    assert_eq!(grant.access_token.expose(), "at-secret");
    let body = sign_in_error(end, &about()).unwrap();
    assert!(body.message.contains("offline_access"), "{}", body.message);
}

#[tokio::test]
async fn vector_15_numbers_as_text() {
    let body = SUCCESS.replacen(":5302", ":\"3599\",\"refresh_in\":\"1800\"", 1);
    let grant = granted(refresh(json(200, &body)).await);
    assert_eq!((grant.expires_in.as_secs(), grant.refresh_in.unwrap().as_secs()), (3599, 1800));
}

#[tokio::test]
async fn vector_16_the_account_is_named() {
    let body =
        SUCCESS.replacen('{', &format!(r#"{{"id_token":"{ID_TOKEN}","client_info":"{CLIENT_INFO}","#), 1);
    let identity = granted(refresh(json(200, &body)).await).identity.unwrap();
    assert!(identity.id.as_str().ends_with(".aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"));
    assert_eq!(identity.username, "ada@example.com");
    assert!(is_guest(&identity));
}

#[tokio::test]
async fn vector_17_a_new_refresh_token_is_handed_over() {
    let outcome = refresh(json(200, SUCCESS)).await;
    let text = format!("{outcome:?}");
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(granted(outcome).refresh_token.unwrap().expose(), "new-rt-secret");
}

#[tokio::test]
async fn vector_18_without_a_new_refresh_token_the_old_one_stays() {
    let grant = granted(refresh(json(200, &SUCCESS.replace("refresh_token", "none"))).await);
    assert!(grant.refresh_token.is_none());
}

#[tokio::test]
async fn vector_19_a_second_factor_needs_a_person_and_keeps_the_claims() {
    let rest = r#","suberror":"basic_action","claims":"{\"access_token\":{\"polids\":null}}""#;
    let outcome = refresh(json(400, &error("invalid_grant", 50076, rest))).await;
    let Outcome::SignInNeeded(fault) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(fault.claims.as_deref(), Some(r#"{"access_token":{"polids":null}}"#));
    let body = error_body(&outcome.into_result().unwrap_err(), &about());
    assert_eq!((body.code, body.aadsts), (ErrorCode::SignInNeeded, Some(50076)));
}

#[tokio::test]
async fn vector_20_dead_tokens_are_known() {
    for body in [
        error("invalid_grant", 700_082, ""),
        error("invalid_grant", 1, r#","suberror":"bad_token""#),
        error("invalid_grant", 530_036, ""),
    ] {
        let outcome = refresh(json(400, &body)).await;
        assert!(matches!(outcome, Outcome::Dead(_)), "{outcome:?}");
    }
}

#[tokio::test]
async fn vector_21_a_detected_loop_is_a_pause() {
    let outcome = refresh(json(400, &error("invalid_grant", 50196, ""))).await;
    assert!(
        matches!(outcome, Outcome::RetryAfter { after: Some(after), .. } if after.as_secs() == 300),
        "{outcome:?}"
    );
    assert_eq!(error_body(&outcome.into_result().unwrap_err(), &about()).code, ErrorCode::Throttled);
}

#[tokio::test]
async fn vector_22_one_500_costs_one_retry() {
    let fake = Fake::start(vec![reply(500, "", "<html>"), json(200, SUCCESS)]).await;
    granted(refresh_at(&fake, None, false).await);
    assert_eq!(fake.heard().len(), 2);
}

#[tokio::test]
async fn vector_23_a_500_with_a_time_is_not_retried_in_place() {
    let fake = Fake::start(vec![reply(500, "retry-after: 120\r\n", "<html>"), json(200, SUCCESS)]).await;
    let Outcome::RetryAfter { after, reach, fault } = refresh_at(&fake, None, false).await else { panic!() };
    assert_eq!((after, reach), (Some(Duration::from_secs(120)), Reach::Outage));
    assert_eq!((fault.error.as_str(), fault.status), ("http_500", Some(500)));
    assert_eq!(fake.heard().len(), 1);
}

#[tokio::test]
async fn vector_24_one_refresh_is_one_request() {
    let fake = Fake::start(vec![json(200, SUCCESS), json(200, SUCCESS)]).await;
    granted(refresh_at(&fake, None, false).await);
    assert_eq!(fake.heard().len(), 1);
}

#[tokio::test]
async fn vector_25_claims_are_merged_with_the_capability() {
    let fake = Fake::start(vec![json(200, SUCCESS)]).await;
    let claims =
        Claims::parse(r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#).unwrap();
    granted(refresh_at(&fake, Some(&claims), true).await);
    assert_eq!(
        fake.heard()[0].form["claims"],
        r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"},"xms_cc":{"values":["cp1"]}}}"#
    );
}

#[tokio::test]
async fn vector_28_a_refresh_sends_both_slashes_and_routes_by_account() {
    let fake = Fake::start(vec![json(200, SUCCESS)]).await;
    granted(refresh_at(&fake, None, false).await);
    let heard = fake.heard().remove(0);
    assert_eq!(
        heard.form["scope"],
        "https://management.core.windows.net//.default openid profile offline_access"
    );
    assert_eq!(heard.form["grant_type"], "refresh_token");
    assert_eq!(heard.form["refresh_token"], "old-rt-secret");
    assert_eq!(heard.form["client_info"], "1");
    assert!(!heard.form.contains_key("claims"));
    assert_eq!(heard.header("x-anchormailbox"), Some("Oid:uid-1@utid-1"));
}

#[tokio::test]
async fn vector_29_a_redirect_is_not_followed() {
    let elsewhere = Fake::start(vec![json(200, SUCCESS)]).await;
    let turn = reply(302, &format!("location: {}/token\r\n", elsewhere.origin), SUCCESS);
    let fault = later(refresh(turn).await);
    assert_eq!((fault.error.as_str(), fault.status), ("redirected", Some(302)));
    assert!(elsewhere.heard().is_empty());
}

#[tokio::test]
async fn vector_30_a_long_answer_is_refused() {
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(1024 * 1024));
    let fault = later(refresh(json(200, &long)).await);
    assert_eq!(fault.error, "too_large");
}

#[tokio::test]
async fn vector_31_descriptions_are_plain_text() {
    let body = r#"{"error":"invalid_request","error_description":"AADSTS900144: \u001b[31mBad\u001b[0m.\r\nTrace ID: t","error_codes":[900144]}"#;
    let Outcome::Misconfigured(fault) = refresh(json(400, body)).await else { panic!() };
    assert_eq!(fault.description, "AADSTS900144: Bad. Trace ID: t");
    let page = reply(503, "content-type: text/html\r\nretry-after: 1\r\n", "<h1>\u{1b}[5mBusy\u{7}</h1>");
    assert_eq!(
        later(refresh(page).await).description,
        "127.0.0.1 answered with HTTP status 503. It says: <h1>Busy</h1>"
    );
}

#[tokio::test]
async fn vector_32_an_unknown_instance_is_fatal_and_the_table_needs_no_network() {
    let outcome = refresh(json(400, &error("invalid_instance", 50049, ""))).await;
    assert!(matches!(outcome, Outcome::Misconfigured(_)), "{outcome:?}");
    let authority = Authority::built_in(Cloud::Public, "organizations").unwrap();
    assert_eq!(authority.to_string(), "https://login.microsoftonline.com/organizations");
}

#[track_caller]
fn granted(outcome: Outcome) -> entrad::account::outcome::Grant {
    match outcome {
        Outcome::Refreshed(grant) => *grant,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn later(outcome: Outcome) -> Fault {
    match outcome {
        Outcome::RetryAfter { fault, .. } => fault,
        other => panic!("{other:?}"),
    }
}

const CODE: &str = r#"{"user_code":"BL6XB575V","device_code":"dev-secret","verification_uri":"https://microsoft.com/devicelogin","expires_in":900,"interval":5,"message":"To sign in, use a web browser to open the page https://microsoft.com/devicelogin and enter the code BL6XB575V to authenticate."}"#;
const PENDING: &str = r#"{"error":"authorization_pending","error_description":"AADSTS70016: OAuth 2.0 device flow error. Authorization is pending. Continue polling.","error_codes":[70016]}"#;
const SUCCESS: &str = r#"{"token_type":"Bearer","scope":"https://vault.azure.net/.default","expires_in":5302,"ext_expires_in":5302,"access_token":"at-secret","refresh_token":"new-rt-secret"}"#;
const CLIENT_INFO: &str = "eyJ1aWQiOiIxMTExMTExMS0yMjIyLTMzMzMtNDQ0NC01NTU1NTU1NTU1NTUiLCJ1dGlkIjoiYWFhYWFhYWEtYmJiYi1jY2NjLWRkZGQtZWVlZWVlZWVlZWVlIn0";
const ID_TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJhdWQiOiIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMGMxMWUiLCJpc3MiOiJodHRwczovL2xvZ2luLm1pY3Jvc29mdG9ubGluZS5jb20vOTk5OTk5OTktODg4OC03Nzc3LTY2NjYtNTU1NTU1NTU1NTU1L3YyLjAiLCJvaWQiOiIxMTExMTExMS0yMjIyLTMzMzMtNDQ0NC0wMDAwMDAwMDAwMDEiLCJ0aWQiOiI5OTk5OTk5OS04ODg4LTc3NzctNjY2Ni01NTU1NTU1NTU1NTUiLCJwcmVmZXJyZWRfdXNlcm5hbWUiOiJhZGFAZXhhbXBsZS5jb20iLCJuYW1lIjoiQWRhIEV4YW1wbGUiLCJzdWIiOiJwYWlyd2lzZS1zdWIiLCJ2ZXIiOiIyLjAifQ.";

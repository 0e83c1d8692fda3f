//! What a registry answers and what becomes of it, against a script.

use rstest::rstest;

use super::super::no_reply::{NoReply, TlsTrouble};
use super::super::script::Script;
use super::super::script::wanting_credentials;
use super::*;

/// `{"iat":1497988712,"exp":1497999512}`: three hours.
const JWT: &str = "e30.eyJpYXQiOjE0OTc5ODg3MTIsImV4cCI6MTQ5Nzk5OTUxMn0.sig";

fn registry() -> Registry {
    Registry::parse("Contoso.azurecr.io").unwrap()
}

async fn exchange(script: &std::sync::Arc<Script>) -> Result<RegistryGrant, RegistryError> {
    let token = AccessToken::new("at-secret".to_owned());
    Entra::over(script.clone()).registry_token(&registry(), Some("t-1"), &token).await
}

#[tokio::test]
async fn the_form_goes_to_the_registry_and_its_token_has_the_life_it_says() {
    let script = Script::new();
    script.json(200, &format!(r#"{{"refresh_token":"{JWT}"}}"#));
    let grant = exchange(&script).await.unwrap();
    assert_eq!(grant.token.expose(), JWT);
    assert_eq!(grant.life, Some(Duration::from_secs(3 * 3600)));
    assert!(!format!("{grant:?}").contains("sig"));
    let asked = script.asked().remove(0);
    assert_eq!(asked.url, "https://contoso.azurecr.io/oauth2/exchange");
    let form: Vec<(&str, &str)> =
        asked.form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        form,
        [
            ("access_token", "at-secret"),
            ("grant_type", "access_token"),
            ("service", "contoso.azurecr.io"),
            ("tenant", "t-1")
        ]
    );
}

#[rstest]
#[case::no_jwt("opaque", None)]
#[case::no_times("e30.e30.sig", None)]
#[case::ends_before_it_begins("e30.eyJpYXQiOjIsImV4cCI6MX0.sig", None)]
#[case::a_week("e30.eyJpYXQiOjAsImV4cCI6NjA0ODAwfQ.sig", Some(24 * 3600))]
#[tokio::test]
async fn a_life_is_believed_within_bounds(#[case] token: &str, #[case] seconds: Option<u64>) {
    let script = Script::new();
    script.json(200, &format!(r#"{{"refresh_token":"{token}"}}"#));
    assert_eq!(exchange(&script).await.unwrap().life, seconds.map(Duration::from_secs));
}

#[rstest]
#[case(200, "{}", ErrorCode::Unavailable, "without a refresh token")]
#[case(200, "<html>", ErrorCode::Unavailable, "without a refresh token")]
#[case(200, r#"{"refresh_token":"a b"}"#, ErrorCode::Unavailable, "without a refresh token")]
#[case(302, "", ErrorCode::Unavailable, "HTTP status 302")]
#[case(401, "<html>", ErrorCode::AskAdmin, "refused the account.")]
#[case(
    403,
    r#"{"errors":[{"code":"DENIED","message":"client with IP '192.0.2.7' is not allowed\u001b[2J access."}]}"#,
    ErrorCode::AskAdmin,
    "refused the account: client with IP '192.0.2.7' is not allowed access."
)]
#[case(404, "", ErrorCode::Misconfigured, "exchanges no tokens")]
#[case(503, "", ErrorCode::Unavailable, "HTTP status 503")]
#[tokio::test]
async fn each_answer_has_its_error(
    #[case] status: u16,
    #[case] body: &str,
    #[case] code: ErrorCode,
    #[case] said: &str,
) {
    let script = Script::new();
    script.json(status, body);
    let error = exchange(&script).await.unwrap_err().to_error_body();
    assert_eq!(error.code, code);
    assert!(error.message.contains(said), "{}", error.message);
    assert!(error.hint.is_some());
    assert_eq!(script.asked().len(), 1, "nothing is tried twice");
}

#[tokio::test]
async fn a_throttle_names_its_end() {
    let script = Script::new();
    script.reply(429, Some(30), "");
    let error = exchange(&script).await.unwrap_err().to_error_body();
    assert_eq!((error.code, error.retry_after), (ErrorCode::Throttled, Some(30)));
}

#[rstest]
#[case(NoReply::Connect, ErrorCode::Unavailable)]
#[case(NoReply::Tls(TlsTrouble::UnknownIssuer), ErrorCode::Unavailable)]
#[case(wanting_credentials(), ErrorCode::Misconfigured)]
#[tokio::test]
async fn silence_names_the_registry(#[case] why: NoReply, #[case] code: ErrorCode) {
    let script = Script::new();
    script.silence(why);
    let error = exchange(&script).await.unwrap_err().to_error_body();
    assert_eq!(error.code, code);
    assert!(error.message.contains("contoso.azurecr.io"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_never_answers_is_given_up_in_time() {
    let script = Script::new();
    script.hang();
    let started_at = tokio::time::Instant::now();
    assert_eq!(exchange(&script).await.unwrap_err(), RegistryError::Silent("contoso.azurecr.io".to_owned()));
    assert_eq!(started_at.elapsed(), PATIENCE);
}

#[rstest]
#[case("127.0.0.1:5000", "http://127.0.0.1:5000/oauth2/exchange")]
#[case("localhost:5000", "http://localhost:5000/oauth2/exchange")]
#[case("[::1]:5000", "http://[::1]:5000/oauth2/exchange")]
#[case("contoso.azurecr.us", "https://contoso.azurecr.us/oauth2/exchange")]
fn registries_are_azure_s_or_on_this_machine(#[case] host: &str, #[case] exchange: &str) {
    assert_eq!(Registry::parse(host).unwrap().exchange.as_str(), exchange);
}

#[rstest]
#[case("")]
#[case("registry.example")]
#[case("contoso.azurecr.io:443")]
#[case("contoso.azurecr.io.evil.example")]
#[case("https://contoso.azurecr.io")]
#[case("user@localhost:5000")]
#[case("localhost:5000/x")]
#[case("localhost:5000#.azurecr.io")]
#[case("localhost.evil.example")]
#[case("127.0.0.1:99999")]
#[case("evil.example\\.azurecr.io")]
fn any_other_host_is_refused_before_a_token_is_asked_for(#[case] host: &str) {
    let error = Registry::parse(host).unwrap_err();
    assert_eq!(error.to_error_body().code, ErrorCode::Refused);
    assert!(matches!(error, RegistryError::NotAzure(_)));
}

#[test]
fn a_registry_is_of_one_cloud_and_loopback_of_all() {
    assert!(registry().is_of(Cloud::Public) && !registry().is_of(Cloud::China));
    assert!(Registry::parse("localhost:5000").unwrap().is_of(Cloud::China));
}

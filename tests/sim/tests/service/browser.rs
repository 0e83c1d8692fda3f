//! Authorization code with PKCE.

use std::collections::HashMap;
use std::time::Duration;

use entra_sim::{ADA, BOB, DEFAULT_CLIENT, PARTNER_TENANT};
use rstest::rstest;
use url::Url;

use crate::client::{Answer, Bench, VAULT, claims};

const REDIRECT: &str = "http://localhost:4711";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn authorize_url(bench: &Bench, changes: &[(&str, &str)]) -> String {
    let mut fields: Vec<(&str, &str)> = vec![
        ("client_id", DEFAULT_CLIENT),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", VAULT),
        ("state", "a state & more"),
        ("nonce", "a-nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    fields.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    fields.extend(changes);
    let mut url = Url::parse(&format!("{}/oauth2/v2.0/authorize", bench.sim.authority())).unwrap();
    url.query_pairs_mut().extend_pairs(fields);
    url.into()
}

fn fields(location: &str) -> HashMap<String, String> {
    let url = Url::parse(location).unwrap();
    let text = url.fragment().filter(|fragment| !fragment.is_empty()).or(url.query()).unwrap().to_owned();
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

async fn redeem(bench: &Bench, code: &str, redirect: &str, verifier: Option<&str>) -> Answer {
    let mut form = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect)];
    form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
    bench.post("token", &form).await
}

/// Opens the page as a browser does and presses a button on it.
async fn press(bench: &Bench, url: &str, button: &str) -> Answer {
    let page = bench.get(url).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for input in page.text.split("<input type=\"hidden\" name=\"").skip(1) {
        let (name, rest) = input.split_once("\" value=\"").unwrap();
        form.append_pair(name, &rest.split_once('"').unwrap().0.replace("&amp;", "&"));
    }
    let body =
        form.append_pair(button.split_once('=').unwrap().0, button.split_once('=').unwrap().1).finish();
    let request = bench.http.post(url.split('?').next().unwrap());
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
    Answer::read(request.send().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_person_picks_an_account_and_the_code_is_redeemed_once() {
    let bench = Bench::new().await;
    let answer = press(&bench, &authorize_url(&bench, &[]), "sim_user=ada@example.com").await;
    assert_eq!(answer.status, 302, "{}", answer.text);
    let location = answer.header("location").unwrap();
    assert!(location.starts_with("http://localhost:4711?") && location.ends_with('#'), "{location}");
    let back = fields(location);
    assert_eq!(back["state"], "a state & more");

    let tokens = redeem(&bench, &back["code"], REDIRECT, Some(VERIFIER)).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    let id = claims(tokens.field("id_token"));
    assert_eq!((id["nonce"].as_str(), id["preferred_username"].as_str()), (Some("a-nonce"), Some(ADA)));
    assert_eq!(bench.refresh(tokens.field("refresh_token"), VAULT).await.status, 200);

    let again = redeem(&bench, &back["code"], REDIRECT, Some(VERIFIER)).await;
    assert_eq!(again.refusal(), (400, "invalid_grant", 54_005));
}

#[tokio::test]
async fn the_test_itself_may_pick_the_account() {
    let bench = Bench::new().await;
    let url = authorize_url(&bench, &[("client_info", "1")]);
    let back = fields(&bench.sim.control().pick_account(&url, BOB).unwrap());
    assert!(back.contains_key("client_info"));
    let tokens = redeem(&bench, &back["code"], REDIRECT, Some(VERIFIER)).await;
    assert_eq!(claims(tokens.field("id_token"))["preferred_username"], BOB);
    let elsewhere = url.replace(entra_sim::DEFAULT_TENANT, PARTNER_TENANT);
    assert!(
        bench.sim.control().pick_account(&elsewhere, BOB).unwrap_err().to_string().contains("AADSTS50020")
    );
}

#[tokio::test]
async fn the_answer_comes_as_fragment_or_by_form() {
    let bench = Bench::new().await;
    let url = authorize_url(&bench, &[("response_mode", "fragment")]);
    let answer = press(&bench, &url, "sim_user=ada@example.com").await;
    let location = answer.header("location").unwrap();
    assert!(location.starts_with("http://localhost:4711#") && fields(location).contains_key("code"));
    let url = authorize_url(&bench, &[("response_mode", "form_post")]);
    let page = press(&bench, &url, "sim_user=ada@example.com").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("action=\"http://localhost:4711\"") && page.text.contains("name=\"code\""));
    assert!(page.text.contains("value=\"a state &amp; more\""));
}

#[tokio::test]
async fn declining_goes_back_to_the_client() {
    let bench = Bench::new().await;
    let answer = press(&bench, &authorize_url(&bench, &[]), "sim_decline=1").await;
    let back = fields(answer.header("location").unwrap());
    assert_eq!((back["error"].as_str(), back["state"].as_str()), ("access_denied", "a state & more"));
    assert!(back["error_description"].starts_with("AADSTS65004: "));
}

#[rstest]
#[case::client("client_id", "00000000-0000-0000-0000-000000000bad", "AADSTS700016")]
#[case::path("redirect_uri", "http://localhost:4711/callback", "AADSTS50011")]
#[case::foreign("redirect_uri", "https://evil.example", "AADSTS50011")]
#[case::numeric("redirect_uri", "http://127.0.0.1:4711", "AADSTS50011")]
#[tokio::test]
async fn a_wrong_address_is_told_to_the_person_only(
    #[case] field: &str,
    #[case] value: &str,
    #[case] code: &str,
) {
    let bench = Bench::new().await;
    let answer = bench.get(&authorize_url(&bench, &[(field, value)])).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains(code) && answer.header("location").is_none(), "{}", answer.text);
}

#[rstest]
#[case::response_type("response_type", "token", "unsupported_response_type")]
#[case::plain("code_challenge_method", "plain", "invalid_request")]
#[case::short("code_challenge", "short", "invalid_request")]
#[case::scope("scope", "https://a.example/x https://b.example/x", "invalid_request")]
#[tokio::test]
async fn other_problems_go_back_to_the_client(#[case] field: &str, #[case] value: &str, #[case] error: &str) {
    let bench = Bench::new().await;
    let answer = bench.get(&authorize_url(&bench, &[(field, value)])).await;
    assert_eq!(answer.status, 302, "{}", answer.text);
    assert_eq!(fields(answer.header("location").unwrap())["error"], error);
}

#[tokio::test]
async fn a_code_needs_its_verifier_address_and_age() {
    let bench = Bench::new().await;
    let code = || {
        fields(&bench.sim.control().pick_account(&authorize_url(&bench, &[]), ADA).unwrap())["code"].clone()
    };
    let wrong = "x".repeat(43);
    assert_eq!(
        redeem(&bench, &code(), REDIRECT, Some(&wrong)).await.refusal(),
        (400, "invalid_grant", 501_481)
    );
    assert_eq!(redeem(&bench, &code(), REDIRECT, None).await.refusal(), (400, "invalid_grant", 50_148));
    let elsewhere = redeem(&bench, &code(), "http://localhost:4712", Some(VERIFIER)).await;
    assert_eq!(elsewhere.refusal(), (400, "invalid_grant", 500_112));
    assert_eq!(redeem(&bench, "1.Anonsense", REDIRECT, Some(VERIFIER)).await.refusal().2, 70_000);
    let old = code();
    bench.sim.control().advance(Duration::from_secs(600));
    assert_eq!(
        redeem(&bench, &old, REDIRECT, Some(VERIFIER)).await.refusal(),
        (400, "invalid_grant", 70_008)
    );
}

//! Refresh tokens: many resources, rotation, age and revocation.

use std::time::Duration;

use entra_sim::{ADA, AccessTokenShape, BOB, DEFAULT_CLIENT, GWEN, Options, PARTNER_TENANT, digest};

use crate::client::{Answer, Bench, GRAPH, VAULT, claims};

#[tokio::test]
async fn one_refresh_token_serves_many_resources_and_tenants() {
    let bench = Bench::new().await;
    let first = bench.sign_in(ADA, GRAPH).await;
    let vault = bench.refresh(first.field("refresh_token"), VAULT).await;
    assert_eq!(claims(vault.field("access_token"))["aud"], "https://vault.azure.net");
    let slashes = bench.refresh(first.field("refresh_token"), "https://management.azure.com//.default").await;
    assert_eq!(claims(slashes.field("access_token"))["aud"], "https://management.azure.com/");
    assert!(slashes.json.get("refresh_token").is_none(), "offline_access was not asked");

    let elsewhere = format!("{}/{PARTNER_TENANT}/oauth2/v2.0/token", bench.sim.origin());
    let body = format!(
        "client_id={DEFAULT_CLIENT}&grant_type=refresh_token&scope=openid+profile&refresh_token={}",
        vault.field("refresh_token")
    );
    let request =
        bench.http.post(elsewhere).header("content-type", "application/x-www-form-urlencoded").body(body);
    let guest = Answer::read(request.send().await.unwrap()).await.unwrap();
    assert_eq!(claims(guest.field("id_token"))["tid"], PARTNER_TENANT);
}

#[tokio::test]
async fn old_refresh_tokens_live_on_as_in_entra() {
    let bench = Bench::new().await;
    let old = bench.sign_in(ADA, GRAPH).await.field("refresh_token").to_owned();
    let new = bench.refresh(&old, GRAPH).await.field("refresh_token").to_owned();
    assert_ne!(old, new);
    assert_eq!(bench.refresh(&old, GRAPH).await.status, 200);
    assert_eq!(bench.refresh(&new, GRAPH).await.status, 200);
}

#[tokio::test]
async fn strict_rotation_revokes_the_family_of_a_reused_token_and_no_other() {
    let mut options = Options::default();
    options.rules.strict_rotation = true;
    let bench = Bench::with(options).await;
    let bystander = bench.sign_in(ADA, GRAPH).await.field("refresh_token").to_owned();
    let old = bench.sign_in(ADA, GRAPH).await.field("refresh_token").to_owned();
    let new = bench.refresh(&old, GRAPH).await.field("refresh_token").to_owned();
    let reuse = bench.refresh(&old, GRAPH).await;
    assert_eq!(reuse.refusal(), (400, "invalid_grant", 70_000));
    assert_eq!(reuse.field("suberror"), "bad_token");
    assert_eq!(bench.refresh(&new, GRAPH).await.refusal(), (400, "invalid_grant", 50_173));
    assert_eq!(bench.refresh(&bystander, GRAPH).await.status, 200);
}

#[tokio::test]
async fn refresh_tokens_age_and_each_use_makes_them_young() {
    let bench = Bench::new().await;
    let mut token = bench.sign_in(ADA, GRAPH).await.field("refresh_token").to_owned();
    for _ in 0..3 {
        bench.sim.control().advance(Duration::from_secs(60 * 24 * 3_600));
        token = bench.refresh(&token, GRAPH).await.field("refresh_token").to_owned();
    }
    bench.sim.control().advance(Duration::from_secs(90 * 24 * 3_600));
    assert_eq!(bench.refresh(&token, GRAPH).await.refusal(), (400, "invalid_grant", 700_082));
}

#[tokio::test]
async fn revocation_of_one_token_of_one_person_and_of_all() {
    let bench = Bench::new().await;
    let control = bench.sim.control();
    let ada = control.issue_refresh_token(ADA).unwrap();
    let ada_too = control.issue_refresh_token(ADA).unwrap();
    let bob = control.issue_refresh_token(BOB).unwrap();
    assert!(control.revoke_token(&ada) && !control.revoke_token(&ada));
    assert_eq!(bench.refresh(&ada, GRAPH).await.refusal(), (400, "invalid_grant", 50_173));
    assert_eq!(bench.refresh(&ada_too, GRAPH).await.status, 200);
    assert_eq!(control.revoke_user(ADA), 2);
    assert_eq!(bench.refresh(&ada_too, GRAPH).await.refusal().2, 50_173);
    assert_eq!(bench.refresh(&bob, GRAPH).await.status, 200);
    assert_eq!(control.revoke_all(), 2);
    assert_eq!(bench.refresh(&bob, GRAPH).await.refusal().2, 50_173);
    assert_eq!(control.state().revoked_refresh_tokens, 5);
    assert!(control.issue_refresh_token("nobody@example.com").is_err());
}

#[tokio::test]
async fn a_refresh_token_belongs_to_its_client() {
    let bench = Bench::new().await;
    let token = bench.sim.control().issue_refresh_token(ADA).unwrap();
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str()),
        ("client_id", entra_sim::AZURE_CLI_CLIENT),
    ];
    assert_eq!(bench.post("token", &fields).await.refusal(), (400, "invalid_grant", 70_000));
    assert_eq!(bench.refresh("1.Anonsense", GRAPH).await.refusal(), (400, "invalid_grant", 70_000));
}

#[tokio::test]
async fn a_refresh_without_scope_is_for_what_was_signed_in_for() {
    let bench = Bench::new().await;
    let token = bench.sign_in(ADA, VAULT).await.field("refresh_token").to_owned();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    let answer = bench.post("token", &fields).await;
    assert_eq!(claims(answer.field("access_token"))["aud"], "https://vault.azure.net");
}

#[tokio::test]
async fn large_refresh_tokens_and_opaque_access_tokens() {
    let mut options = Options::default();
    options.rules.refresh_token_bytes = 64 * 1_024;
    options.rules.access_token_shape = AccessTokenShape::Opaque;
    options.rules.access_token_life = Some(Duration::from_secs(4));
    let bench = Bench::with(options).await;
    let answer = bench.sign_in(GWEN, GRAPH).await;
    assert_eq!(answer.field("refresh_token").len(), 65_536);
    assert!(!answer.field("access_token").contains('.'));
    assert_eq!(answer.json["expires_in"], 4);
    let again = bench.refresh(answer.field("refresh_token"), GRAPH).await;
    assert_eq!(again.field("refresh_token").len(), 65_536);
}

#[tokio::test]
async fn declared_capabilities_give_a_long_life() {
    let bench = Bench::new().await;
    let token = bench.sim.control().issue_refresh_token(ADA).unwrap();
    let with = |claims: &'static str| {
        let (bench, token) = (&bench, token.clone());
        async move {
            let fields =
                [("grant_type", "refresh_token"), ("refresh_token", token.as_str()), ("claims", claims)];
            bench.post("token", &fields).await
        }
    };
    let answer = with(r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#).await;
    assert_eq!(
        (answer.json["expires_in"].as_u64(), answer.json["refresh_in"].as_u64()),
        (Some(86_400), Some(43_200))
    );
    assert_eq!(claims(answer.field("access_token"))["xms_cc"][0], "cp1");
    assert!(
        with(r#"{"access_token":{"acrs":{"value":"c1"}}}"#).await.json["expires_in"].as_u64() < Some(5_400)
    );
    assert_eq!(with("{broken").await.refusal(), (400, "invalid_request", 9_002_313));
    assert_eq!(with("[]").await.refusal(), (400, "invalid_request", 9_002_313));
}

#[tokio::test]
async fn fifty_at_once() {
    let bench = Bench::new().await;
    let token = bench.sim.control().issue_refresh_token(ADA).unwrap();
    let url = format!("{}/oauth2/v2.0/token", bench.sim.authority());
    let body = format!("client_id={DEFAULT_CLIENT}&grant_type=refresh_token&refresh_token={token}");
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let request = bench.http.post(&url).header("content-type", "application/x-www-form-urlencoded");
        tasks.spawn(request.body(body.clone()).send());
    }
    while let Some(answer) = tasks.join_next().await {
        assert_eq!(answer.unwrap().unwrap().status(), 200);
    }
    let served = bench.sim.control().wait_for_requests(entra_sim::Leg::Refresh, 50).await.unwrap();
    assert_eq!(served.len(), 50);
    assert!(served.iter().all(|request| request.form["refresh_token"] == digest(&token)));
}

#[tokio::test]
async fn a_sign_in_grows_too_old_however_young_its_refresh_token_is() {
    let bench = Bench::new().await;
    bench.sim.control().set_rules(|rules| rules.sign_in_frequency = Some(Duration::from_secs(8 * 3_600)));
    let mut token = bench.sign_in(ADA, GRAPH).await.field("refresh_token").to_owned();
    for _ in 0..7 {
        bench.sim.control().advance(Duration::from_secs(3_600));
        token = bench.refresh(&token, GRAPH).await.field("refresh_token").to_owned();
    }
    bench.sim.control().advance(Duration::from_secs(3_600));
    let refused = bench.refresh(&token, GRAPH).await;
    assert_eq!(refused.refusal(), (400, "invalid_grant", 70_043));
    assert_eq!(refused.field("suberror"), "token_expired");
    let words = refused.field("error_description");
    assert!(words.contains("the maximum allowed lifetime for this request is 28800."), "{words}");
    let again = bench.sign_in(ADA, GRAPH).await.field("refresh_token").to_owned();
    assert_eq!(bench.refresh(&again, GRAPH).await.status, 200, "the person has signed in again");
    bench.sim.control().set_rules(|rules| rules.sign_in_frequency = None);
    assert_eq!(bench.refresh(&token, GRAPH).await.status, 200, "the refresh token itself lives");
}

#[tokio::test]
async fn a_second_factor_grows_too_old() {
    let bench = Bench::new().await;
    bench.sim.control().set_rules(|rules| rules.mfa_life = Some(Duration::from_secs(3_600)));
    let token = bench.sign_in(ADA, GRAPH).await.field("refresh_token").to_owned();
    assert_eq!(bench.refresh(&token, GRAPH).await.status, 200);
    bench.sim.control().advance(Duration::from_secs(3_600));
    let refused = bench.refresh(&token, VAULT).await;
    assert_eq!(refused.refusal(), (400, "invalid_grant", 50_078));
    assert!(refused.field("error_description").contains("'https://vault.azure.net'"));
}

//! Sign-in by device code.

use std::time::Duration;

use entra_sim::{ADA, BOB, CodeStatus, DEFAULT_CLIENT, DEFAULT_TENANT, GWEN, MIA, PARTNER_TENANT};
use rstest::rstest;

use crate::client::{Answer, Bench, CORRELATION, GRAPH, URN, VAULT, claims};

#[tokio::test]
async fn a_code_is_pending_then_approved_then_used() {
    let bench = Bench::new().await;
    let asked = bench.post("devicecode", &[("scope", VAULT)]).await;
    assert_eq!(asked.status, 200);
    assert_eq!((asked.json["expires_in"].as_u64(), asked.json["interval"].as_u64()), (Some(900), Some(5)));
    let user_code = asked.field("user_code");
    assert_eq!(user_code.len(), 9);
    let page = format!("{}/common/oauth2/deviceauth", bench.sim.origin());
    assert_eq!(asked.field("verification_uri"), page);
    assert!(asked.field("message").contains(user_code) && asked.field("message").contains(&page));
    assert_eq!(asked.header("cache-control"), Some("no-store, no-cache"));
    assert_eq!(asked.header("client-request-id"), Some(CORRELATION));
    assert_eq!(asked.header("x-ms-clitelem"), Some("1,0,0,,"));
    assert!(asked.header("date").is_some() && asked.header("x-ms-request-id").is_some());

    let device_code = asked.field("device_code");
    let pending = bench.poll(device_code).await;
    assert_eq!(pending.refusal(), (400, "authorization_pending", 70_016));
    assert_eq!(pending.header("x-ms-clitelem"), Some("1,70016,0,,"));
    assert_eq!(pending.field("correlation_id"), CORRELATION);
    assert_eq!(pending.header("x-ms-request-id"), Some(pending.field("trace_id")));

    assert_eq!(bench.sim.control().next_user_code().await.unwrap(), user_code);
    bench.sim.control().approve(&user_code.to_lowercase(), ADA).unwrap();
    let signed_in = bench.poll(device_code).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    assert_eq!(signed_in.field("token_type"), "Bearer");
    assert!((3_600..5_400).contains(&signed_in.json["expires_in"].as_u64().unwrap()));
    assert!(signed_in.field("scope").contains("https://vault.azure.net/.default"));
    assert!(signed_in.field("refresh_token").len() > 1_024);

    let id = claims(signed_in.field("id_token"));
    assert_eq!(id["aud"], DEFAULT_CLIENT);
    assert_eq!(id["tid"], DEFAULT_TENANT);
    assert_eq!(id["iss"], format!("{}/v2.0", bench.sim.authority()));
    assert_eq!(id["preferred_username"], ADA);
    assert_eq!(claims(signed_in.field("access_token"))["aud"], "https://vault.azure.net");
    let info = claims(&format!(".{}", signed_in.field("client_info")));
    assert_eq!((info["uid"].clone(), info["utid"].clone()), (id["oid"].clone(), id["tid"].clone()));

    assert_eq!(bench.poll(device_code).await.refusal(), (400, "invalid_grant", 70_000));
    assert_eq!(bench.sim.control().codes()[0].status, CodeStatus::Redeemed);
}

#[tokio::test]
async fn every_poll_is_correlated_with_the_first_request() {
    let bench = Bench::new().await;
    let (device_code, _) = bench.device_code(GRAPH).await;
    let body = format!("grant_type=device_code&client_id={DEFAULT_CLIENT}&device_code={device_code}");
    let response = bench
        .http
        .post(format!("{}/oauth2/v2.0/token", bench.sim.authority()))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("client-request-id", "11111111-0000-4000-8000-000000000009")
        .body(body)
        .send()
        .await
        .unwrap();
    let answer = Answer::read(response).await.unwrap();
    assert_eq!(answer.refusal(), (400, "authorization_pending", 70_016));
    assert_eq!(answer.field("correlation_id"), CORRELATION);
}

#[tokio::test]
async fn declined_expired_and_unknown_codes() {
    let bench = Bench::new().await;
    let (declined, user_code) = bench.device_code(GRAPH).await;
    bench.sim.control().decline(&user_code).unwrap();
    assert_eq!(bench.poll(&declined).await.refusal(), (400, "authorization_declined", 0));
    assert!(bench.sim.control().approve(&user_code, ADA).is_err());

    let (expired, user_code) = bench.device_code(GRAPH).await;
    bench.sim.control().advance(Duration::from_secs(900));
    assert_eq!(bench.poll(&expired).await.refusal(), (400, "expired_token", 70_020));
    assert!(bench.sim.control().approve(&user_code, ADA).is_err());

    assert_eq!(bench.poll("nonsense").await.refusal(), (400, "bad_verification_code", 70_018));
    assert_eq!(bench.poll("BAQABAAEAAADnonsense").await.refusal(), (400, "invalid_grant", 7_000_014));
}

#[tokio::test]
async fn a_code_belongs_to_its_client_and_tenant() {
    let bench = Bench::new().await;
    let (device_code, _) = bench.device_code(GRAPH).await;
    let other_client = [
        ("grant_type", URN),
        ("device_code", device_code.as_str()),
        ("client_id", entra_sim::AZURE_CLI_CLIENT),
    ];
    assert_eq!(bench.post("token", &other_client).await.refusal(), (400, "invalid_grant", 7_000_014));
    let url = format!("{}/common/oauth2/v2.0/token", bench.sim.origin());
    let body = format!("grant_type=device_code&client_id={DEFAULT_CLIENT}&device_code={device_code}");
    let request = bench.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
    let answer = Answer::read(request.send().await.unwrap()).await.unwrap();
    assert_eq!(answer.refusal(), (400, "invalid_grant", 7_000_014));
}

#[tokio::test]
async fn polls_faster_than_the_interval_are_slowed_down_when_asked() {
    let bench = Bench::new().await;
    bench.sim.control().set_rules(|rules| rules.enforce_interval = true);
    let (device_code, _) = bench.device_code(GRAPH).await;
    assert_eq!(bench.poll(&device_code).await.refusal().1, "authorization_pending");
    assert_eq!(bench.poll(&device_code).await.refusal(), (400, "slow_down", 0));
    bench.sim.control().advance(Duration::from_secs(5));
    assert_eq!(bench.poll(&device_code).await.refusal().1, "authorization_pending");
}

#[tokio::test]
async fn what_is_not_asked_is_not_given() {
    let bench = Bench::new().await;
    let (device_code, user_code) = bench.device_code("https://vault.azure.net/.default").await;
    bench.sim.control().approve(&user_code, ADA).unwrap();
    let answer = bench.post("token", &[("grant_type", "device_code"), ("device_code", &device_code)]).await;
    assert_eq!(answer.status, 200);
    for absent in ["refresh_token", "id_token", "client_info", "refresh_in"] {
        assert!(answer.json.get(absent).is_none(), "{absent} in {}", answer.text);
    }
}

#[rstest]
#[case::home(DEFAULT_TENANT, ADA, Some(DEFAULT_TENANT))]
#[case::guest(DEFAULT_TENANT, GWEN, Some(DEFAULT_TENANT))]
#[case::common("common", GWEN, Some(PARTNER_TENANT))]
#[case::domain("contoso.example", BOB, Some(DEFAULT_TENANT))]
#[case::not_a_member(PARTNER_TENANT, BOB, None)]
#[case::personal_in_organizations("organizations", MIA, None)]
#[case::personal("consumers", MIA, Some(entra_sim::CONSUMERS_TENANT))]
#[tokio::test]
async fn people_sign_in_where_they_belong(
    #[case] segment: &str,
    #[case] who: &str,
    #[case] tid: Option<&str>,
) {
    let bench = Bench::new().await;
    let base = format!("{}/{segment}/oauth2/v2.0", bench.sim.origin());
    let post = |leg: &str, body: String| {
        let request = bench.http.post(format!("{base}/{leg}")).body(body);
        request.header("content-type", "application/x-www-form-urlencoded").send()
    };
    let form = format!("client_id={DEFAULT_CLIENT}&scope=openid+profile+offline_access");
    let code = Answer::read(post("devicecode", form).await.unwrap()).await.unwrap();
    bench.sim.control().approve(code.field("user_code"), who).unwrap();
    let form = format!(
        "client_id={DEFAULT_CLIENT}&grant_type=device_code&client_info=1&device_code={}",
        code.field("device_code")
    );
    let answer = Answer::read(post("token", form).await.unwrap()).await.unwrap();
    match tid {
        None => assert_eq!(answer.refusal(), (400, "invalid_grant", 50_020)),
        Some(tid) => assert_eq!(claims(answer.field("id_token"))["tid"], tid),
    }
    if (segment, who) == (DEFAULT_TENANT, GWEN) {
        let home = claims(&format!(".{}", answer.field("client_info")));
        assert_eq!(home["utid"], PARTNER_TENANT);
        assert_ne!(home["uid"], claims(answer.field("id_token"))["oid"]);
    }
}

#[tokio::test]
async fn a_person_types_the_code_on_the_page() {
    let bench = Bench::new().await;
    let page = format!("{}/common/oauth2/deviceauth", bench.sim.origin());
    let (device_code, user_code) = bench.device_code(GRAPH).await;
    assert!(bench.get(&page).await.text.contains("name=\"user_code\""));
    let typed = |body: String| {
        bench.http.post(&page).header("content-type", "application/x-www-form-urlencoded").body(body).send()
    };
    assert_eq!(typed("user_code=WRONG&sim_user=ada%40example.com".to_owned()).await.unwrap().status(), 400);
    let done = typed(format!("user_code={user_code}&sim_user=bob%40example.com")).await.unwrap();
    assert_eq!(done.status(), 200);
    assert_eq!(claims(bench.poll(&device_code).await.field("id_token"))["preferred_username"], BOB);

    let (device_code, user_code) = bench.device_code(GRAPH).await;
    typed(format!("user_code={user_code}&sim_decline=1")).await.unwrap();
    assert_eq!(bench.poll(&device_code).await.refusal().1, "authorization_declined");
}

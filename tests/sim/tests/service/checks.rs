//! The checks that the service makes of a client, and discovery.

use entra_sim::{DEFAULT_CLIENT, DEFAULT_TENANT};
use rstest::rstest;

use crate::client::{Answer, Bench, URN};

#[rstest]
#[case::no_scope("devicecode", &[], (400, "invalid_request", 900_144))]
#[case::unknown_client("devicecode", &[("client_id", "00000000-0000-0000-0000-000000000bad"), ("scope", "openid")],
    (400, "unauthorized_client", 700_016))]
#[case::client_with_a_space("devicecode", &[("client_id", " 00000000-0000-0000-0000-00000000c11e"), ("scope", "openid")],
    (400, "unauthorized_client", 700_016))]
#[case::no_client("devicecode", &[("client_id", ""), ("scope", "openid")], (400, "invalid_request", 900_144))]
#[case::two_resources("devicecode", &[("scope", "https://a.example/.default https://b.example/.default")],
    (400, "invalid_scope", 70_011))]
#[case::default_and_named("devicecode", &[("scope", "https://a.example/.default https://a.example/read")],
    (400, "invalid_scope", 70_011))]
#[case::unknown_resource("devicecode", &[("scope", "https://api.invalid/.default")],
    (400, "invalid_resource", 500_011))]
#[case::resource_parameter("devicecode", &[("scope", "openid"), ("resource", "https://a.example")],
    (400, "invalid_request", 901_002))]
#[case::field_twice("devicecode", &[("scope", "openid"), ("scope", "openid")], (400, "invalid_request", 9_000_411))]
#[case::broken_claims("devicecode", &[("scope", "openid"), ("claims", "{")], (400, "invalid_request", 9_002_313))]
#[case::no_grant("token", &[], (400, "invalid_request", 900_144))]
#[case::bad_grant("token", &[("grant_type", "password")], (400, "unsupported_grant_type", 70_003))]
#[case::confidential_grant("token", &[("grant_type", "client_credentials")], (401, "invalid_client", 7_000_218))]
#[case::secret("token", &[("grant_type", "refresh_token"), ("client_secret", "x")], (401, "invalid_client", 700_025))]
#[case::no_device_code("token", &[("grant_type", URN)], (400, "invalid_request", 900_144))]
#[case::no_refresh_token("token", &[("grant_type", "refresh_token")], (400, "invalid_request", 900_144))]
#[case::resource_at_refresh("token", &[("grant_type", "refresh_token"), ("refresh_token", "1.A"), ("resource", "x")],
    (400, "invalid_request", 901_002))]
#[tokio::test]
async fn a_bad_client_is_found_out(
    #[case] leg: &str,
    #[case] fields: &[(&str, &str)],
    #[case] refusal: (u16, &str, u64),
) {
    let bench = Bench::new().await;
    let answer = bench.post(leg, fields).await;
    assert_eq!(answer.refusal(), refusal, "{}", answer.text);
    let description = answer.field("error_description");
    assert!(description.starts_with(&format!("AADSTS{}: ", refusal.2)), "{description}");
    for part in ["Trace ID: ", "Correlation ID: ", "Timestamp: "] {
        assert!(description.contains(part), "{description}");
    }
    assert!(answer.field("error_uri").ends_with(&format!("/error?code={}", refusal.2)));
    assert!(answer.field("timestamp").ends_with('Z') && !answer.field("timestamp").contains('T'));
}

#[tokio::test]
async fn two_resources_at_refresh() {
    let bench = Bench::new().await;
    let token = bench.sim.control().issue_refresh_token(entra_sim::ADA).unwrap();
    let scope = "https://a.example/.default https://b.example/.default";
    assert_eq!(bench.refresh(&token, scope).await.refusal(), (400, "invalid_request", 28_000));
}

#[tokio::test]
async fn a_client_that_is_not_public_gets_no_tokens() {
    let bench = Bench::new().await;
    bench.sim.control().set_rules(|rules| rules.allow_public_client = false);
    let (device_code, user_code) = bench.device_code("openid").await;
    assert_eq!(bench.poll(&device_code).await.refusal().1, "authorization_pending");
    bench.sim.control().approve(&user_code, entra_sim::ADA).unwrap();
    assert_eq!(bench.poll(&device_code).await.refusal(), (401, "invalid_client", 7_000_218));
}

#[tokio::test]
async fn only_forms_by_post() {
    let bench = Bench::new().await;
    let url = format!("{}/oauth2/v2.0/devicecode", bench.sim.authority());
    assert_eq!(bench.get(&url).await.refusal(), (400, "invalid_request", 900_561));
    let json =
        bench.http.post(&url).header("content-type", "application/json").body("{}").send().await.unwrap();
    assert_eq!(Answer::read(json).await.unwrap().refusal(), (400, "invalid_request", 9_002_313));
    let large = bench.http.post(&url).body(vec![b'x'; 600 * 1_024]).send().await.unwrap();
    assert_eq!(large.status(), 413);
    assert_eq!(bench.get(&format!("{}/nowhere", bench.sim.authority())).await.status, 404);
}

#[tokio::test]
async fn unknown_tenants() {
    let bench = Bench::new().await;
    for tenant in ["00000000-0000-0000-0000-000000000bad", "nowhere.invalid", "word"] {
        let url = format!("{}/{tenant}/oauth2/v2.0/devicecode", bench.sim.origin());
        let body = format!("client_id={DEFAULT_CLIENT}&scope=openid");
        let request =
            bench.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = Answer::read(request.send().await.unwrap()).await.unwrap();
        assert_eq!(answer.refusal(), (400, "invalid_request", 90_002));
        let url = format!("{}/{tenant}/v2.0/.well-known/openid-configuration", bench.sim.origin());
        assert_eq!(bench.get(&url).await.refusal(), (400, "invalid_tenant", 90_002));
    }
}

#[tokio::test]
async fn the_configuration_names_the_doors() {
    let bench = Bench::new().await;
    let origin = bench.sim.origin();
    for (segment, issuer) in
        [(DEFAULT_TENANT, DEFAULT_TENANT), ("contoso.example", DEFAULT_TENANT), ("common", "{tenantid}")]
    {
        let answer = bench.get(&format!("{origin}/{segment}/v2.0/.well-known/openid-configuration")).await;
        assert_eq!(answer.header("cache-control"), Some("max-age=86400, private"));
        assert_eq!(answer.field("issuer"), format!("{origin}/{issuer}/v2.0"));
        assert_eq!(answer.field("token_endpoint"), format!("{origin}/{segment}/oauth2/v2.0/token"));
        let devicecode = format!("{origin}/{segment}/oauth2/v2.0/devicecode");
        assert_eq!(answer.field("device_authorization_endpoint"), devicecode);
        let keys = bench.get(answer.field("jwks_uri")).await;
        assert_eq!(keys.json["keys"].as_array().map(Vec::len), Some(0));
    }
}

#[tokio::test]
async fn instance_discovery_knows_its_own_and_refuses_others() {
    let bench = Bench::new().await;
    let ask = |host: &str| {
        let endpoint: String =
            url::form_urlencoded::byte_serialize(format!("{host}/common/oauth2/v2.0/authorize").as_bytes())
                .collect();
        let origin = bench.sim.origin();
        format!("{origin}/common/discovery/instance?api-version=1.1&authorization_endpoint={endpoint}")
    };
    let own = bench.get(&ask(bench.sim.origin())).await;
    let host = bench.sim.origin().trim_start_matches("http://");
    assert_eq!(own.json["metadata"][0]["preferred_network"], host);
    assert!(
        own.field("tenant_discovery_endpoint").ends_with("/common/v2.0/.well-known/openid-configuration")
    );
    assert_eq!(bench.get(&ask("https://login.microsoftonline.com")).await.status, 200);
    let foreign = bench.get(&ask("https://login.evil.example")).await;
    assert_eq!(foreign.refusal(), (400, "invalid_instance", 50_049));
}

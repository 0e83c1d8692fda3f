//! What a refresh looks like from Entra's side: the form and each header that it is told by.

use entra_proto::cloud::Cloud;
use entra_proto::scope::Scopes;
use entrad::account::outcome::Outcome;
use entrad::account::refresh_token::RefreshToken;
use entrad::entra::Entra;
use entrad::entra::authority::{Authority, Owner};
use entrad::entra::claims::Claims;
use entrad::entra::refresh::RefreshRequest;
use entrad::entra::target::Target;
use mockito::{Matcher, Server};

const TENANT: &str = "99999999-8888-7777-6666-555555555555";
const CLIENT: &str = "00000000-0000-0000-0000-00000000c11e";

fn field(name: &str, value: &str) -> Matcher {
    Matcher::UrlEncoded(name.to_owned(), value.to_owned())
}

fn pattern(text: &str) -> Matcher {
    Matcher::Regex(text.to_owned())
}

/// The request that [`refresh`] makes must match in each part; mockito answers any other with 501.
#[tokio::test]
async fn form_and_headers_are_those_of_the_documented_request() {
    let mut server = Server::new_async().await;
    let expected = server
        .mock("POST", format!("/{TENANT}/oauth2/v2.0/token").as_str())
        .match_header("content-type", "application/x-www-form-urlencoded")
        .match_header("accept", "application/json")
        .match_header("user-agent", pattern(r"^entrad/\d+\.\d+\.\d+ \(\w+; \w+\)$"))
        .match_header("client-request-id", pattern("^[0-9a-f]{8}-[0-9a-f-]{27}$"))
        .match_header("return-client-request-id", "true")
        .match_header("x-client-sku", "entrad")
        .match_header("x-ms-lib-capability", "retry-after, h429")
        .match_header("x-anchormailbox", "Oid:u@t")
        .match_header("authorization", Matcher::Missing)
        .match_header("cookie", Matcher::Missing)
        .match_body(Matcher::AllOf(vec![
            field("grant_type", "refresh_token"),
            field("client_id", CLIENT),
            field("refresh_token", "the-refresh-token"),
            field("scope", "https://vault.azure.net//.default openid profile offline_access"),
            field("client_info", "1"),
            field("claims", r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"},"xms_cc":{"values":["cp1"]}}}"#),
        ]))
        .with_body(r#"{"token_type":"Bearer","access_token":"the-token","expires_in":3600}"#)
        .expect(1)
        .create_async()
        .await;
    let authority = Authority::custom(Cloud::Public, &server.url(), TENANT, Owner::User).unwrap();
    let target = Target::new(authority, CLIENT.parse().unwrap());
    let claims =
        Claims::parse(r#"{"access_token":{"nbf":{"essential":true, "value":"1604106651"}}}"#).unwrap();
    let request = RefreshRequest {
        refresh_token: &RefreshToken::new("the-refresh-token".to_owned()),
        scopes: &Scopes::of_resource("https://vault.azure.net/").unwrap(),
        claims: Some(&claims),
        cae: true,
        is_probe: false,
        account: &"u.t".parse().unwrap(),
    };
    let outcome = Entra::new().refresh(&target, request).await;
    let Outcome::Refreshed(grant) = outcome else { panic!("{outcome:?}") };
    assert_eq!(grant.access_token.expose(), "the-token");
    assert!(grant.refresh_token.is_none(), "the answer brought none, so the old one stays");
    expected.assert_async().await;
}

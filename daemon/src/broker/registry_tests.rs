//! Which requests reach Entra and the registry, and what is kept between them.

use std::sync::Arc;

use entra_proto::error::ErrorCode;

use super::super::tests::{broker, record};
use super::*;
use crate::entra::script::{SUCCESS, Script};

/// `{"iat":1497988712,"exp":1497999512}`: three hours.
const GRANTED: &str = r#"{"refresh_token":"e30.eyJpYXQiOjE0OTc5ODg3MTIsImV4cCI6MTQ5Nzk5OTUxMn0.sig"}"#;

fn request(registry: &str) -> RegistryRequest {
    RegistryRequest {
        registry: registry.to_owned(),
        account: Some("u.t".to_owned()),
        ..RegistryRequest::default()
    }
}

async fn ask(broker: &Arc<Broker>, registry: &str) -> Result<RegistryAnswer, ErrorBody> {
    broker.registry_token(registry, access_to_registry(&request(registry)), &Asker::Unknown).await
}

#[test]
fn a_lease_and_all_else_goes_along() {
    let lease = entra_proto::secret::LeaseSecret::new("entra_lease_x".to_owned());
    let request = RegistryRequest {
        profile: Some("p".to_owned()),
        tenant: Some("t".to_owned()),
        lease: Some(lease.clone()),
        ..request("r")
    };
    let access = access_to_registry(&request);
    assert_eq!(access.resource.as_deref(), Some("https://containerregistry.azure.net"));
    assert_eq!(
        (access.account.as_deref(), access.profile.as_deref(), access.tenant.as_deref(), access.lease),
        (Some("u.t"), Some("p"), Some("t"), Some(lease))
    );
}

#[tokio::test]
async fn a_pull_asks_entra_once_and_each_registry_once() {
    let script = Script::new();
    script.json(200, SUCCESS).json(200, GRANTED).json(200, GRANTED);
    let broker = broker(&script, [record("u.t", "rt")]).await;
    let first = ask(&broker, "contoso.azurecr.io").await.unwrap();
    assert!(first.refresh_token.expose().ends_with(".sig"));
    assert!(first.expires_on.is_some());
    let second = ask(&broker, "CONTOSO.azurecr.io").await.unwrap();
    assert_eq!(second.refresh_token, first.refresh_token);
    assert_eq!(script.asked().len(), 2);
    ask(&broker, "fabrikam.azurecr.io").await.unwrap();
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let script = Script::new();
    script.json(200, SUCCESS).json(503, "").json(200, GRANTED);
    let broker = broker(&script, [record("u.t", "rt")]).await;
    assert_eq!(ask(&broker, "contoso.azurecr.io").await.unwrap_err().code, ErrorCode::Unavailable);
    ask(&broker, "contoso.azurecr.io").await.unwrap();
}

#[tokio::test]
async fn no_access_token_is_asked_for_or_sent_to_a_stranger() {
    let script = Script::new();
    let broker = broker(&script, [record("u.t", "rt")]).await;
    assert_eq!(ask(&broker, "registry.example").await.unwrap_err().code, ErrorCode::Refused);
    assert!(script.asked().is_empty());
    script.json(200, SUCCESS);
    let error = ask(&broker, "contoso.azurecr.cn").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Refused);
    assert!(error.message.contains("another cloud"), "{}", error.message);
    assert_eq!(script.asked().len(), 1, "Entra alone was asked");
}

#[tokio::test]
async fn a_sign_out_drops_what_is_kept() {
    let script = Script::new();
    script.json(200, SUCCESS).json(200, GRANTED);
    let broker = broker(&script, [record("u.t", "rt")]).await;
    ask(&broker, "contoso.azurecr.io").await.unwrap();
    assert_eq!(broker.state().registries.kept.len(), 1);
    broker.sign_out("u.t", None).await.unwrap();
    assert!(broker.state().registries.kept.is_empty());
    assert_eq!(ask(&broker, "contoso.azurecr.io").await.unwrap_err().code, ErrorCode::SignInNeeded);
}

fn at(seconds: u64) -> Now {
    Now { boot: Duration::from_secs(seconds), wall: Duration::from_secs(1_000_000 + seconds) }
}

fn place(registry: usize) -> Place {
    let account = "u.t".parse().unwrap();
    Place { account, profile: None, registry: registry.to_string(), tenant: "t".to_owned() }
}

fn kept(life: u64) -> Kept {
    let expires = Deadline::after(at(0), Duration::from_secs(life));
    let token = RegistryToken::new("secret".to_owned());
    Kept { token, expires: Some(expires), served_until: expires }
}

#[test]
fn a_kept_token_is_served_until_its_end_and_then_dropped() {
    let mut registries = Registries::default();
    registries.keep(place(0), kept(100), at(0));
    let answer = registries.find(&place(0), at(99)).unwrap();
    assert_eq!(answer.expires_on, Some(1_000_100));
    assert_eq!(registries.find(&place(0), at(100)), None);
    registries.keep(place(1), kept(200), at(100));
    assert_eq!(registries.kept.len(), 1);
}

#[test]
fn no_more_are_kept_than_a_person_uses() {
    let mut registries = Registries::default();
    for registry in 0..=MOST {
        registries.keep(place(registry), kept(100), at(0));
    }
    assert_eq!(registries.kept.len(), MOST);
}

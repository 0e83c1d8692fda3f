//! The exchange with a container registry, as it travels.

use entra_proto::secret::AccessToken;
use entrad::entra::Entra;
use entrad::entra::registry::{Registry, RegistryError};

use super::fake::{Fake, Turn, json};

async fn exchange(turn: Turn) -> (Result<String, RegistryError>, super::fake::Heard) {
    let fake = Fake::start(vec![turn]).await;
    let registry = Registry::parse(fake.origin.strip_prefix("http://").unwrap()).unwrap();
    let token = AccessToken::new("at+secret".to_owned());
    let grant = Entra::new().registry_token(&registry, None, &token).await;
    (grant.map(|grant| grant.token.expose().to_owned()), fake.heard().remove(0))
}

#[tokio::test]
async fn a_registry_on_loopback_is_posted_the_form() {
    let (token, heard) = exchange(json(200, r#"{"refresh_token":"of-the-registry"}"#)).await;
    assert_eq!(token.unwrap(), "of-the-registry");
    assert!(heard.head.starts_with("POST /oauth2/exchange HTTP/1.1\r\n"), "{}", heard.head);
    assert_eq!(heard.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(heard.header("authorization"), None);
    let host = heard.header("host").unwrap();
    assert_eq!(heard.form["service"], host);
    assert_eq!(heard.form["access_token"], "at+secret");
    assert_eq!(
        heard.form.keys().map(String::as_str).collect::<Vec<_>>(),
        ["access_token", "grant_type", "service"]
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    // The scripted server takes one connection alone, so following would hang or fail otherwise.
    let turn = Turn::Raw(b"HTTP/1.1 307 X\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n".to_vec());
    let (token, _) = exchange(turn).await;
    assert!(matches!(token, Err(RegistryError::Failed { status: 307, .. })), "{token:?}");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let mut bytes = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    bytes.resize(2 * 1024 * 1024, b' ');
    let (token, _) = exchange(Turn::Raw(bytes)).await;
    assert!(matches!(token, Err(RegistryError::Unreached(_))), "{token:?}");
}

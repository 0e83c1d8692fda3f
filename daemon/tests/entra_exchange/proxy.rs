//! A proxy in the environment never sees a request to loopback.

use std::net::TcpListener;
use std::process::Command;

use entra_proto::scope::Scopes;
use entrad::config::Proxy;
use entrad::entra::Entra;
use entrad::entra::network::NetworkSettings;

use super::fake::{Fake, json};

/// Runs [`behind_a_proxy`] in a process of its own, whose environment names a proxy that answers nobody.
#[test]
fn no_proxy_sees_loopback() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "proxy::behind_a_proxy", "--ignored"])
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, &address);
    }
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    assert!(proxy.accept().is_err(), "the proxy was asked");
}

#[tokio::test]
async fn nor_does_one_of_the_settings() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let fake = Fake::start(vec![json(400, r#"{"error":"invalid_scope"}"#)]).await;
    let scopes = Scopes::of_resource("s").unwrap();
    let entra = Entra::new();
    entra.configure(NetworkSettings {
        https_proxy: Some(Proxy::new(address.clone())),
        http_proxy: Some(Proxy::new(address.clone())),
        all_proxy: Some(Proxy::new(address)),
        no_proxy: Some(String::new()),
        ..NetworkSettings::default()
    });
    entra.request_code(&fake.target_of("t"), &scopes, None, false).await.unwrap_err();
    assert_eq!(fake.heard().len(), 1);
    assert!(proxy.accept().is_err(), "the proxy was asked");
}

#[tokio::test]
#[ignore = "run by no_proxy_sees_loopback, in an environment with a proxy"]
async fn behind_a_proxy() {
    let fake = Fake::start(vec![json(400, r#"{"error":"invalid_scope"}"#)]).await;
    let scopes = Scopes::of_resource("s").unwrap();
    let outcome = Entra::new().request_code(&fake.target_of("t"), &scopes, None, false).await.unwrap_err();
    assert!(matches!(outcome, entrad::account::outcome::Outcome::Misconfigured(_)), "{outcome:?}");
    assert_eq!(fake.heard().len(), 1);
}

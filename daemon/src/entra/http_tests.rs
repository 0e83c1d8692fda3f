//! One client at a time, against servers of one connection.

use std::path::Path;

use entra_proto::cloud::Cloud;
use entra_proto::scope::Scopes;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::client::builder;
use super::*;
use crate::config::Proxy;
use crate::entra::authority::{Authority, Owner};
use crate::entra::form::Form;
use crate::entra::network::PassphraseFuture;
use crate::entra::no_reply::TlsTrouble;
use crate::entra::target::Target;

fn ask(origin: &str) -> Ask {
    let authority = Authority::custom(Cloud::Public, origin, "t", Owner::Administrator).unwrap();
    let target = Target::new(authority, "00000000-0000-0000-0000-00000000c11e".parse().unwrap());
    let form = Form::device_code(&target, &Scopes::of_resource("s").unwrap(), None);
    Ask { url: target.authority.token_endpoint(), form, correlation_id: "c-1".to_owned(), anchor: None }
}

/// Says `reply` to the first connection, and returns what it read there.
async fn once(reply: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
    times(1, reply).await
}

/// The same to each of so many.
async fn times(connections: usize, reply: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let mut all = String::new();
        for _ in 0..connections {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut heard = [0; 4096];
            let length = connection.read(&mut heard).await.unwrap();
            connection.write_all(reply.as_bytes()).await.unwrap();
            all.push_str(&String::from_utf8_lossy(&heard[..length]));
        }
        all
    });
    (port, heard)
}

#[tokio::test]
async fn clients_are_built_when_needed_and_dropped_after_two_failures() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let http = Http::default();
    assert!(http.state().loopback.is_none());
    for is_kept in [true, false] {
        assert_eq!(http.send(ask(&format!("http://{free}"))).await.unwrap_err(), NoReply::Connect);
        assert_eq!(http.state().loopback.is_some(), is_kept);
    }
    assert!(http.state().internet.is_none());
}

#[tokio::test]
async fn a_request_of_the_network_before_is_given_up_and_a_healthy_one_is_not() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = Http::default();
    let lost = http.post(ask(&format!("http://{}", silent.local_addr().unwrap())));
    let both = async {
        tokio::join!(
            async {
                let taken = silent.accept().await.unwrap();
                tokio::time::pause();
                http.rebuild();
                taken
            },
            lost
        )
    };
    let (taken, lost) = timeout(Duration::from_secs(60), both).await.unwrap();
    assert_eq!(lost.unwrap_err(), NoReply::TimeOut);
    drop(taken);
    tokio::time::resume();
    let (port, _heard) = once("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let healthy = http.post(ask(&format!("http://127.0.0.1:{port}")));
    http.rebuild();
    assert_eq!(healthy.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_proxy_that_wants_credentials_is_told_apart() {
    let reply = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
    let (port, heard) = times(2, reply).await;
    let http = Http::default();
    let proxy = format!("http://127.0.0.1:{port}");
    http.configure(NetworkSettings {
        https_proxy: Some(Proxy::new(proxy.clone())),
        ..NetworkSettings::default()
    });
    let why = http.send(ask("https://login.example.com")).await.unwrap_err();
    let sentence = format!("The proxy {proxy} asks for a user name and password.");
    assert_eq!((why.name(), why.sentence("login.example.com")), ("proxy_authentication", sentence));
    assert_eq!(
        heard.await.unwrap().matches("CONNECT login.example.com:443 ").count(),
        2,
        "once, and a second look"
    );
}

#[tokio::test]
async fn a_failed_handshake_is_told_apart() {
    let (port, _heard) = once("HTTP/1.1 400 this is no TLS\r\n\r\n").await;
    let error = Http::default().send(ask(&format!("https://localhost:{port}"))).await.unwrap_err();
    assert_eq!(error, NoReply::Tls(TlsTrouble::Protocol));
}

#[tokio::test]
async fn the_other_clock_is_measured_and_the_headers_are_ours() {
    let reply = "HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 2122 00:00:00 GMT\r\ncontent-length: 0\r\n\r\n";
    let (port, heard) = once(reply).await;
    let http = Http::default();
    assert_eq!(http.skew(), None);
    http.send(ask(&format!("http://127.0.0.1:{port}"))).await.unwrap();
    assert!(http.skew().unwrap() > 365 * 24 * 3600);
    let heard = heard.await.unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let (os, arch) = (env::consts::OS, env::consts::ARCH);
    for line in [
        "accept: application/json".to_owned(),
        "content-type: application/x-www-form-urlencoded".to_owned(),
        "client-request-id: c-1".to_owned(),
        "return-client-request-id: true".to_owned(),
        "x-client-sku: entrad".to_owned(),
        "x-ms-lib-capability: retry-after, h429".to_owned(),
        format!("user-agent: entrad/{version} ({os}; {arch})"),
    ] {
        assert!(heard.contains(&format!("\r\n{line}\r\n")), "{line} is not in {heard}");
    }
    assert!(!heard.contains("x-anchormailbox") && !heard.contains("cookie"));
}

#[test]
fn the_internet_is_reached_by_https_only() {
    let client = builder(false).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(client.get("http://login.example.com").send()).unwrap_err();
    assert!(error.is_builder());
}

#[rstest]
#[case("7", Some(7))]
#[case(" 7 ", Some(7))]
#[case("7200", Some(3600))]
#[case("Thu, 01 Jan 1970 00:02:00 GMT", Some(20))]
#[case("Thu, 01 Jan 1970 00:00:00 GMT", Some(0))]
#[case("-1", None)]
#[case("soon", None)]
fn retry_after_is_seconds_or_a_date_by_the_other_clock(#[case] value: &str, #[case] seconds: Option<u64>) {
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
    assert_eq!(parse_retry_after(value, Some(date)), seconds.map(Duration::from_secs));
}

#[tokio::test]
async fn a_changed_file_drops_the_clients_and_an_unchanged_one_does_not() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("ca.pem");
    std::fs::write(&path, "").unwrap();
    let http = Http::default();
    http.configure(NetworkSettings { ca_certificates: vec![path.clone()], ..NetworkSettings::default() });
    let is_kept = async |http: &Http| {
        let before = Arc::clone(&http.client(true).await.unwrap().proxies);
        move |after: &Built| Arc::ptr_eq(&before, &after.proxies)
    };
    let same = is_kept(&http).await;
    assert!(same(&http.client(true).await.unwrap()));
    assert!(http.warnings().iter().any(|warning| warning.contains("ca.pem")), "{:?}", http.warnings());
    let certificate = concat!(env!("CARGO_MANIFEST_DIR"), "/src/entra/network/samples/ec.pem");
    std::fs::copy(certificate, &path).unwrap();
    assert!(!same(&http.client(true).await.unwrap()), "it is read again");
    assert!(!http.warnings().iter().any(|warning| warning.contains("ca.pem")), "{:?}", http.warnings());
}

#[tokio::test]
async fn other_settings_drop_the_clients_and_bad_ones_are_told_of() {
    let http = Http::default();
    let before = http.client(true).await.unwrap();
    http.configure(NetworkSettings::default());
    assert!(Arc::ptr_eq(&before.proxies, &http.client(true).await.unwrap().proxies), "nothing changed");
    let bad = Proxy::new("ftp://ada:s3cret@proxy".to_owned());
    http.configure(NetworkSettings { all_proxy: Some(bad), ..NetworkSettings::default() });
    let why = http.client(false).await.err().unwrap();
    assert_eq!(why.name(), "proxy_address");
    assert!(!format!("{why:?}").contains("s3cret"));
}

/// Has a passphrase for the samples, and lets something happen before it gives it.
struct Meanwhile<F>(F);

impl<F: Fn() + Send + Sync> Passphrases for Meanwhile<F> {
    fn passphrase<'a>(&'a self, _file: Option<&'a Path>) -> PassphraseFuture<'a> {
        Box::pin(async move {
            self.0();
            Ok(Some(Zeroizing::new(b"s3cret".to_vec())))
        })
    }
}

#[tokio::test]
async fn a_client_of_files_that_changed_while_it_was_built_is_not_kept() {
    let sample =
        |name: &str| Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/entra/network/samples")).join(name);
    let http = Arc::new(Http::default());
    http.configure(NetworkSettings {
        client_certificate: Some(sample("ec.pem")),
        client_key: Some(sample("ec-pbkdf2.key")),
        ..NetworkSettings::default()
    });
    http.ask_for_passphrases(Arc::new(Meanwhile(|| {})));
    http.client(true).await.unwrap();
    assert!(http.state().loopback.is_some());
    http.rebuild();
    let other = Arc::downgrade(&http);
    http.ask_for_passphrases(Arc::new(Meanwhile(move || {
        // As another request does that finds them changed.
        other.upgrade().unwrap().unless_changed(Some(Stamp::default()), |_| None);
    })));
    http.client(true).await.unwrap();
    assert!(http.state().loopback.is_none());
}

#[tokio::test(start_paused = true)]
async fn files_that_are_not_read_in_time_are_said_to_be_slow() {
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let reading = tokio::spawn(off_thread(move || receiver.recv().is_ok()));
    tokio::task::yield_now().await;
    tokio::time::advance(FILES_TIMEOUT * 2).await;
    assert_eq!(reading.await.unwrap().unwrap_err().name(), "network_files_slow");
    drop(sender);
}

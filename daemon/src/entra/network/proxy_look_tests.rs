//! Proxies of one connection each, which say what they are told to.

use rstest::rstest;
use tokio::net::TcpListener;
use url::Url;

use super::super::{NetworkSettings, Proxies};
use super::*;
use crate::config::Proxy;

/// Looks at a proxy with this scheme and these credentials that gives the answers one after the other, each to one message,
/// and then closes the connection. What it heard comes back as well.
async fn look_at(scheme: &str, credentials: &str, answers: &[&[u8]]) -> (Option<ProxyTrouble>, Vec<u8>) {
    look_for("login.example", scheme, credentials, answers).await
}

/// The same for another host behind it.
async fn look_for(
    host: &str,
    scheme: &str,
    credentials: &str,
    answers: &[&[u8]],
) -> (Option<ProxyTrouble>, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers: Vec<Vec<u8>> = answers.iter().map(|answer| answer.to_vec()).collect();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        for answer in answers {
            let mut message = [0; 4096];
            let length = stream.read(&mut message).await.unwrap();
            heard.extend_from_slice(&message[..length]);
            stream.write_all(&answer).await.unwrap();
        }
        heard
    });
    let trouble = look(&way(&format!("{scheme}://{credentials}127.0.0.1:{port}")), host, 443).await;
    (trouble, heard.await.unwrap())
}

fn way(proxy: &str) -> Way {
    let settings =
        NetworkSettings { https_proxy: Some(Proxy::new(proxy.to_owned())), ..NetworkSettings::default() };
    let proxies = Proxies::choose(&settings, &|_: &str| None).unwrap();
    proxies.way_to(&Url::parse("https://login.example").unwrap()).unwrap()
}

#[rstest]
#[case(b"HTTP/1.1 200 Connection established\r\n\r\n", None)]
#[case(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", Some(ProxyTrouble::Credentials))]
#[case(b"HTTP/1.0 401 Unauthorized\r\n\r\n", Some(ProxyTrouble::Credentials))]
#[case(b"HTTP/1.1 403 Forbidden\r\n\r\n", Some(ProxyTrouble::Refused))]
#[case(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n", Some(ProxyTrouble::Refused))]
#[case(b"HTTP/1.1 302 Found\r\n\r\n", Some(ProxyTrouble::Refused))]
#[case(b"HTTP/1.1 502 Bad Gateway\r\n\r\n", Some(ProxyTrouble::Failed))]
#[case(b"HTTP/1.1 503 Service Unavailable\r\n\r\n", Some(ProxyTrouble::Failed))]
#[case(b"SSH-2.0-OpenSSH_9.2p1\r\n", Some(ProxyTrouble::NoProxy))]
#[case(b"", Some(ProxyTrouble::NoProxy))]
#[case(b"HTTP/1.1", Some(ProxyTrouble::NoProxy))]
#[tokio::test]
async fn what_an_http_proxy_says(#[case] answer: &[u8], #[case] expected: Option<ProxyTrouble>) {
    let (trouble, heard) = look_at("http", "ada:s3%20cret@", &[answer]).await;
    assert_eq!(trouble, expected);
    let heard = String::from_utf8(heard).unwrap();
    assert!(
        heard.starts_with("CONNECT login.example:443 HTTP/1.1\r\nHost: login.example:443\r\n"),
        "{heard}"
    );
    assert!(heard.contains(&format!("Basic {}\r\n", BASE64_STANDARD.encode("ada:s3 cret"))), "{heard}");
}

#[rstest]
#[case::open("", vec![&[5, 0][..], &[5, 0, 0, 1][..]], None)]
#[case::forbidden("", vec![&[5, 0][..], &[5, 2, 0, 1][..]], Some(ProxyTrouble::Refused))]
#[case::unreachable("", vec![&[5, 0][..], &[5, 4, 0, 1][..]], Some(ProxyTrouble::Failed))]
#[case::failed("", vec![&[5, 0][..], &[5, 1, 0, 1][..]], Some(ProxyTrouble::Failed))]
#[case::wants_a_user("", vec![&[5, 255][..]], Some(ProxyTrouble::Credentials))]
#[case::wants_one_and_says_so_by_its_method("", vec![&[5, 2][..]], Some(ProxyTrouble::Credentials))]
#[case::takes_the_user("ada:s3cret@", vec![&[5, 2][..], &[1, 0][..], &[5, 0, 0, 1][..]], None)]
#[case::refuses_the_user("ada:s3cret@", vec![&[5, 2][..], &[1, 1][..]], Some(ProxyTrouble::Credentials))]
#[case::hangs_up_on_the_user("ada:s3cret@", vec![&[5, 2][..], &[][..]], Some(ProxyTrouble::Credentials))]
#[case::needs_no_user("ada:s3cret@", vec![&[5, 0][..], &[5, 0, 0, 1][..]], None)]
#[case::no_socks("", vec![&b"HTTP/1.1 400 Bad Request\r\n"[..]], Some(ProxyTrouble::NoProxy))]
#[tokio::test]
async fn what_a_socks_proxy_says(
    #[case] credentials: &str,
    #[case] answers: Vec<&[u8]>,
    #[case] expected: Option<ProxyTrouble>,
) {
    let (trouble, _) = look_at("socks5h", credentials, &answers).await;
    assert_eq!(trouble, expected);
}

#[tokio::test]
async fn an_address_is_asked_for_as_one() {
    let (trouble, heard) = look_for("2001:db8::1", "http", "", &[&b"HTTP/1.1 200 OK\r\n\r\n"[..]]).await;
    let heard = String::from_utf8(heard).unwrap();
    assert_eq!(trouble, None);
    assert!(
        heard.starts_with("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n"),
        "{heard}"
    );
    // The port, and in front of it the kind of the address and the address.
    for (host, asked) in
        [("203.0.113.7", &[1, 203, 0, 113, 7, 1, 187][..]), ("::1", &[0, 0, 0, 0, 0, 1, 1, 187][..])]
    {
        let (trouble, heard) = look_for(host, "socks5h", "", &[&[5, 0][..], &[5, 0, 0, 1][..]]).await;
        assert_eq!(trouble, None);
        assert!(heard.ends_with(asked), "{host}: {heard:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for scheme in ["http", "https", "socks5h"] {
        let trouble = look(&way(&format!("{scheme}://{closed}")), "login.example", 443).await;
        assert_eq!(trouble, Some(ProxyTrouble::Unreachable), "{scheme}");
    }
    let trouble = look(&way("http://proxy.invalid:3128"), "login.example", 443).await;
    assert_eq!(trouble, Some(ProxyTrouble::Unresolved));
}

#[tokio::test]
async fn one_that_says_nothing_is_waited_for_five_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let way = way(&format!("http://{}", silent.local_addr().unwrap()));
    let (taken, trouble) = tokio::join!(
        async {
            let taken = silent.accept().await.unwrap();
            tokio::time::pause();
            taken
        },
        look(&way, "login.example", 443)
    );
    assert_eq!(trouble, Some(ProxyTrouble::Unreachable));
    drop(taken);
}

#[tokio::test]
async fn one_that_agrees_and_then_says_nothing_cannot_go_on() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let way = way(&format!("socks5h://{}", proxy.local_addr().unwrap()));
    let (taken, trouble) = tokio::join!(
        async {
            let (mut taken, _) = proxy.accept().await.unwrap();
            taken.read_exact(&mut [0; 3]).await.unwrap();
            taken.write_all(&[5, 0]).await.unwrap();
            // Five bytes before the name, and the port behind it.
            taken.read_exact(&mut [0; 5 + "login.example".len() + 2]).await.unwrap();
            tokio::time::pause();
            taken
        },
        look(&way, "login.example", 443)
    );
    assert_eq!(trouble, Some(ProxyTrouble::Failed));
    drop(taken);
}

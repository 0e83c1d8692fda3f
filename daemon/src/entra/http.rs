//! The HTTP client: built at the first need, dropped when the network changes, bounded in every direction.
//!
//! There are two: one for the internet, with the system's proxy, and one for loopback, which no proxy may
//! ever see. Proxy and resolver settings are read when a client is built and frozen in it, so two failed
//! connections in a row drop it. An idle client runs no timer: the pool's own ends with its last connection.
//!
//! A pooled connection whose network is gone is the slowest of failures: nothing refuses what is written to it.
//! So the kernel is told how long to wait for the other end's receipt, where it can be, and a request that is under way when the
//! network changes has a few seconds left: a healthy one needs no more.

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Response, StatusCode, redirect, tls};
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::authority::is_loopback;
use super::receipt;
use super::reply::{Ask, Exchange, MAX_BODY, NoReply, Reply};

/// The way out to the network.
#[derive(Default)]
pub(super) struct Http {
    state: Mutex<State>,
    /// Counts the changes of the network.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    internet: Option<Client>,
    loopback: Option<Client>,
    /// Connections that failed since the last that did not.
    failures: u32,
    /// Seconds that Entra's clock is ahead.
    skew: Option<i64>,
}

impl Http {
    /// Seconds that the other end's clock is ahead, by the last answer of the internet or loopback.
    pub(super) fn skew(&self) -> Option<i64> {
        self.state().skew
    }

    /// The network changed: drops the clients. Requests under way finish with theirs, soon or not at all.
    pub(super) fn rebuild(&self) {
        self.drop_clients();
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn drop_clients(&self) {
        let mut state = self.state();
        state.internet = None;
        state.loopback = None;
        state.failures = 0;
    }

    async fn send(&self, ask: Ask) -> Result<Reply, NoReply> {
        let client = self.client(is_loopback(&ask.url)).await?;
        let headers = headers(&ask.correlation_id, ask.anchor.as_deref());
        let request = client.post(ask.url).headers(headers).body(ask.form.into_body());
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                if error.is_connect() {
                    self.count_failure();
                }
                return Err(classify(&error));
            }
        };
        let date = header(&response, &DATE).and_then(|date| httpdate::parse_http_date(date).ok());
        {
            let mut state = self.state();
            state.failures = 0;
            state.skew = date.map(seconds_ahead).or(state.skew);
        }
        if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(NoReply::Proxy);
        }
        read(response, date).await
    }

    /// The client, built if there is none. Building reads the system's certificates, so it is done off the
    /// threads that answer callers.
    async fn client(&self, is_loopback: bool) -> Result<Client, NoReply> {
        let slot = |state: &State| if is_loopback { state.loopback.clone() } else { state.internet.clone() };
        if let Some(client) = slot(&self.state()) {
            return Ok(client);
        }
        let changes = *self.changes.borrow();
        let built = tokio::task::spawn_blocking(move || builder(is_loopback).build());
        let client = built.await.map_err(|_| NoReply::Client)?.map_err(|_| NoReply::Client)?;
        // One that read the settings of a network that is gone meanwhile serves this request alone.
        if changes == *self.changes.borrow() {
            let mut state = self.state();
            *(if is_loopback { &mut state.loopback } else { &mut state.internet }) = Some(client.clone());
        }
        Ok(client)
    }

    fn count_failure(&self) {
        let mut state = self.state();
        state.failures += 1;
        if state.failures >= FAILURES_BEFORE_REBUILD {
            drop(state);
            self.drop_clients();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchange for Http {
    fn post(&self, ask: Ask) -> Pin<Box<dyn Future<Output = Result<Reply, NoReply>> + Send + '_>> {
        let mut changes = self.changes.subscribe();
        Box::pin(async move {
            let is_given_up = async {
                // The sender lives as long as this value.
                if changes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(GRACE).await;
            };
            tokio::select! {
                biased;
                reply = self.send(ask) => reply,
                () = is_given_up => Err(NoReply::TimeOut),
            }
        })
    }
}

fn builder(is_loopback: bool) -> ClientBuilder {
    let builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .pool_max_idle_per_host(1)
        .redirect(redirect::Policy::none())
        .referer(false)
        .tls_version_min(tls::Version::TLS_1_2)
        .user_agent(user_agent());
    let builder = receipt::bounded(builder, RECEIPT_TIMEOUT);
    if is_loopback {
        let here: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        let here = here.map(|address| SocketAddr::new(address, 0));
        builder.no_proxy().resolve_to_addrs("localhost", &here)
    } else {
        builder.https_only(true)
    }
}

/// Conditional Access and the sign-in logs read the platform from it.
fn user_agent() -> String {
    let (version, os, arch) = (env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    format!("entrad/{version} ({os}; {arch})")
}

/// What every request says about itself: our own name, never that of Microsoft's libraries. `retry-after,
/// h429` asks for an honest 429 instead of an `invalid_grant` that means the same.
fn headers(correlation_id: &str, anchor: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    for (name, value) in [
        ("client-request-id", correlation_id),
        ("return-client-request-id", "true"),
        ("x-client-sku", "entrad"),
        ("x-client-ver", env!("CARGO_PKG_VERSION")),
        ("x-client-os", std::env::consts::OS),
        ("x-client-cpu", std::env::consts::ARCH),
        ("x-ms-lib-capability", "retry-after, h429"),
        ("x-anchormailbox", anchor.unwrap_or_default()),
    ] {
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(value)) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

/// Reads the body up to the limit, into memory that is wiped. What hyper held is freed heap, which the
/// allocator wipes.
async fn read(mut response: Response, date: Option<SystemTime>) -> Result<Reply, NoReply> {
    let status = response.status().as_u16();
    let retry_after = header(&response, &RETRY_AFTER).and_then(|value| parse_retry_after(value, date));
    let request_id = header(&response, &REQUEST_ID).map(str::to_owned);
    let mut body = Zeroizing::new(Vec::with_capacity(FIRST_ROOM));
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(NoReply::TooLarge);
        }
        if body.len() + chunk.len() > body.capacity() {
            let mut bigger = Vec::with_capacity(2 * (body.len() + chunk.len()));
            bigger.extend_from_slice(&body);
            body = Zeroizing::new(bigger);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, retry_after, request_id, body })
}

fn header<'a>(response: &'a Response, name: &HeaderName) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// Seconds, or an HTTP date, which is measured by the other end's clock (RFC 9110 §10.2.3).
fn parse_retry_after(value: &str, date: Option<SystemTime>) -> Option<Duration> {
    let after = match value.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = httpdate::parse_http_date(value.trim()).ok()?;
            until.duration_since(date.unwrap_or_else(SystemTime::now)).unwrap_or_default()
        }
    };
    Some(after.min(MAX_RETRY_AFTER))
}

fn seconds_ahead(date: SystemTime) -> i64 {
    let (ahead, sign) = match date.duration_since(SystemTime::now()) {
        Ok(ahead) => (ahead, 1),
        Err(behind) => (behind.duration(), -1),
    };
    sign * i64::try_from(ahead.as_secs()).unwrap_or(i64::MAX)
}

/// What kind of failure it was. TLS errors travel as `InvalidData` under the connector's error, by the
/// convention of tokio-rustls; a proxy's refusal of a tunnel has no type to ask for, only a text.
fn classify(error: &reqwest::Error) -> NoReply {
    let causes = || std::iter::successors(error.source(), |&cause| cause.source());
    if error.is_timeout() {
        return NoReply::TimeOut;
    }
    if !error.is_connect() {
        return if error.is_builder() { NoReply::Client } else { NoReply::Broken };
    }
    if causes().any(is_tls) {
        NoReply::Tls
    } else if causes().any(|cause| cause.to_string().contains("proxy authorization required")) {
        NoReply::Proxy
    } else {
        NoReply::Connect
    }
}

/// `source()` skips errors that an `io::Error` wraps, so those are unwrapped here.
fn is_tls(cause: &(dyn Error + 'static)) -> bool {
    let mut wrapped = cause.downcast_ref::<io::Error>();
    while let Some(error) = wrapped {
        if error.kind() == io::ErrorKind::InvalidData {
            return true;
        }
        wrapped = error.get_ref().and_then(|inner| inner.downcast_ref());
    }
    false
}

/// Name resolution, TCP and TLS. A healthy network needs far less than a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// For the other end's receipt of what was sent, whatever it makes of it (RFC 5482); of a connection's first
/// packet too. A healthy network needs milliseconds, and the kernel sends again several times meanwhile.
const RECEIPT_TIMEOUT: Duration = Duration::from_secs(5);

/// Everything up to the end of the body. Entra answers within two seconds, seldom within ten.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// What a request under way has left once the network changed. Entra answers within two seconds, seldom within
/// ten; most changes (an address renewed, a container started) leave the connection alone.
const GRACE: Duration = Duration::from_secs(5);

/// Long enough for the next poll of a sign-in, short enough that an idle daemon soon has no connection.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// One failure is a hiccup; two in a row may be a network with another proxy.
const FAILURES_BEFORE_REBUILD: u32 = 2;

/// Microsoft's libraries cap `Retry-After` at an hour.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Room for a whole token answer, so that it is seldom moved.
const FIRST_ROOM: usize = 32 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");

#[cfg(test)]
mod tests {
    use entra_proto::cloud::Cloud;
    use entra_proto::scope::Scopes;
    use rstest::rstest;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::entra::authority::{Authority, Owner};
    use crate::entra::form::Form;
    use crate::entra::target::Target;

    fn ask(origin: &str) -> Ask {
        let authority = Authority::custom(Cloud::Public, origin, "t", Owner::Administrator).unwrap();
        let target = Target::new(authority, "00000000-0000-0000-0000-00000000c11e".parse().unwrap());
        let form = Form::device_code(&target, &Scopes::of_resource("s").unwrap(), None);
        Ask { url: target.authority.token_endpoint(), form, correlation_id: "c-1".to_owned(), anchor: None }
    }

    /// Says `reply` to the first connection, and returns what it read there.
    async fn once(reply: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut heard = [0; 4096];
            let length = connection.read(&mut heard).await.unwrap();
            connection.write_all(reply.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&heard[..length]).into_owned()
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
        let (taken, lost) = tokio::join!(
            async {
                let taken = silent.accept().await.unwrap();
                tokio::time::pause();
                http.rebuild();
                taken
            },
            lost
        );
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
        let (port, heard) =
            once("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n").await;
        let proxy = reqwest::Proxy::all(format!("http://127.0.0.1:{port}")).unwrap();
        let http = Http::default();
        http.state().internet = Some(builder(false).proxy(proxy).build().unwrap());
        assert_eq!(http.send(ask("https://login.example.com")).await.unwrap_err(), NoReply::Proxy);
        assert!(heard.await.unwrap().starts_with("CONNECT login.example.com:443 "));
    }

    #[tokio::test]
    async fn a_failed_handshake_is_told_apart() {
        let (port, _heard) = once("HTTP/1.1 400 this is no TLS\r\n\r\n").await;
        let error = Http::default().send(ask(&format!("https://localhost:{port}"))).await.unwrap_err();
        assert_eq!(error, NoReply::Tls);
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
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
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
    fn retry_after_is_seconds_or_a_date_by_the_other_clock(
        #[case] value: &str,
        #[case] seconds: Option<u64>,
    ) {
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        assert_eq!(parse_retry_after(value, Some(date)), seconds.map(Duration::from_secs));
    }
}

//! The HTTP client: built at the first need, dropped when the network changes, bounded in every direction.
//!
//! There are two: one for the internet, with the system's proxy, and one for loopback, which no proxy may
//! ever see. Proxy and resolver settings are read when a client is built and frozen in it, so two failed
//! connections in a row drop it. An idle client runs no timer: the pool's own ends with its last connection.
//!
//! A pooled connection whose network is gone is the slowest of failures: nothing refuses what is written to it.
//! So the kernel is told how long to wait for the other end's receipt, where it can be, and a request that is under way when the
//! network changes has a few seconds left: a healthy one needs no more.
//!
//! The files that a client was built from are looked at before each request, and it is built anew when one of them changed.

use std::env;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use entra_proto::secret::AccessToken;
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use rustls::client::danger::ServerCertVerifier;
use tokio::sync::watch;
use tokio::time::timeout;
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::authority::is_loopback;
use super::classify::{classify, said_of_certificate};
use super::client::{Built, build, build_watched};
use super::network::{self, NetworkError, NetworkSettings, Passphrases, Proxies, Stamp, Way};
use super::no_reply::{NoReply, ProxyTrouble};
use super::reply::{Ask, Exchange, MAX_BODY, Reply};
use crate::metrics::METRICS;

/// The way out to the network.
#[derive(Default)]
pub(super) struct Http {
    state: Mutex<State>,
    /// Counts the changes of the network.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    settings: NetworkSettings,
    passphrases: Option<Arc<dyn Passphrases>>,
    /// What the files were like that the clients were built from.
    stamp: Option<Stamp>,
    warnings: Vec<String>,
    internet: Option<Built>,
    loopback: Option<Built>,
    /// Connections that failed since the last that did not.
    failures: u32,
    /// Seconds that Entra's clock is ahead.
    skew: Option<i64>,
}

impl Http {
    /// Puts other settings in force, at the next request.
    pub(super) fn configure(&self, settings: NetworkSettings) {
        let is_news = std::mem::replace(&mut self.state().settings, settings.clone()) != settings;
        if is_news {
            self.drop_clients();
        }
    }

    pub(super) fn ask_for_passphrases(&self, passphrases: Arc<dyn Passphrases>) {
        self.state().passphrases = Some(passphrases);
    }

    pub(super) fn way_to(&self, url: &Url) -> Result<Option<Way>, NetworkError> {
        let settings = self.state().settings.clone();
        Ok(Proxies::choose(&settings, &|name: &str| env::var_os(name))?.way_to(url))
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        self.state().warnings.clone()
    }

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
        let Built { client, proxies, shows_certificate } = self.client(is_loopback(&ask.url)).await?;
        let way = proxies.way_to(&ask.url);
        let url = ask.url.clone();
        let headers = headers(&ask.correlation_id, ask.anchor.as_deref());
        let request = client.post(ask.url).headers(headers).body(ask.form.into_body());
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                let is_connect = error.is_connect();
                if is_connect {
                    self.count_failure();
                }
                return Err(why(&error, way.as_ref(), &url, shows_certificate).await);
            }
        };
        let date = header(&response, &DATE).and_then(|date| httpdate::parse_http_date(date).ok());
        {
            let mut state = self.state();
            state.failures = 0;
            state.skew = date.map(seconds_ahead).or(state.skew);
        }
        if let (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some(way)) = (response.status(), way) {
            return Err(NoReply::by_proxy(&way, ProxyTrouble::Credentials));
        }
        read(response, date, shows_certificate).await
    }

    /// An empty POST by the bearer of a token, to a service that takes tokens. Ends as every request does.
    pub(super) async fn post_as(&self, url: Url, token: &AccessToken) -> Result<Reply, NoReply> {
        let Built { client, shows_certificate, .. } = self.client(is_loopback(&url)).await?;
        let headers = headers(&Uuid::new_v4().to_string(), None);
        let request = client.post(url).headers(headers).bearer_auth(token.expose()).body("");
        let response = request.send().await.map_err(|error| classify(&error, shows_certificate))?;
        read(response, None, shows_certificate).await
    }

    /// A client of one's own for a look at the way, built from the same: `witness` looks on as certificates are verified. Says too
    /// whether it has a certificate of ours to show.
    pub(super) async fn watched_client(
        &self,
        is_loopback: bool,
        witness: impl FnOnce(Arc<dyn ServerCertVerifier>) -> Arc<dyn ServerCertVerifier> + Send + 'static,
    ) -> Result<(Client, bool), NoReply> {
        let settings = self.state().settings.clone();
        let passphrase = self.passphrase(&settings).await?;
        let shows_certificate = settings.client_certificate.is_some();
        let built = move || build_watched(&settings, passphrase.as_ref(), is_loopback, witness);
        let (client, warnings) = off_thread(built).await??;
        self.note_warnings(warnings);
        Ok((client, shows_certificate))
    }

    /// The client, built if there is none or if it was built from files that have changed. That reads the system's
    /// certificates, so it is done off the threads that answer callers.
    async fn client(&self, is_loopback: bool) -> Result<Built, NoReply> {
        let settings = self.state().settings.clone();
        let looked = settings.clone();
        let stamp = off_thread(move || network::stamp(&looked, &|name: &str| env::var_os(name))).await;
        let slot = |state: &State| if is_loopback { state.loopback.clone() } else { state.internet.clone() };
        if let Some(built) = self.unless_changed(stamp.ok(), slot) {
            return Ok(built);
        }
        let changes = *self.changes.borrow();
        let stamp = self.state().stamp.clone();
        let passphrase = self.passphrase(&settings).await?;
        let from = settings.clone();
        let built = off_thread(move || build(&from, passphrase.as_ref(), is_loopback)).await??;
        self.note_warnings(built.1);
        // One of settings, of files or of a network that are others meanwhile serves this request alone.
        let mut state = self.state();
        if changes == *self.changes.borrow() && settings == state.settings && stamp == state.stamp {
            *(if is_loopback { &mut state.loopback } else { &mut state.internet }) = Some(built.0.clone());
        }
        Ok(built.0)
    }

    /// The client that there is, unless a file that it was built from has changed: then both are dropped. Where the files cannot
    /// be looked at in time, they count as they were.
    fn unless_changed(&self, stamp: Option<Stamp>, slot: impl Fn(&State) -> Option<Built>) -> Option<Built> {
        let mut state = self.state();
        if let Some(stamp) = stamp
            && state.stamp.as_ref() != Some(&stamp)
        {
            if state.internet.is_some() || state.loopback.is_some() {
                tracing::info!("certificates have changed and are read again");
            }
            state.stamp = Some(stamp);
            state.internet = None;
            state.loopback = None;
        }
        slot(&state)
    }

    /// The passphrase of the client's key, where it has one.
    async fn passphrase(&self, settings: &NetworkSettings) -> Result<Option<Zeroizing<Vec<u8>>>, NoReply> {
        let asked = settings.clone();
        if !off_thread(move || network::needs_passphrase(&asked)).await? {
            return Ok(None);
        }
        let Some(passphrases) = self.state().passphrases.clone() else { return Ok(None) };
        let had = passphrases.passphrase(settings.client_key_passphrase_file.as_deref()).await;
        had.map_err(|reason| NoReply::Settings(Box::new(NetworkError::PassphraseUnavailable { reason })))
    }

    /// Says them once, and again when they are others.
    fn note_warnings(&self, warnings: Vec<String>) {
        let before = std::mem::replace(&mut self.state().warnings, warnings.clone());
        if before != warnings {
            for warning in warnings {
                tracing::warn!("{warning}");
            }
        }
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
                reply = async {
                    let begun = Instant::now();
                    let reply = self.send(ask).await;
                    if reply.is_ok() {
                        METRICS.entra_answered(begun.elapsed());
                    }
                    reply
                } => reply,
                () = is_given_up => Err(NoReply::TimeOut),
            }
        })
    }
}

/// Why nothing came from there. The HTTP library does not say what a proxy answered, so the proxy is asked again.
pub(super) async fn why(
    error: &reqwest::Error,
    way: Option<&Way>,
    url: &Url,
    shows_certificate: bool,
) -> NoReply {
    let why = classify(error, shows_certificate);
    match way {
        Some(way) if error.is_connect() && !matches!(why, NoReply::Tls(_)) => {
            blamed(way, url).await.unwrap_or(why)
        }
        _ => why,
    }
}

/// What the proxy is to be blamed for, if it is.
async fn blamed(way: &Way, url: &Url) -> Option<NoReply> {
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']');
    let trouble = network::look(way, host, url.port_or_known_default()?).await?;
    Some(NoReply::by_proxy(way, trouble))
}

/// Runs what reads files.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, NoReply> {
    match timeout(FILES_TIMEOUT, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(NoReply::Client),
        Err(_) => Err(NoReply::Settings(Box::new(NetworkError::Slow))),
    }
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
        ("x-client-os", env::consts::OS),
        ("x-client-cpu", env::consts::ARCH),
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
pub(super) async fn read(
    mut response: Response,
    date: Option<SystemTime>,
    shows_certificate: bool,
) -> Result<Reply, NoReply> {
    let status = response.status().as_u16();
    let retry_after = header(&response, &RETRY_AFTER).and_then(|value| parse_retry_after(value, date));
    let request_id = header(&response, &REQUEST_ID).map(str::to_owned);
    let mut body = Zeroizing::new(Vec::with_capacity(FIRST_ROOM));
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error, shows_certificate))? {
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
    match said_of_certificate(status, &body) {
        Some(trouble) => Err(NoReply::Tls(trouble)),
        None => Ok(Reply { status, retry_after, request_id, body }),
    }
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

pub(super) fn seconds_ahead(date: SystemTime) -> i64 {
    let (ahead, sign) = match date.duration_since(SystemTime::now()) {
        Ok(ahead) => (ahead, 1),
        Err(behind) => (behind.duration(), -1),
    };
    sign * i64::try_from(ahead.as_secs()).unwrap_or(i64::MAX)
}

/// What a request under way has left once the network changed. Entra answers within two seconds, seldom within
/// ten; most changes (an address renewed, a container started) leave the connection alone.
const GRACE: Duration = Duration::from_secs(5);

/// One failure is a hiccup; two in a row may be a network with another proxy.
const FAILURES_BEFORE_REBUILD: u32 = 2;

/// For reading certificates. A home folder on another machine may not answer at all.
const FILES_TIMEOUT: Duration = Duration::from_secs(10);

/// Microsoft's libraries cap `Retry-After` at an hour.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Room for a whole token answer, so that it is seldom moved.
const FIRST_ROOM: usize = 32 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;

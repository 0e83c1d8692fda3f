//! Where a browser brings the answer of a sign-in page back: a port on loopback for one answer (RFC 8252 §7.3, §8.3).
//!
//! Any page in any browser, and any program of any user, can speak to it. What does not carry the `state` of this sign-in
//! is refused and changes nothing; the first answer that does is the last one taken. Connections that say nothing make
//! room for newer ones. The one that brought the answer stays, so that the person reads how it really ended.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderMap, REFERRER_POLICY};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use subtle::ConstantTimeEq;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use zeroize::Zeroizing;

/// The port, open from now.
pub struct Redirect {
    listeners: Vec<TcpListener>,
    port: u16,
}

/// Tells the user at the other end of a connection, from its address here and its address there, where that is known to be
/// another one than ours.
pub type Stranger = fn(SocketAddr, SocketAddr) -> Option<u32>;

/// What the browser brought.
#[derive(Debug)]
pub enum Returned {
    /// The code to redeem.
    Code(Zeroizing<String>),
    /// The page's refusal, as it was written (RFC 6749 §4.1.2.1).
    Error {
        /// The error.
        error: String,
        /// Its description, which names the number.
        description: String,
    },
}

/// A browser that waits to be told how it ended.
pub struct Arrived {
    /// What it brought.
    pub returned: Returned,
    page: Option<oneshot::Sender<String>>,
    connections: JoinSet<()>,
}

impl Redirect {
    /// Opens a free port, on both loopback addresses where there are two: `localhost` is either.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn open() -> io::Result<Self> {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = first.local_addr()?.port();
        let mut listeners = vec![first];
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            Ok(second) => listeners.push(second),
            Err(error) => tracing::debug!(%error, "a browser is awaited on IPv4 alone"),
        }
        Ok(Self { listeners, port })
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits for the answer with this `state`. Dropping the future closes the port and whatever is connected.
    ///
    /// A `stranger` is sent away: who reads the command line of the browser has the `state` too.
    pub async fn answer(self, state: &str, stranger: Stranger) -> Arrived {
        let (tell, mut told) = oneshot::channel();
        let wanted = Arc::new(Wanted {
            port: self.port,
            state: Zeroizing::new(state.to_owned()),
            tell: Mutex::new(Some(tell)),
        });
        let mut connections = JoinSet::new();
        let mut oldest_first: VecDeque<AbortHandle> = VecDeque::new();
        loop {
            tokio::select! {
                biased;
                found = &mut told => match found {
                    Ok((returned, page)) => return Arrived { returned, page: Some(page), connections },
                    // The sender lives in `wanted`, which lives here.
                    Err(_) => std::future::pending().await,
                },
                _ = connections.join_next(), if !connections.is_empty() => {
                    oldest_first.retain(|connection| !connection.is_finished());
                }
                stream = accept(&self.listeners, stranger) => {
                    // A browser says what it has to say at once; who has not may be keeping others out.
                    if oldest_first.len() >= MOST_CONNECTIONS && let Some(oldest) = oldest_first.pop_front() {
                        oldest.abort();
                    }
                    oldest_first.push_back(connections.spawn(serve(stream, Arc::clone(&wanted))));
                }
            }
        }
    }
}

impl Arrived {
    /// Takes out what the browser brought, for whoever redeems it.
    pub fn take(&mut self) -> Returned {
        let nothing = Returned::Error { error: String::new(), description: String::new() };
        std::mem::replace(&mut self.returned, nothing)
    }

    /// Shows the person how it ended, and closes. Ends within a few seconds.
    pub async fn show(mut self, title: &str, sentence: &str) {
        if let Some(tell) = self.page.take() {
            // A browser that has gone is told nothing.
            let _ = tell.send(page(title, sentence));
        }
        let _ = timeout(FAREWELL, async { while self.connections.join_next().await.is_some() {} }).await;
    }
}

type Found = (Returned, oneshot::Sender<String>);

struct Wanted {
    port: u16,
    state: Zeroizing<String>,
    /// Taken by the first answer.
    tell: Mutex<Option<oneshot::Sender<Found>>>,
}

async fn accept(listeners: &[TcpListener], stranger: Stranger) -> TcpStream {
    loop {
        let accepted = match listeners {
            [one] => one.accept().await,
            [one, two, ..] => {
                tokio::select! { stream = one.accept() => stream, stream = two.accept() => stream }
            }
            [] => std::future::pending().await,
        };
        match accepted {
            Ok((stream, theirs)) => match stream.local_addr().ok().and_then(|ours| stranger(ours, theirs)) {
                None => return stream,
                Some(user) => tracing::warn!(
                    "a process of user {user} connected in a browser's place; it was sent away"
                ),
            },
            Err(error) => {
                tracing::debug!(%error, "a browser could not be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, wanted: Arc<Wanted>) {
    let service = service_fn(|request| respond(request, Arc::clone(&wanted)));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(READ_LIMIT).max_buf_size(MAX_HEAD).keep_alive(false);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    if !matches!(timeout(CONNECTION_LIMIT, connection).await, Ok(Ok(()))) {
        tracing::debug!("a browser's connection ended early");
    }
}

async fn respond(
    request: Request<Incoming>,
    wanted: Arc<Wanted>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if !wanted.is_here(request.method(), request.uri(), request.headers()) {
        return Ok(response(StatusCode::NOT_FOUND, page("Nothing is here", NOT_OURS)));
    }
    let fields = match *request.method() {
        Method::POST => {
            let body = timeout(READ_LIMIT, Limited::new(request.into_body(), MAX_BODY).collect()).await;
            body.ok().and_then(Result::ok).map(|body| Zeroizing::new(body.to_bytes().to_vec()))
        }
        _ => request.uri().query().map(|query| Zeroizing::new(query.as_bytes().to_vec())),
    };
    let Some(returned) = fields.and_then(|fields| returned(&wanted.state, &fields)) else {
        return Ok(response(StatusCode::BAD_REQUEST, page("Not this sign-in", NOT_OURS)));
    };
    let tell = wanted.tell.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (show, shown) = oneshot::channel();
    let is_taken = tell.is_some_and(|tell| tell.send((returned, show)).is_ok());
    if !is_taken {
        return Ok(response(StatusCode::GONE, page("Already answered", ALREADY)));
    }
    // Whoever redeems the code may be cancelled meanwhile.
    Ok(response(StatusCode::OK, shown.await.unwrap_or_else(|_| page("Sign-in ended", CANCELLED))))
}

impl Wanted {
    /// Whether it is the redirect's own address: another name that leads here is no redirect of ours.
    fn is_here(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
        let is_ours = host.strip_suffix(&format!(":{}", self.port)).is_some_and(|name| name == "localhost");
        is_ours
            && hosts.next().is_none()
            && matches!(*method, Method::GET | Method::POST)
            && uri.path() == "/"
    }
}

/// The answer in these fields, if it is one to the sign-in of this `state`.
pub(super) fn returned(state: &str, fields: &[u8]) -> Option<Returned> {
    let one = |wanted: &str| {
        let mut found = url::form_urlencoded::parse(fields).filter(|(name, _)| name == wanted);
        let first = found.next().map(|(_, value)| Zeroizing::new(value.into_owned()));
        // Twice is a forgery, or a defect whose other half could be meant.
        first.filter(|_| found.next().is_none())
    };
    if !bool::from(one("state")?.as_bytes().ct_eq(state.as_bytes())) {
        return None;
    }
    match (one("code"), one("error")) {
        (Some(code), None) if !code.is_empty() => Some(Returned::Code(code)),
        (None, Some(error)) => Some(Returned::Error {
            error: error.to_string(),
            description: one("error_description").map(|text| text.to_string()).unwrap_or_default(),
        }),
        _ => None,
    }
}

fn response(status: StatusCode, page: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ] {
        headers.insert(name, hyper::header::HeaderValue::from_static(value));
    }
    response
}

/// A page without script, style or anything from elsewhere; the browser's own colours suit light and dark.
fn page(title: &str, sentence: &str) -> String {
    let (title, sentence) = (escaped(title), escaped(sentence));
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title} - entrad</title></head>\
         <body><main><h1>{title}</h1><p>{sentence}</p></main></body></html>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const NOT_OURS: &str =
    "This does not belong to a sign-in that entrad waits for. Nothing was changed; you can close this page.";
const ALREADY: &str = "This sign-in was answered before. You can close this page.";
const CANCELLED: &str = "The sign-in was cancelled. You can close this page; `entra login` starts another.";

/// A browser opens a few connections ahead of need; more are somebody else's.
const MOST_CONNECTIONS: usize = 64;

/// Browsers send a head and a form at once.
const READ_LIMIT: Duration = Duration::from_secs(5);

/// Until the answer has been redeemed, the account checked and sealed.
const CONNECTION_LIMIT: Duration = Duration::from_secs(60);

/// Codes are some 1,000 bytes long.
const MAX_HEAD: usize = 16 * 1024;
const MAX_BODY: usize = 16 * 1024;

const FAREWELL: Duration = Duration::from_secs(3);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
#[path = "redirect_tests.rs"]
mod tests;

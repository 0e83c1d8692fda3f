//! What a sign-in page's port says, and how every page is said.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use entra_proto::limits::{BODY_TIMEOUT, EVENT_INTERVAL};
use futures_util::stream;
use tokio::sync::watch;

use super::address::Wanted;
use super::story::{Page, Shown};
use super::visits::Visit;
use crate::notify::page::refusal;
use crate::notify::parts::policy;
use crate::notify::words::ENGLISH;

/// Answers one request.
pub(super) async fn respond(
    page: Arc<Page>,
    visit: Visit,
    request: Request<Body>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let mut response = match visit.let_in(page.address.wanted(&head)).await {
        Some(Wanted::Page) => html(StatusCode::OK, page.view(|view| view.document())),
        Some(Wanted::News) => news(page),
        Some(Wanted::Onward) => {
            page.onward().map_or_else(|| see(page.address.path()), |url| see(url.expose()))
        }
        Some(Wanted::Act) => act(&page, body).await,
        None => {
            // Not what was asked: that may be half of an address.
            tracing::warn!("a request to a sign-in page was refused");
            refused()
        }
    };
    keep_to_itself(&mut response);
    Ok(response)
}

/// What a browser is told of every answer: it is for nobody else, and nothing else is let in.
pub(super) fn keep_to_itself(response: &mut Response<Body>) {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy()));
}

/// Does what a form of the page says, and sends the browser back to it.
async fn act(page: &Arc<Page>, body: Body) -> Response<Body> {
    let Some(form) = form_in(body).await else { return refused() };
    match &form[..] {
        b"do=begin" => page.begin().await,
        b"do=cancel" => page.cancel(),
        _ => return refused(),
    }
    see(page.address.path())
}

/// A form that came in time, and is no longer than a page's.
pub(super) async fn form_in(body: Body) -> Option<Bytes> {
    tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_FORM)).await.ok()?.ok()
}

/// Sends the browser elsewhere. Our own paths are letters, digits and hyphens, and Microsoft's addresses are of ASCII.
pub(super) fn see(place: &str) -> Response<Body> {
    let Ok(place) = HeaderValue::from_str(place) else {
        return refused();
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, place);
    response
}

fn news(page: Arc<Page>) -> Response<Body> {
    news_of(page.listen(), Shown::is_over, move || page.view(|view| view.news()))
}

/// A stream of what a page says now and whenever that changes (HTML, server-sent events), with a sign of life between.
pub(super) fn news_of<T: Send + Sync + 'static>(
    told: watch::Receiver<T>,
    is_over: fn(&T) -> bool,
    line: impl Fn() -> String + Send + 'static,
) -> Response<Body> {
    let events = stream::unfold((told, line, true), move |(mut told, line, is_first)| async move {
        if !is_first {
            match tokio::time::timeout(EVENT_INTERVAL, changed(&mut told, is_over)).await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(_) => {
                    return Some((Ok::<_, Infallible>(Bytes::from_static(b":\n\n")), (told, line, false)));
                }
            }
        }
        let news = Bytes::from(format!("data: {}\n\n", line()));
        Some((Ok(news), (told, line, false)))
    });
    let mut response = Response::new(Body::from_stream(events));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

/// Waits for the next change; false once there will be none.
pub(super) async fn changed<T>(told: &mut watch::Receiver<T>, is_over: fn(&T) -> bool) -> bool {
    !is_over(&told.borrow()) && told.changed().await.is_ok() && !is_over(&told.borrow_and_update())
}

/// The same whatever was asked.
pub(super) fn refused() -> Response<Body> {
    html(StatusCode::FORBIDDEN, refusal(&ENGLISH))
}

pub(super) fn html(status: StatusCode, document: String) -> Response<Body> {
    let mut response = Response::new(Body::from(document));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

const HEADERS: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The pages' forms are a word long, or a word and a key.
const MAX_FORM: usize = 64;

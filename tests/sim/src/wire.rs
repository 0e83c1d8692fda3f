//! Writing answers: headers, and bodies that may break off.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Bytes, Frame, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE};

use crate::reply::{Body, Reply};
use crate::request::Request;
use crate::server::scripted_end;

/// Writes an answer of the service, with the headers that Entra sends.
pub(crate) fn write(
    reply: &Reply,
    request: &Request,
    date: Option<&str>,
    half: bool,
) -> hyper::Response<WireBody> {
    let mut dressed = reply.clone();
    if !dressed.headers.iter().any(|(name, _)| *name == "cache-control") {
        dressed =
            dressed.with_header("cache-control", "no-store, no-cache").with_header("pragma", "no-cache");
    }
    dressed = dressed
        .with_header("client-request-id", request.correlation.as_str())
        .with_header("x-content-type-options", "nosniff")
        .with_header("x-ms-clitelem", format!("1,{},0,,", reply.code))
        .with_header("x-ms-ests-server", "2.1.0.0 - SIM")
        .with_header("x-ms-request-id", request.trace.as_str());
    let mut response = plain(&dressed);
    if let Some(date) = date.and_then(|date| date.parse().ok()) {
        response.headers_mut().insert(DATE, date);
    }
    if half {
        response.body_mut().break_off();
    }
    response
}

/// Writes an answer as it is.
pub(crate) fn plain(reply: &Reply) -> hyper::Response<WireBody> {
    let (kind, body) = match &reply.body {
        Body::Empty => (None, Bytes::new()),
        Body::Html(page) => (Some("text/html; charset=utf-8"), Bytes::from(page.clone())),
        Body::Json(value) => (Some("application/json; charset=utf-8"), Bytes::from(value.to_string())),
    };
    let length = body.len();
    let mut response = hyper::Response::new(WireBody { data: Some(body), broken: false, flushed: false });
    // A script may name any number; one that HTTP does not have becomes a 500.
    *response.status_mut() =
        hyper::StatusCode::from_u16(reply.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, length.into());
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    }
    for (name, value) in &reply.headers {
        // A header that a script wrote with a line break is left out: it cannot be sent.
        if let Ok(value) = value.parse() {
            headers.append(*name, value);
        }
    }
    response
}

/// A body that may break off in the middle.
#[derive(Debug)]
pub(crate) struct WireBody {
    data: Option<Bytes>,
    broken: bool,
    flushed: bool,
}

impl WireBody {
    /// Halves the body; the length already promised stays.
    fn break_off(&mut self) {
        if let Some(data) = &mut self.data {
            data.truncate(data.len() / 2);
        }
        self.broken = true;
    }
}

impl hyper::body::Body for WireBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(data) = self.data.take().filter(|data| !data.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if !self.broken {
            return Poll::Ready(None);
        }
        if !self.flushed {
            // hyper writes what it has when a body has nothing ready, and throws it away when a body fails.
            self.flushed = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(scripted_end())))
    }

    fn is_end_stream(&self) -> bool {
        !self.broken && self.data.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        if self.broken {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64))
    }
}

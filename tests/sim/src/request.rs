//! A request as the service's doors see it: read whole, bounded, decoded.

use std::collections::BTreeMap;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST};
use tokio::time::timeout;
use uuid::Uuid;

use crate::errors::EntraError;
use crate::form::Form;
use crate::leg::Leg;
use crate::log::redact_header;

/// A whole request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Form,
    pub(crate) form: Form,
    pub(crate) body: Bytes,
    pub(crate) headers: BTreeMap<String, String>,
    /// The origin that the client used, by its `Host` header.
    pub(crate) origin: String,
    pub(crate) leg: Leg,
    /// The client's own correlation id, or a new one.
    pub(crate) correlation: String,
    /// The service's id of this request.
    pub(crate) trace: String,
    is_form: bool,
}

impl Request {
    /// Reads a request to its end; `None` when the body is larger than [`BODY_LIMIT`], breaks off or
    /// does not come.
    pub(crate) async fn read(scheme: &str, request: hyper::Request<Incoming>) -> Option<Self> {
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, BODY_LIMIT).collect();
        let body = timeout(BODY_TIME, body).await.ok()?.ok()?.to_bytes();
        let text =
            |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let host = parts.headers.get(HOST).map(text).unwrap_or_default();
        let is_form =
            parts.headers.get(CONTENT_TYPE).map(text).is_some_and(|kind| {
                kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(FORM)
            });
        let headers: BTreeMap<_, _> =
            parts.headers.iter().map(|(name, value)| redact_header(name.as_str(), &text(value))).collect();
        let path = parts.uri.path().to_owned();
        let form = if is_form { Form::parse(&body) } else { Form::default() };
        let query = Form::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let leg = Leg::of(&segments(&path).1, &form);
        Some(Self {
            method: parts.method.as_str().to_owned(),
            correlation: correlation(&headers, &query, &form),
            trace: Uuid::new_v4().to_string(),
            query,
            origin: format!("{scheme}://{host}"),
            leg,
            path,
            form,
            body,
            headers,
            is_form,
        })
    }

    /// The first segment of the path, which names the tenant.
    pub(crate) fn tenant(&self) -> &str {
        segments(&self.path).0
    }

    /// The path below the tenant.
    pub(crate) fn rest(&self) -> Vec<&str> {
        segments(&self.path).1
    }

    /// The form of a POST.
    ///
    /// # Errors
    /// 900561 for another verb, 9002313 for another kind of body, 9000411 for a field that comes twice.
    pub(crate) fn posted(&self) -> Result<&Form, EntraError> {
        if self.method != "POST" {
            return Err(EntraError::wrong_verb(&self.method));
        }
        if !self.is_form {
            return Err(EntraError::malformed());
        }
        match self.form.duplicate() {
            Some(name) => Err(EntraError::duplicate(name)),
            None => Ok(&self.form),
        }
    }
}

/// The client's correlation id, from wherever Microsoft's libraries put it.
fn correlation(headers: &BTreeMap<String, String>, query: &Form, form: &Form) -> String {
    let name = "client-request-id";
    let sent = headers.get(name).map(String::as_str).or(query.one(name)).or(form.one(name));
    sent.and_then(|id| Uuid::try_parse(id).ok()).unwrap_or_else(Uuid::new_v4).to_string()
}

fn segments(path: &str) -> (&str, Vec<&str>) {
    let mut segments = path.trim_start_matches('/').split('/');
    (segments.next().unwrap_or_default(), segments.collect())
}

/// Room for a refresh token of 64 KiB, percent-encoded.
const BODY_LIMIT: usize = 512 * 1024;

/// Bodies are small and come from this machine.
const BODY_TIME: Duration = Duration::from_secs(30);

const FORM: &str = "application/x-www-form-urlencoded";

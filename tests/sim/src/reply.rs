//! An answer before it is written to the wire.

use serde_json::Value;

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
    /// The AADSTS number for `x-ms-clitelem`; 0 is success.
    pub(crate) code: u32,
}

/// The body of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Empty,
    Html(String),
    Json(Value),
}

impl Reply {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body), code: 0 }
    }

    pub(crate) fn html(status: u16, page: String) -> Self {
        Self { status, headers: Vec::new(), body: Body::Html(page), code: 0 }
    }

    pub(crate) fn redirect(location: String) -> Self {
        Self { status: 302, headers: vec![("location", location)], body: Body::Empty, code: 0 }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The OAuth `error` in the body.
    pub(crate) fn error(&self) -> Option<String> {
        match &self.body {
            Body::Json(body) => body.get("error")?.as_str().map(str::to_owned),
            Body::Empty | Body::Html(_) => None,
        }
    }

    /// The fields of a JSON body.
    pub(crate) fn fields(&mut self) -> Option<&mut serde_json::Map<String, Value>> {
        match &mut self.body {
            Body::Json(Value::Object(fields)) => Some(fields),
            Body::Empty | Body::Html(_) | Body::Json(_) => None,
        }
    }
}

//! From request to answer: log it, let the script interfere, serve it.
//!
//! The state is locked only for moments and never while something is awaited. Waiters are told after every change,
//! so a test waits for an event and not for a time.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::clock::unix;
use crate::control_routes;
use crate::errors::EntraError;
use crate::faults::{Action, RetryAfter};
use crate::log::{LoggedRequest, redact_form};
use crate::options::Options;
use crate::reply::Reply;
use crate::request::Request;
use crate::routes;
use crate::server::scripted_end;
use crate::state::State;
use crate::stream::ResetSwitch;
use crate::wire::{WireBody, plain, write};

/// The service: its memory and those who wait for it to change.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) options: Options,
    pub(crate) state: Mutex<State>,
    pub(crate) changed: Notify,
    pub(crate) changed_blocking: Condvar,
}

impl Core {
    pub(crate) fn new(options: Options) -> Self {
        let state = Mutex::new(State::new(&options));
        Self { options, state, changed: Notify::new(), changed_blocking: Condvar::new() }
    }

    /// A test that panics while it holds the lock must not hide its failure behind a poisoned one.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and tells who waits.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let outcome = change(&mut self.lock());
        self.changed.notify_waiters();
        self.changed_blocking.notify_all();
        outcome
    }
}

/// Serves one request.
///
/// # Errors
/// Only by script: an error makes hyper end the connection.
pub(crate) async fn serve(
    core: Arc<Core>,
    switch: ResetSwitch,
    scheme: &'static str,
    request: hyper::Request<Incoming>,
) -> io::Result<hyper::Response<WireBody>> {
    let Some(request) = Request::read(scheme, request).await else {
        let reply =
            Reply::html(413, "The request is too large.".to_owned()).with_header("connection", "close");
        return Ok(plain(&reply));
    };
    if request.path == "/_sim" || request.path.starts_with("/_sim/") {
        return Ok(plain(&control_routes::answer(&core, &request)));
    }

    let (number, actions, hang_limit) = core.change(|state| begin(state, &request));
    let mut instead = None;
    for action in &actions {
        match action {
            Action::Delay { ms } => tokio::time::sleep(Duration::from_millis(*ms).min(hang_limit)).await,
            Action::Hang => {
                tokio::time::sleep(hang_limit).await;
                return abort(&core, &switch, number);
            }
            Action::Reset => return abort(&core, &switch, number),
            action => instead = in_place(action, &request, core.lock().now()).or(instead),
        }
    }
    let mut reply = match instead {
        Some(reply) => reply,
        None => core.change(|state| routes::answer(state, &request)),
    };
    for action in &actions {
        reshape(action, &mut reply);
    }
    if actions.contains(&Action::DropAnswer) {
        return abort(&core, &switch, number);
    }
    let date = date(&actions, core.lock().now());
    let response = write(&reply, &request, date.as_deref(), actions.contains(&Action::HalfBody));
    core.change(|state| state.finish(number, Some(reply.status), reply.error()));
    Ok(response)
}

/// Logs the request and takes what the script has for it.
fn begin(state: &mut State, request: &Request) -> (u64, Vec<Action>, Duration) {
    let actions = state.faults.take(request.leg);
    state.requests += 1;
    if state.log.len() >= LOG_LIMIT {
        state.log.drain(..LOG_LIMIT / 2);
    }
    let at_ms = unix(state.now()) * 1_000
        + u64::from(state.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().subsec_millis());
    let name = |action: &Action| {
        let kind =
            serde_json::to_value(action).ok().and_then(|action| action["kind"].as_str().map(str::to_owned));
        kind.unwrap_or_default()
    };
    state.log.push(LoggedRequest {
        number: state.requests,
        at_ms,
        method: request.method.clone(),
        path: request.path.clone(),
        tenant: request.tenant().to_owned(),
        leg: request.leg,
        query: redact_form(&request.query),
        form: redact_form(&request.form),
        headers: request.headers.clone(),
        faults: actions.iter().map(name).collect(),
        status: None,
        done: false,
        error: None,
    });
    (state.requests, actions, state.rules.hang_limit)
}

fn abort(core: &Core, switch: &ResetSwitch, number: u64) -> io::Result<hyper::Response<WireBody>> {
    core.change(|state| state.finish(number, None, None));
    switch.pull();
    Err(scripted_end())
}

/// The answer that an action gives in the service's place.
fn in_place(action: &Action, request: &Request, now: SystemTime) -> Option<Reply> {
    match action {
        Action::Html { status, body } => {
            let page = body
                .clone()
                .unwrap_or_else(|| "<html><body><h1>Not the page you wanted.</h1></body></html>".to_owned());
            Some(Reply::html(*status, page))
        }
        Action::Redirect { location } => Some(Reply::redirect(location.clone())),
        Action::Refuse { error, code, status, suberror, claims, description } => {
            let refusal = EntraError {
                status: *status,
                suberror: suberror.clone(),
                claims: claims.clone(),
                ..EntraError::new(error, *code, description.as_deref().unwrap_or("A scripted refusal."))
            };
            Some(routes::refuse(&refusal, request, now))
        }
        Action::SlowDown => Some(routes::refuse(&EntraError::slow_down(), request, now)),
        Action::Status { status, retry_after } => {
            let reply = Reply::html(*status, format!("<html><body><h1>Status {status}</h1></body></html>"));
            Some(match retry_after {
                None => reply,
                Some(RetryAfter::Seconds(seconds)) => reply.with_header("retry-after", seconds.to_string()),
                Some(RetryAfter::DateIn(seconds)) => {
                    let at = now.checked_add(Duration::from_secs(*seconds)).unwrap_or(now);
                    reply.with_header("retry-after", httpdate::fmt_http_date(at))
                }
            })
        }
        Action::Delay { .. }
        | Action::DropAnswer
        | Action::DropFields { .. }
        | Action::HalfBody
        | Action::Hang
        | Action::NumbersAsStrings
        | Action::OmitDate
        | Action::Oversize { .. }
        | Action::Reset
        | Action::SetFields { .. }
        | Action::SkewDate { .. } => None,
    }
}

/// Changes a JSON answer as the script wants it.
fn reshape(action: &Action, reply: &mut Reply) {
    let Some(fields) = reply.fields() else { return };
    match action {
        Action::DropFields { fields: dropped } => fields.retain(|name, _| !dropped.contains(name)),
        Action::NumbersAsStrings => {
            for value in fields.values_mut().filter(|value| value.is_number()) {
                *value = Value::String(value.to_string());
            }
        }
        Action::Oversize { bytes } => {
            fields.insert("padding".to_owned(), json!("x".repeat((*bytes).min(OVERSIZE_LIMIT))));
        }
        Action::SetFields { fields: set } => fields.extend(set.clone()),
        _ => {}
    }
}

/// The `Date` to send.
fn date(actions: &[Action], now: SystemTime) -> Option<String> {
    let mut at = now;
    for action in actions {
        match action {
            Action::OmitDate => return None,
            Action::SkewDate { seconds } => {
                let by = Duration::from_secs(seconds.unsigned_abs());
                at = if *seconds < 0 { at.checked_sub(by) } else { at.checked_add(by) }.unwrap_or(at);
            }
            _ => {}
        }
    }
    Some(httpdate::fmt_http_date(at))
}

/// Enough to exceed any client's limit, little enough for a small machine.
const OVERSIZE_LIMIT: usize = 64 * 1024 * 1024;

/// Requests kept in the log; more than any test sends, and bounded for a simulator that runs for days.
const LOG_LIMIT: usize = 20_000;

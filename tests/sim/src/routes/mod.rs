//! The service's doors: one file a leg.
//!
//! A door takes the locked state and a whole request and returns a whole answer; nothing here waits.

mod authorize;
mod device_page;
mod devicecode;
mod discovery;
mod graph;
mod token;

use std::time::SystemTime;

use serde_json::Value;

use crate::errors::EntraError;
use crate::form::Form;
use crate::leg::Leg;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::State;

pub(crate) use authorize::pick_account;
pub(crate) use graph::bearer;

/// Serves a request.
pub(crate) fn answer(state: &mut State, request: &Request) -> Reply {
    match request.leg {
        Leg::Authorize => authorize::answer(state, request),
        Leg::Code | Leg::Poll | Leg::Refresh | Leg::Token => {
            let outcome = token::answer(state, request);
            json(outcome, request, state.now())
        }
        Leg::Devicecode => {
            let outcome = devicecode::answer(state, request);
            json(outcome, request, state.now())
        }
        Leg::DevicePage => device_page::answer(state, request),
        Leg::Discovery => discovery::answer(state, request),
        Leg::Graph => graph::answer(state, request),
        Leg::Any | Leg::Other => Reply::html(404, "<html><body><h1>404</h1></body></html>".to_owned()),
    }
}

/// The answer that a refusal becomes.
pub(crate) fn refuse(error: &EntraError, request: &Request, now: SystemTime) -> Reply {
    let correlation = error.correlation.as_deref().unwrap_or(&request.correlation);
    let body = error.body(&request.origin, &request.trace, correlation, now);
    Reply { code: error.code, ..Reply::json(error.status, body) }
}

fn json(outcome: Result<Value, EntraError>, request: &Request, now: SystemTime) -> Reply {
    match outcome {
        Ok(body) => Reply::json(200, body),
        Err(error) => refuse(&error, request, now),
    }
}

/// The client of a request, if it is registered.
fn registered_client(state: &State, form: &Form) -> Result<String, EntraError> {
    let client_id = form.one("client_id").ok_or_else(|| EntraError::missing("client_id"))?;
    if state.clients.iter().any(|known| known.eq_ignore_ascii_case(client_id)) {
        Ok(client_id.to_owned())
    } else {
        Err(EntraError::unknown_client(client_id))
    }
}

/// Whether the `claims` of a request declare that the client handles claims challenges
/// (<https://learn.microsoft.com/entra/identity-platform/claims-challenge>).
fn declares_cp1(form: &Form) -> Result<bool, EntraError> {
    let Some(claims) = form.one("claims") else { return Ok(false) };
    let claims: Value = serde_json::from_str(claims).map_err(|_| EntraError::malformed())?;
    if !claims.is_object() {
        return Err(EntraError::malformed());
    }
    let values = claims.pointer("/access_token/xms_cc/values").and_then(Value::as_array);
    Ok(values.is_some_and(|all| all.iter().filter_map(Value::as_str).any(|v| v.eq_ignore_ascii_case("cp1"))))
}

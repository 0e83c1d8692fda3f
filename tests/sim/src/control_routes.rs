//! The control interface over HTTP, for tests in other languages: JSON below `/_sim/`.
//!
//! It is as open as the rest of the simulator, so it answers no web page: a request with an `Origin` is refused.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::control::Control;
use crate::faults::Fault;
use crate::leg::Leg;
use crate::options::Rules;
use crate::reply::Reply;
use crate::request::Request;
use crate::service::Core;

/// Serves a control request.
pub(crate) fn answer(core: &Arc<Core>, request: &Request) -> Reply {
    if request.headers.contains_key("origin") {
        return problem(403, "The control interface answers no web page.");
    }
    match route(&Control::new(Arc::clone(core)), request) {
        Ok(body) => Reply::json(200, body),
        Err(reply) => reply,
    }
}

fn route(control: &Control, request: &Request) -> Result<Value, Reply> {
    let done = || json!({"done": true});
    let failed = |error: crate::ControlError| problem(409, &error.to_string());
    match (request.method.as_str(), request.path.trim_end_matches('/')) {
        ("POST", "/_sim/approve") => {
            let Approve { user_code, user } = read(request)?;
            control.approve(&user_code, &user).map(|()| done()).map_err(failed)
        }
        ("POST", "/_sim/decline") => {
            let Decline { user_code } = read(request)?;
            control.decline(&user_code).map(|()| done()).map_err(failed)
        }
        ("POST", "/_sim/faults") => {
            let faults: OneOrMany = read(request)?;
            for fault in faults.into_vec() {
                control.script(fault);
            }
            Ok(json!(control.waiting_faults()))
        }
        ("GET", "/_sim/faults") => Ok(json!(control.waiting_faults())),
        ("DELETE", "/_sim/faults") => {
            control.clear_faults();
            Ok(done())
        }
        ("POST", "/_sim/revoke") => {
            let revoked = match read(request)? {
                Revoke::RefreshToken(token) => usize::from(control.revoke_token(&token)),
                Revoke::User(username) => control.revoke_user(&username),
                Revoke::All(all) => {
                    if all {
                        control.revoke_all()
                    } else {
                        0
                    }
                }
            };
            Ok(json!({"revoked": revoked}))
        }
        ("POST", "/_sim/refresh-token") => {
            let IssueTo { user } = read(request)?;
            let token = control.issue_refresh_token(&user).map_err(failed)?;
            Ok(json!({"refresh_token": token}))
        }
        ("POST", "/_sim/clock") => {
            let Clock { advance } = read(request)?;
            control.advance(Duration::from_secs(advance));
            Ok(json!(control.state()))
        }
        ("GET", "/_sim/options") => Ok(json!(control.rules())),
        ("POST", "/_sim/options") => {
            let rules = overlay(&control.rules(), read(request)?)?;
            control.set_rules(|current| *current = rules);
            Ok(json!(control.rules()))
        }
        ("GET", "/_sim/requests") => {
            let leg = match request.query.one("leg") {
                None => Leg::Any,
                Some(leg) => serde_json::from_value(json!(leg))
                    .map_err(|error| problem(400, &format!("The query's leg is wrong: {error}.")))?,
            };
            Ok(json!(control.requests_on(leg)))
        }
        ("DELETE", "/_sim/requests") => {
            control.clear_requests();
            Ok(done())
        }
        ("GET", "/_sim/codes") => Ok(json!(control.codes())),
        ("GET", "/_sim/state") => Ok(json!(control.state())),
        ("DELETE", "/_sim" | "/_sim/state") => {
            control.reset();
            Ok(done())
        }
        (method, path) => Err(problem(404, &format!("There is no {method} {path}; see the README."))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approve {
    user_code: String,
    user: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decline {
    user_code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssueTo {
    user: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    advance: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Revoke {
    All(bool),
    RefreshToken(String),
    User(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Fault>),
    One(Fault),
}

impl OneOrMany {
    fn into_vec(self) -> Vec<Fault> {
        match self {
            Self::Many(faults) => faults,
            Self::One(fault) => vec![fault],
        }
    }
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Reply> {
    serde_json::from_slice(&request.body)
        .map_err(|error| problem(400, &format!("The body is not what {} takes: {error}.", request.path)))
}

/// The rules with some fields replaced.
fn overlay(rules: &Rules, changes: serde_json::Map<String, Value>) -> Result<Rules, Reply> {
    let mut merged = json!(rules);
    if let Value::Object(fields) = &mut merged {
        fields.extend(changes);
    }
    serde_json::from_value(merged).map_err(|error| problem(400, &format!("The options are wrong: {error}.")))
}

fn problem(status: u16, text: &str) -> Reply {
    Reply::json(status, json!({"problem": text}))
}

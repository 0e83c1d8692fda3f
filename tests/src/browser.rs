//! What a browser does with the page of a sign-in, without a browser.

use serde_json::Value;

use crate::loopback::{Answer, exchange};
use crate::{Env, Login, raw};

/// The event with the page that a sign-in by browser waits for.
///
/// # Panics
/// When the sign-in ends without one.
#[must_use]
pub fn page(login: &Login) -> Value {
    login.event_where(|event| event["event"] == "authorization")
}

/// In which way each account signed in.
///
/// # Panics
/// When the daemon does not say.
#[must_use]
pub fn flows(env: &Env) -> Vec<Value> {
    let accounts = raw::get(&env.socket(), "/v1/accounts").body;
    let accounts = accounts["accounts"].as_array().expect("accounts");
    accounts.iter().map(|account| account["provenance"]["flow"].clone()).collect()
}

/// The person picks this account on the page of an `authorization` event, and the answer is brought back.
///
/// # Panics
/// When the simulator refuses the page.
pub fn visit(env: &Env, page: &Value, who: &str) -> Answer {
    visit_at(env, page["url"].as_str().expect("a page"), who)
}

/// The same on the page at this address.
///
/// # Panics
/// When the simulator refuses it.
pub fn visit_at(env: &Env, url: &str, who: &str) -> Answer {
    let back = env.sim().control().pick_account(url, who).expect("a page that takes the person");
    let rest = back.strip_prefix("http://localhost:").expect("loopback").trim_end_matches('#');
    let (port, query) = rest.split_once(['/', '?']).expect("an answer");
    let (port, query) = (port.parse().expect("a port"), query.trim_start_matches('?'));
    exchange(port, &format!("GET /?{query} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"))
}

/// The page answers with these fields, to which the `state` of the sign-in is added.
///
/// # Panics
/// When the page has no `state` or no redirect.
pub fn answer(page: &Value, fields: &str) -> Answer {
    let body = format!("{fields}&state={}", parameter(page, "state"));
    post(page, &body)
}

/// A form comes back as it is.
///
/// # Panics
/// When the page has no redirect.
pub fn post(page: &Value, body: &str) -> Answer {
    let redirect = parameter(page, "redirect_uri");
    let port: u16 = redirect.rsplit_once("%3A").and_then(|(_, port)| port.parse().ok()).expect("a port");
    let length = body.len();
    exchange(
        port,
        &format!("POST / HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: {length}\r\n\r\n{body}"),
    )
}

fn parameter<'a>(page: &'a Value, name: &str) -> &'a str {
    let url = page["url"].as_str().expect("a page");
    let mut pairs = url.split(['?', '&']).filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value).expect("a parameter")
}

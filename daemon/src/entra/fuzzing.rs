//! What Entra, or whoever answers in its stead, can say; and an Entra that says no, for other rooms' inputs.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use entra_proto::cloud::Cloud;
use entra_proto::limits::MAX_CLAIMS;
use entra_proto::registry::cloud_of;
use entra_proto::scope::Scopes;
use entra_proto::secret::AccessToken;
use tokio::time::Instant;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::authority::Authority;
use super::claims::{Claims, parameter};
use super::grant::{self, Asked};
use super::no_reply::NoReply;
use super::registry::Registry;
use super::reply::{Ask, Exchange, Reply};
use super::target::Target;
use super::{Entra, age_limit, device, identity, redirect, registry};
use crate::account::outcome::{Failure, Fault, Grant, Identity};

/// An answer to a request for a token: two bytes of status, then the body.
pub fn token_answer(data: &[u8]) {
    let Some((status, body)) = data.split_at_checked(2) else { return };
    let status = u16::from_be_bytes([status[0], status[1]]) % 600;
    with_target(|target| {
        let scopes = Scopes::of_resource("s").ok();
        let Some(scopes) = &scopes else { return };
        let asked = Asked { target, scopes, correlation_id: "c-1" };
        match grant::read(Ok(reply(status, body)), asked) {
            Ok(grant) => {
                assert_eq!(status, 200, "a grant under another status");
                check(&grant);
            }
            Err(no_grant) => {
                let Err(Failure { fault, .. }) = no_grant.sorted().into_result() else {
                    panic!("a refusal became a grant");
                };
                let Fault { error, description, suberror, correlation_id, trace_id, timestamp, .. } = &fault;
                let others = [suberror, correlation_id, trace_id, timestamp].into_iter().flatten();
                assert!(others.chain([error, description]).all(|text| is_plain(text)), "{fault:?}");
                assert!(fault.claims.as_deref().is_none_or(|claims| Claims::parse(claims).is_ok()));
                let _demand = age_limit::demand(&fault);
            }
        }
    });
}

/// An answer to a request for a device code.
pub fn device_code(data: &[u8]) {
    with_target(|target| {
        let Ok(shown) = device::read(Ok(reply(200, data)), target, "c-1") else { return };
        // Each is added to an instant.
        let _ends = Instant::now() + shown.expires_in + shown.interval * 2;
        assert!(!shown.expires_in.is_zero() && !shown.interval.is_zero());
        assert!(shown.expires_in.max(shown.interval) <= Duration::from_secs(3600));
        assert!([&shown.verification_uri, &shown.message].into_iter().all(|text| is_plain(text)));
        assert!(is_plain(shown.user_code.expose()));
        let _either = target.authority.trusts_page(&shown.verification_uri);
    });
}

/// The claims of an id token, `client_info` and the claims of an access token or a registry's, a line each.
pub fn identity(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n').map(|line| BASE64_URL_SAFE_NO_PAD.encode(line));
    let mut next = || lines.next().unwrap_or_default();
    let (id_token, client_info) = (format!("e30.{}.", next()), next());
    with_target(|target| {
        if let Ok(Some(identity)) = identity::read(target, Some(&id_token), Some(&client_info)) {
            check_identity(&identity);
            let _either = identity::is_guest(&identity);
        }
    });
    let token = format!("e30.{}.c2ln", next());
    let life = registry::life_of(&token);
    assert!(life.is_none_or(|life| life <= Duration::from_secs(24 * 60 * 60)));
    if let Some(uti) = grant::uti(&AccessToken::new(token)) {
        assert!(uti.len() <= 64 && uti.bytes().all(|byte| byte.is_ascii_graphic()));
    }
    // As they came, so that the reader of base64 sees something too.
    let text = String::from_utf8_lossy(data);
    with_target(|target| drop(identity::read(target, Some(&text), Some(&text))));
}

/// A challenge, as a resource or Entra writes it.
pub fn claims(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(claims) = Claims::parse(text) else { return };
    assert!(claims.as_str().len() <= text.trim().len(), "a challenge grew");
    assert_eq!(Claims::parse(claims.as_str()).as_ref(), Ok(&claims));
    assert_eq!(parameter(Some(&claims), false).as_deref(), Some(claims.as_str()));
    let merged = parameter(Some(&claims), true).unwrap_or_default();
    assert!(merged.len() <= MAX_CLAIMS, "{} bytes would be sent", merged.len());
    let again = Claims::parse(&merged).map(|claims| claims.merged(true));
    assert_eq!(again, Ok(merged));
    // To a reader that makes numbers of numbers, both say the same, where it can read what came.
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(text)
        && value.is_object()
    {
        assert_eq!(serde_json::from_str(claims.as_str()).ok(), Some(value));
    }
}

/// The fields that a browser brings back: the first line is the `state` that is waited for.
pub fn redirect(data: &[u8]) {
    let Some(at) = data.iter().position(|byte| *byte == b'\n') else { return };
    let (Ok(state), fields) = (std::str::from_utf8(&data[..at]), &data[at + 1..]) else { return };
    if let Some(redirect::Returned::Code(code)) = redirect::returned(state, fields) {
        let pairs: Vec<_> = url::form_urlencoded::parse(fields).collect();
        let is_once = |wanted: &str, expected: &str| {
            let of_name = pairs.iter().filter(|(name, _)| name == wanted);
            let values: Vec<&str> = of_name.map(|(_, value)| &**value).collect();
            values == [expected]
        };
        assert!(is_once("state", state) && is_once("code", &code));
    }
}

/// A registry's host, as docker names it, and what answers there, from the second line on.
pub fn registry(data: &[u8]) {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (host, body) = data.split_at(at);
    if let Ok(Ok(registry)) = std::str::from_utf8(host).map(Registry::parse) {
        let host = registry.host();
        let url = Url::parse(&format!("http://{host}/")).ok();
        let is_loopback = match url.as_ref().and_then(Url::host) {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        assert!(cloud_of(host).is_some() || is_loopback, "{host} would be sent a token");
    }
    registry::read(&reply(200, body));
    registry::reason(&reply(403, body));
}

fn check(grant: &Grant) {
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    assert!(is_token(grant.access_token.expose()));
    assert!(grant.refresh_token.as_ref().is_none_or(|token| is_token(token.expose())));
    assert!(grant.expires_in <= Duration::from_secs(7 * 24 * 60 * 60));
    assert!(grant.refresh_in.is_none_or(|refresh_in| refresh_in < grant.expires_in));
    assert!(!grant.scopes.is_empty() && grant.scopes.iter().all(|scope| is_token(scope)));
    grant.identity.iter().for_each(check_identity);
}

fn check_identity(identity: &Identity) {
    assert!(is_plain(&identity.username) && identity.name.as_deref().is_none_or(is_plain));
    assert!(identity.username.len() <= 512);
}

fn is_plain(text: &str) -> bool {
    !text.contains(char::is_control)
}

fn reply(status: u16, body: &[u8]) -> Reply {
    Reply { status, retry_after: None, request_id: None, body: Zeroizing::new(body.to_vec()) }
}

/// An app at the public cloud.
fn with_target(work: impl FnOnce(&Target)) {
    thread_local! {
        static TARGET: Option<Target> = {
            let authority = Authority::built_in(Cloud::Public, "organizations").ok();
            let client_id = "00000000-0000-0000-0000-00000000c11e".parse().ok();
            authority.zip(client_id).map(|(authority, client_id)| Target::new(authority, client_id))
        };
    }
    TARGET.with(|target| target.as_ref().map(work));
}

/// An Entra that refuses whatever it is asked.
pub(crate) fn refusing() -> Entra {
    Entra::over(Arc::new(Refusing))
}

struct Refusing;

impl Exchange for Refusing {
    fn post(&self, _: Ask) -> Pin<Box<dyn Future<Output = Result<Reply, NoReply>> + Send + '_>> {
        let refusal = br#"{"error":"invalid_grant","suberror":"bad_token","error_codes":[70008]}"#;
        Box::pin(std::future::ready(Ok(reply(400, refusal))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_inputs_are_fine() {
        crate::replay::all(
            "entrad::entra::fuzzing",
            &[
                ("claims", claims),
                ("device_code", device_code),
                ("identity", identity),
                ("redirect", redirect),
                ("registry", registry),
                ("token_answer", token_answer),
            ],
        );
    }
}

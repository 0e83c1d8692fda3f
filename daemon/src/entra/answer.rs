//! What a reply says, read leniently and trusted narrowly.
//!
//! `error` decides, whatever the status: Entra has sent errors under 200. Only a 200 without one can be a
//! success. Everything else (HTML, redirects, JSON of other make) is not Entra speaking and is judged by its
//! status alone. Nothing is ever found by searching the text: an error's `claims` hold `"access_token"`.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::claims::Claims;
use super::lenient::Lenient;
use super::no_reply::NoReply;
use super::reply::Reply;
use super::text::plain;
use crate::account::outcome::{Fault, PROXY_AUTHENTICATION};

/// A reply that is no success.
#[derive(Debug)]
pub(super) struct Refusal {
    /// What it says.
    pub(super) fault: Fault,
    /// `Retry-After`.
    pub(super) retry_after: Option<Duration>,
    /// Who says it.
    pub(super) voice: Voice,
}

/// Who speaks in a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// Entra: an error answer by RFC 6749 §5.2.
    Entra,
    /// A box in between, or an Entra out of order.
    Other,
    /// Nobody.
    Silence(NoReply),
}

/// Reads a reply as `T` or as a refusal. `host` and `correlation_id` are those of the request.
pub(super) fn read<T: DeserializeOwned>(
    reply: Result<Reply, NoReply>,
    host: &str,
    correlation_id: &str,
) -> Result<T, Box<Refusal>> {
    let reply = reply.map_err(|why| {
        let fault = why.fault(host, correlation_id);
        Box::new(Refusal { fault, retry_after: None, voice: Voice::Silence(why) })
    })?;
    let refuse = |fault: Fault, voice| {
        let correlation_id = fault.correlation_id.or_else(|| Some(correlation_id.to_owned()));
        let trace_id = fault.trace_id.or_else(|| reply.request_id.as_deref().map(short));
        let fault = Fault { correlation_id, trace_id, status: Some(reply.status), ..fault };
        Box::new(Refusal { fault, retry_after: reply.retry_after, voice })
    };
    let other = || refuse(other_voice(&reply, host), Voice::Other);
    if (300..400).contains(&reply.status) {
        return Err(other());
    }
    let error: ErrorBody = serde_json::from_slice(&reply.body).map_err(|_| other())?;
    match error.error {
        Lenient::Nothing if reply.status == 200 => serde_json::from_slice(&reply.body).map_err(|_| other()),
        Lenient::Text(ref text) if !plain(text, MAX_WORD).is_empty() => {
            Err(refuse(error.into_fault(), Voice::Entra))
        }
        _ => Err(other()),
    }
}

/// Entra's error answer (RFC 6749 §5.2; Microsoft: error handling, AADSTS error codes).
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    error: Lenient,
    error_description: Lenient,
    error_codes: Lenient,
    suberror: Lenient,
    claims: Lenient,
    correlation_id: Lenient,
    trace_id: Lenient,
    timestamp: Lenient,
}

impl ErrorBody {
    fn into_fault(self) -> Fault {
        let word = |field: Lenient| field.text().map(|text| short(&text)).filter(|text| !text.is_empty());
        let claims = self.claims.text().filter(|claims| Claims::parse(claims).is_ok());
        let description = self.error_description.text().unwrap_or_default();
        Fault {
            error: word(self.error).unwrap_or_default(),
            description: plain(&description, MAX_DESCRIPTION),
            codes: self.error_codes.numbers().filter_map(|code| u32::try_from(code).ok()).take(16).collect(),
            suberror: word(self.suberror),
            claims,
            correlation_id: word(self.correlation_id),
            trace_id: word(self.trace_id),
            timestamp: word(self.timestamp),
            status: None,
            may_have_arrived: true,
            own: None,
        }
    }
}

/// A refusal by the status alone, with a little of the text for whoever must find the box that wrote it. A
/// 200 shows no text: it could be a token answer that was cut short.
fn other_voice(reply: &Reply, host: &str) -> Fault {
    let status = reply.status;
    let (error, sentence) = match status {
        200..300 => ("not_json".to_owned(), format!("The answer of {host} is not Entra's.")),
        300..400 => (
            "redirected".to_owned(),
            format!(
                "The network redirects {host} elsewhere (HTTP {status}), as a sign-in page of a hotel does."
            ),
        ),
        407 => (PROXY_AUTHENTICATION.to_owned(), "The proxy asks for a user name and password.".to_owned()),
        _ => (format!("http_{status}"), format!("{host} answered with HTTP status {status}.")),
    };
    let shown = if status < 400 { String::new() } else { plain(&excerpt(&reply.body), MAX_EXCERPT) };
    let description = if shown.is_empty() { sentence } else { format!("{sentence} It says: {shown}") };
    Fault { error, description, may_have_arrived: status >= 500, ..Fault::default() }
}

/// The start of a body as text. JSON is not shown at all: whatever it is, it is not for people.
fn excerpt(body: &[u8]) -> String {
    let start = &body[..body.len().min(8 * MAX_EXCERPT)];
    let text = String::from_utf8_lossy(start);
    if text.trim_start().starts_with(['{', '[', '"']) { String::new() } else { text.into_owned() }
}

fn short(text: &str) -> String {
    plain(text, MAX_WORD)
}

/// Longest description kept: Entra's are a few hundred bytes.
const MAX_DESCRIPTION: usize = 2 * 1024;

/// Longest piece of a foreign page shown: its title and first sentence.
const MAX_EXCERPT: usize = 200;

/// Longest `error`, `suberror`, id or time stamp kept: a GUID has 36 characters.
const MAX_WORD: usize = 64;

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde::de::IgnoredAny;
    use zeroize::Zeroizing;

    use super::*;

    fn refusal(status: u16, body: &str) -> Refusal {
        let body = Zeroizing::new(body.as_bytes().to_vec());
        let reply = Reply { status, retry_after: None, request_id: Some("r-1".to_owned()), body };
        *read::<IgnoredAny>(Ok(reply), "host.example", "c-1").unwrap_err()
    }

    #[test]
    fn fields_of_unexpected_shapes_do_not_hide_the_others() {
        let body = r#"{"error":"invalid_grant","error_description":7,"error_codes":"50076","suberror":{"a":1},
            "claims":"no json","correlation_id":null,"trace_id":["t"],"timestamp":true,"more":[{}]}"#;
        let fault = refusal(400, body).fault;
        assert_eq!((fault.error.as_str(), fault.codes.as_slice()), ("invalid_grant", &[50076][..]));
        assert_eq!((fault.suberror, fault.claims, fault.timestamp), (None, None, None));
        assert_eq!(fault.correlation_id.as_deref(), Some("c-1"));
        assert_eq!(fault.trace_id.as_deref(), Some("r-1"));
    }

    #[test]
    fn a_description_is_no_source_of_codes() {
        let fault =
            refusal(400, r#"{"error":"invalid_grant","error_description":"AADSTS700082: old."}"#).fault;
        assert!(fault.codes.is_empty());
    }

    #[test]
    fn texts_are_bounded() {
        let long = "x".repeat(5000);
        let fault = refusal(400, &format!(r#"{{"error":"{long}","error_description":"{long}"}}"#)).fault;
        assert_eq!((fault.error.len(), fault.description.len()), (MAX_WORD, MAX_DESCRIPTION));
        let page = refusal(502, &format!("<html>{long}")).fault.description;
        assert!(page.len() < MAX_EXCERPT + 100, "{page}");
    }

    #[rstest]
    #[case(200, "<html>", "not_json", "The answer of host.example is not Entra's.")]
    #[case(403, "", "http_403", "host.example answered with HTTP status 403.")]
    #[case(403, "{\"secret\":1", "http_403", "host.example answered with HTTP status 403.")]
    #[case(503, "<p>Busy", "http_503", "host.example answered with HTTP status 503. It says: <p>Busy")]
    #[case(407, "", "proxy_authentication", "The proxy asks for a user name and password.")]
    fn other_voices_are_judged_by_their_status(
        #[case] status: u16,
        #[case] body: &str,
        #[case] error: &str,
        #[case] description: &str,
    ) {
        let refusal = refusal(status, body);
        assert_eq!(refusal.voice, Voice::Other);
        assert_eq!((refusal.fault.error.as_str(), refusal.fault.description.as_str()), (error, description));
    }
}

//! A blocking client over any stream: one value a connection, one method a request.
//!
//! Two layers of result on purpose: the outer error is the connection's, the inner one ([`ErrorBody`]) is
//! the daemon's own refusal.

use std::io::{Read, Write};
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::account::{AccountId, AccountInfo, AccountsAnswer};
use crate::agent::{HEADER, UNNAMED, is_name};
use crate::caller::CallerAnswer;
use crate::config::{ConfigAnswer, PassphraseAnswer, PassphraseRequest};
use crate::doctor::DoctorAnswer;
use crate::error::{ErrorBody, ErrorCode};
use crate::http1::{Answer, ExchangeError, write_request};
use crate::lease::{LeaseGrant, LeaseRequest, LeasesAnswer};
use crate::log::{LogEntry, Verification};
use crate::page::{PageAnswer, PageRequest};
use crate::policy::{ExplainAnswer, ExplainRequest, PolicyAnswer};
use crate::prompt::{PromptEvent, PromptsAnswer, SnoozeRequest};
use crate::registry::{RegistryAnswer, RegistryRequest};
use crate::sign_in::{SignInEvent, SignInRequest, SignInStarted};
use crate::status::StatusAnswer;
use crate::token::{TokenAnswer, TokenRequest};

mod agents;
mod consent;
mod lock;

/// A connected, unused stream to the daemon. Each method uses it up, since the daemon closes after its
/// answer.
pub struct Client<S> {
    stream: S,
    agent: Option<String>,
}

/// What the daemon said, and which version said it.
#[derive(Debug)]
pub struct Said<T> {
    /// The daemon's version, where the answer names one.
    pub version: Option<String>,
    /// The answer, or the daemon's refusal.
    pub result: Result<T, ErrorBody>,
}

impl<S: Read + Write> Client<S> {
    /// A client over a fresh connection.
    pub fn new(stream: S) -> Self {
        Self { stream, agent: None }
    }

    /// The same on behalf of an AI agent of this name, which each request then says.
    #[must_use]
    pub fn for_agent(mut self, agent: Option<String>) -> Self {
        self.agent = agent.map(|name| if is_name(&name) { name } else { UNNAMED.to_owned() });
        self
    }

    /// `POST /v1/token`.
    ///
    /// # Errors
    /// [`ExchangeError`] when the exchange itself failed; so for every method here.
    pub fn token(self, request: &TokenRequest) -> Result<Said<TokenAnswer>, ExchangeError> {
        self.exchange("POST", "/v1/token", Some(request))
    }

    /// `POST /v1/registry-token`.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn registry_token(self, request: &RegistryRequest) -> Result<Said<RegistryAnswer>, ExchangeError> {
        self.exchange("POST", "/v1/registry-token", Some(request))
    }

    /// `POST /v1/leases`.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn make_lease(self, request: &LeaseRequest) -> Result<Said<LeaseGrant>, ExchangeError> {
        self.exchange("POST", "/v1/leases", Some(request))
    }

    /// `GET /v1/leases`.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn leases(self) -> Result<Said<LeasesAnswer>, ExchangeError> {
        self.exchange("GET", "/v1/leases", NO_BODY)
    }

    /// `DELETE /v1/leases/{id}`: ends the lease of this id, or every one of this name.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn revoke_lease(self, named: &str) -> Result<Said<LeasesAnswer>, ExchangeError> {
        self.exchange("DELETE", &format!("/v1/leases/{}", escape(named)), NO_BODY)
    }

    /// `POST /v1/pages`.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn open_page(self, request: &PageRequest) -> Result<Said<PageAnswer>, ExchangeError> {
        self.exchange("POST", "/v1/pages", Some(request))
    }

    /// `GET /v1/accounts`.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn accounts(self) -> Result<Said<AccountsAnswer>, ExchangeError> {
        self.exchange("GET", "/v1/accounts", NO_BODY)
    }

    /// `POST /v1/accounts/{id}/revive`: tries a quarantined refresh token again.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn revive(self, id: &AccountId, profile: Option<&str>) -> Result<Said<AccountInfo>, ExchangeError> {
        let query = profile.map(|profile| format!("?profile={}", escape(profile))).unwrap_or_default();
        self.exchange("POST", &format!("/v1/accounts/{id}/revive{query}"), NO_BODY)
    }

    /// `DELETE /v1/accounts/{id}`: signs the account out, under `profile` alone where one is named.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn sign_out(
        self,
        id: &AccountId,
        profile: Option<&str>,
    ) -> Result<Said<AccountsAnswer>, ExchangeError> {
        let query = profile.map(|profile| format!("?profile={}", escape(profile))).unwrap_or_default();
        self.exchange("DELETE", &format!("/v1/accounts/{id}{query}"), NO_BODY)
    }

    /// `GET /v1/caller`: how the daemon sees us.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn caller(self) -> Result<Said<CallerAnswer>, ExchangeError> {
        self.exchange("GET", "/v1/caller", NO_BODY)
    }

    /// `GET /v1/status`.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn status(self) -> Result<Said<StatusAnswer>, ExchangeError> {
        self.exchange("GET", "/v1/status", NO_BODY)
    }

    /// `GET /v1/metrics`: what was counted since the start, as OpenMetrics text.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn metrics(mut self) -> Result<Said<String>, ExchangeError> {
        self.write("GET", "/v1/metrics", None)?;
        let mut answer = Answer::new(self.stream);
        let head = answer.head()?;
        let body = answer.body(&head)?;
        let result = match head.status {
            200 => Ok(std::str::from_utf8(body)
                .map_err(|_| ExchangeError::Malformed("its body is no text"))?
                .to_owned()),
            _ => Err(refusal(body)?),
        };
        Ok(Said { version: head.version, result })
    }

    /// `GET /v1/config`.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn config(self) -> Result<Said<ConfigAnswer>, ExchangeError> {
        self.exchange("GET", "/v1/config", NO_BODY)
    }

    /// `POST /v1/config/client-key-passphrase`.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn keep_key_passphrase(
        self,
        request: &PassphraseRequest,
    ) -> Result<Said<PassphraseAnswer>, ExchangeError> {
        self.exchange("POST", KEY_PASSPHRASE, Some(request))
    }

    /// `DELETE /v1/config/client-key-passphrase`.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn forget_key_passphrase(self) -> Result<Said<PassphraseAnswer>, ExchangeError> {
        self.exchange("DELETE", KEY_PASSPHRASE, NO_BODY)
    }

    /// `GET /v1/doctor`: `foundry` is a resource's name or its endpoint, `model` the name of a deployment there.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn doctor(
        self,
        foundry: Option<&str>,
        model: Option<&str>,
    ) -> Result<Said<DoctorAnswer>, ExchangeError> {
        let path = with_query("/v1/doctor", &[("foundry", foundry), ("model", model)]);
        self.exchange("GET", &path, NO_BODY)
    }

    /// `GET /v1/log`: the entries from `since` (milliseconds since 1970) on, the oldest first, one a line.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn log(
        self,
        since: Option<u64>,
        program: Option<&str>,
        account: Option<&str>,
    ) -> Result<Said<Events<S, LogEntry>>, ExchangeError> {
        let since = since.map(|since| since.to_string());
        let query = [("since", since.as_deref()), ("program", program), ("account", account)];
        self.stream(&with_query("/v1/log", &query))
    }

    /// `GET /v1/log/verification`.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn verify_log(self) -> Result<Said<Verification>, ExchangeError> {
        self.exchange("GET", "/v1/log/verification", NO_BODY)
    }

    /// `GET /v1/policy`.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn policy(self) -> Result<Said<PolicyAnswer>, ExchangeError> {
        self.exchange("GET", "/v1/policy", NO_BODY)
    }

    /// `POST /v1/policy/explain`: which rule decides about such a request.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn explain_policy(self, request: &ExplainRequest) -> Result<Said<ExplainAnswer>, ExchangeError> {
        self.exchange("POST", "/v1/policy/explain", Some(request))
    }

    /// `GET /v1/prompts`.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn prompts(self) -> Result<Said<PromptsAnswer>, ExchangeError> {
        self.exchange("GET", "/v1/prompts", NO_BODY)
    }

    /// `GET /v1/prompts/events`: the stream of what is to be asked. It begins with the prompts that stand and does not end by
    /// itself.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn prompt_events(self) -> Result<Said<Events<S, PromptEvent>>, ExchangeError> {
        self.stream("/v1/prompts/events")
    }

    /// `POST /v1/prompts/snooze`: puts prompts off, and answers how they stand then.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn snooze(self, request: &SnoozeRequest) -> Result<Said<PromptsAnswer>, ExchangeError> {
        self.exchange("POST", "/v1/prompts/snooze", Some(request))
    }

    /// `POST /v1/sign-ins`.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn start_sign_in(self, request: &SignInRequest) -> Result<Said<SignInStarted>, ExchangeError> {
        self.exchange("POST", "/v1/sign-ins", Some(request))
    }

    /// `DELETE /v1/sign-ins/{id}`: cancels at once.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn cancel_sign_in(self, id: &str) -> Result<Said<serde_json::Value>, ExchangeError> {
        self.exchange("DELETE", &format!("/v1/sign-ins/{}", escape(id)), NO_BODY)
    }

    /// `GET /v1/sign-ins/{id}/events`: the stream of what happens.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn sign_in_events(self, id: &str) -> Result<Said<Events<S>>, ExchangeError> {
        self.stream(&format!("/v1/sign-ins/{}/events", escape(id)))
    }

    fn write(&mut self, method: &str, path: &str, body: Option<&[u8]>) -> Result<(), ExchangeError> {
        let agent = self.agent.as_deref().map(|agent| (HEADER, agent));
        Ok(write_request(&mut self.stream, method, path, agent, body)?)
    }

    fn stream<T>(mut self, path: &str) -> Result<Said<Events<S, T>>, ExchangeError> {
        self.write("GET", path, None)?;
        let mut answer = Answer::new(self.stream);
        let head = answer.head()?;
        if head.status == 200 {
            let events = Events { answer, event: PhantomData };
            return Ok(Said { version: head.version, result: Ok(events) });
        }
        let refusal = refusal(answer.body(&head)?)?;
        Ok(Said { version: head.version, result: Err(refusal) })
    }

    fn exchange<T: DeserializeOwned>(
        mut self,
        method: &str,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Said<T>, ExchangeError> {
        let body = body
            .map(serde_json::to_vec)
            .transpose()
            .map_err(|_| ExchangeError::Malformed("the request cannot be written as JSON"))?;
        self.write(method, path, body.as_deref())?;
        let mut answer = Answer::new(self.stream);
        let head = answer.head()?;
        let body = answer.body(&head)?;
        let result = match head.status {
            200..300 => Ok(serde_json::from_slice(body)
                .map_err(|_| ExchangeError::Malformed("its body does not parse"))?),
            _ => Err(refusal(body)?),
        };
        Ok(Said { version: head.version, result })
    }
}

/// Events as they happen: a sign-in's, or those of prompts.
pub struct Events<S, T = SignInEvent> {
    answer: Answer<S>,
    event: PhantomData<fn() -> T>,
}

impl<S: Read, T: DeserializeOwned> Events<S, T> {
    /// Waits for the next event; `None` when the stream is over.
    ///
    /// # Errors
    /// [`ExchangeError`] when the stream broke or a line is not an event.
    pub fn next_event(&mut self) -> Result<Option<T>, ExchangeError> {
        let Some(line) = self.answer.line()? else {
            return Ok(None);
        };
        let event = serde_json::from_slice(line)
            .map_err(|_| ExchangeError::Malformed("a line of its stream does not parse"))?;
        Ok(Some(event))
    }
}

const KEY_PASSPHRASE: &str = "/v1/config/client-key-passphrase";

const NO_BODY: Option<&()> = None;

fn refusal(body: &[u8]) -> Result<ErrorBody, ExchangeError> {
    match serde_json::from_slice(body) {
        Ok(error) => Ok(error),
        // Hyper answers a head it cannot parse by itself, without a body.
        Err(_) if body.is_empty() => {
            Ok(ErrorBody::new(ErrorCode::BadRequest, "entrad could not read the request."))
        }
        Err(_) => Err(ExchangeError::Malformed("its error does not parse")),
    }
}

/// The path with those of the values that there are.
fn with_query(path: &str, values: &[(&str, Option<&str>)]) -> String {
    let given = values.iter().filter_map(|(name, value)| Some(format!("{name}={}", escape((*value)?))));
    let query: Vec<String> = given.collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// A stream that answers with fixed bytes and keeps what was written.
    struct Scripted<'a> {
        answer: &'a [u8],
        written: Vec<u8>,
    }

    impl Read for Scripted<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.answer.read(into)
        }
    }

    impl Write for Scripted<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.written.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn client(answer: &str) -> Client<Scripted<'_>> {
        Client::new(Scripted { answer: answer.as_bytes(), written: Vec::new() })
    }

    #[test]
    fn a_refusal_is_an_answer() {
        let body = r#"{"code":"sign_in_needed","message":"Sign in."}"#;
        let answer =
            format!("HTTP/1.0 401 X\r\nentrad-version: 3\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let said = client(&answer).token(&TokenRequest::default()).unwrap();
        assert_eq!(said.version.as_deref(), Some("3"));
        assert_eq!(said.result.unwrap_err().code, ErrorCode::SignInNeeded);
    }

    #[test]
    fn an_agent_says_so_by_a_name_that_fits_a_header() {
        for (name, header) in
            [("claude", "\r\nentra-agent: claude\r\n"), ("a\r\nb: c", "\r\nentra-agent: agent\r\n")]
        {
            let mut client = client("").for_agent(Some(name.to_owned()));
            client.write("GET", "/v1/status", None).unwrap();
            let written = String::from_utf8(client.stream.written).unwrap();
            assert!(written.contains(header) && written.ends_with("\r\n\r\n"), "{written}");
        }
    }

    #[test]
    fn events_end_with_the_stream() {
        let answer = "HTTP/1.0 200 OK\r\n\r\n{\"event\":\"waiting\",\"expires_on\":5}\n";
        let mut events =
            client(answer).sign_in_events("a/b").unwrap().result.unwrap_or_else(|_| panic!("refused"));
        assert_eq!(
            events.next_event().unwrap(),
            Some(SignInEvent::Waiting { expires_on: Some(5), notice: None })
        );
        assert_eq!(events.next_event().unwrap(), None);
    }

    #[test]
    fn events_of_prompts_are_read_the_same_way() {
        let answer = "HTTP/1.0 200 OK\r\n\r\n{\"event\":\"waiting\"}\n";
        let mut events = client(answer).prompt_events().unwrap().result.unwrap_or_else(|_| panic!("refused"));
        assert_eq!(events.next_event().unwrap(), Some(PromptEvent::Waiting));
        assert_eq!(events.next_event().unwrap(), None);
    }

    #[test]
    fn a_query_has_what_is_given() {
        assert_eq!(with_query("/p", &[("a", None), ("b", None)]), "/p");
        assert_eq!(with_query("/p", &[("a", Some("x y")), ("b", None), ("c", Some("1"))]), "/p?a=x%20y&c=1");
    }

    #[test]
    fn metrics_are_text_and_their_refusal_an_error() {
        let said = client("HTTP/1.0 200 OK\r\n\r\n# EOF\n").metrics().unwrap();
        assert_eq!(said.result.unwrap(), "# EOF\n");
        let body = r#"{"code":"not_found","message":"There is no such route."}"#;
        let said = client(&format!("HTTP/1.0 404 X\r\n\r\n{body}")).metrics().unwrap();
        assert_eq!(said.result.unwrap_err().code, ErrorCode::NotFound);
        assert!(client("HTTP/1.0 200 OK\r\n\r\n\u{e4}").metrics().is_ok());
    }

    #[test]
    fn paths_are_escaped() {
        assert_eq!(escape("a/b ?\u{e4}"), "a%2Fb%20%3F%C3%A4");
    }
}

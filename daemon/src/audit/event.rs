//! What is told to the log, before it has a place in it.

use std::time::{SystemTime, UNIX_EPOCH};

use entra_proto::account::AccountId;
use entra_proto::error::ErrorBody;
use entra_proto::log::{LogCaller, LogEntry, LogEvent};
use entra_proto::token::{Source, TokenRequest};

use super::text::bound;

/// Something that happened. None of its parts can hold a secret's type.
#[derive(Clone, Debug)]
pub struct Event(Box<LogEntry>);

/// What is known of an access token besides itself.
#[derive(Clone, Copy, Debug)]
pub struct Issued<'a> {
    /// The profile that its account is signed in under.
    pub profile: &'a str,
    /// Whose it is.
    pub account: &'a AccountId,
    /// The tenant that it is of.
    pub tenant: &'a str,
    /// What was granted.
    pub scopes: &'a [String],
    /// From memory, or by a request to Entra.
    pub source: Source,
    /// The token's own id.
    pub uti: Option<&'a str>,
    /// Entra's id of the request that brought it.
    pub correlation_id: Option<&'a str>,
}

impl Event {
    /// It happens now.
    #[must_use]
    pub fn new(event: LogEvent) -> Self {
        Self(Box::new(LogEntry::new(event, now())))
    }

    /// The same, as something that happens now.
    #[must_use]
    pub fn now(mut self) -> Self {
        self.0.time = now();
        self
    }

    /// Who asked.
    #[must_use]
    pub fn by(mut self, caller: Option<LogCaller>) -> Self {
        self.0.caller = caller;
        self
    }

    /// The lease, by its id or name.
    #[must_use]
    pub fn lease(mut self, named: Option<&str>) -> Self {
        self.0.lease = named.map(str::to_owned);
        self
    }

    /// The AI agent, by its name.
    #[must_use]
    pub fn agent(mut self, name: Option<&str>) -> Self {
        self.0.agent = name.map(str::to_owned);
        self
    }

    /// The account, by its profile and id.
    #[must_use]
    pub fn account(mut self, profile: &str, account: &AccountId) -> Self {
        self.0.profile = Some(profile.to_owned());
        self.0.account = Some(account.as_str().to_owned());
        self
    }

    /// What was asked for, in the caller's own words. Its lease's secret and its claims are passed over.
    #[must_use]
    pub fn asked(mut self, request: &TokenRequest) -> Self {
        self.0.profile.clone_from(&request.profile);
        self.0.account.clone_from(&request.account);
        self.0.tenant.clone_from(&request.tenant);
        self.0.resource.clone_from(&request.resource);
        self.0.scopes = request.scopes.clone().unwrap_or_default();
        // Cut here already: what a caller wrote may be as long as a request, and thousands of entries may wait for the disk.
        bound(&mut self.0);
        self
    }

    /// What was asked for, by the name of a resource.
    #[must_use]
    pub fn resource(mut self, resource: &str) -> Self {
        self.0.resource = Some(resource.to_owned());
        self
    }

    /// For which scopes, and in which tenant.
    #[must_use]
    pub fn scopes(mut self, scopes: &[String], tenant: &str) -> Self {
        self.0.scopes = scopes.to_vec();
        self.0.tenant = Some(tenant.to_owned());
        self
    }

    /// What was handed out.
    #[must_use]
    pub fn issued(self, issued: &Issued<'_>) -> Self {
        let mut event = self.account(issued.profile, issued.account).scopes(issued.scopes, issued.tenant);
        event.0.source = Some(issued.source);
        event.0.uti = issued.uti.map(str::to_owned);
        event.0.correlation_id = issued.correlation_id.map(str::to_owned);
        event
    }

    /// Why it did not go well. The sentence is left out: it repeats what the caller said.
    #[must_use]
    pub fn failed(mut self, error: &ErrorBody) -> Self {
        self.0.error = Some(error.code.clone());
        self.0.aadsts = error.aadsts;
        self.0.correlation_id.clone_from(&error.correlation_id);
        self.0.rule.clone_from(&error.rule);
        self
    }

    /// The rule of the policy that let it pass, where one was written that fits.
    #[must_use]
    pub fn by_rule(mut self, rule: Option<&str>) -> Self {
        self.0.rule = rule.map(str::to_owned);
        self
    }

    /// What else there is to say.
    #[must_use]
    pub fn detail(mut self, sentence: impl Into<String>) -> Self {
        self.0.detail = Some(sentence.into());
        self
    }

    /// The first entry that is kept from here on.
    #[must_use]
    pub(super) fn kept_from(mut self, sequence: u64) -> Self {
        self.0.kept_from = Some(sequence);
        self
    }

    pub(super) fn from_entry(entry: LogEntry) -> Self {
        Self(Box::new(entry))
    }

    pub(super) fn is(&self, event: LogEvent) -> bool {
        self.0.event == event
    }

    pub(super) fn entry(&self) -> &LogEntry {
        &self.0
    }

    pub(super) fn into_entry(self) -> LogEntry {
        *self.0
    }
}

/// Milliseconds since 1970 by this machine's clock; 0 when it is set before that.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_wrote_is_cut_before_it_waits() {
        let long = Some("a/".repeat(30_000));
        let request = TokenRequest {
            account: long.clone(),
            resource: long.clone(),
            scopes: Some(vec![long.clone().unwrap_or_default(); 200]),
            ..TokenRequest::default()
        };
        let event = Event::new(LogEvent::Refused).asked(&request);
        let LogEntry { account, resource, scopes, .. } = event.entry();
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let all = length(account) + length(resource) + scopes.iter().map(String::len).sum::<usize>();
        assert!(all > 512 && all < 20_000, "{all}");
    }
}

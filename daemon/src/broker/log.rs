//! What the audit log is told: who got what, who was refused, who signed in, and which refresh tokens died.
//!
//! The log's end is kept in the sealed file, whatever that is written for, and besides when the daemon starts and stops and when
//! the log goes on in another file: so that the next daemon finds out when somebody cut it off in between.

use std::sync::Arc;

use entra_proto::account::{AccountId, AccountInfo};
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::log::LogEvent;
use entra_proto::scope::Scopes;
use entra_proto::sign_in::SignInRequest;
use entra_proto::token::{Source, TokenAnswer, TokenRequest};
use entra_proto::version::VERSION;

use super::tokens::FoundToken;
use super::{Asker, Broker};
use crate::access::caller::Caller;
use crate::account::key::AccountKey;
use crate::account::slot::Held;
use crate::audit::{Audit, Event, Head, Issued, Sealed};
use crate::vault::LogHead;

impl Broker {
    /// The log.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.parts.audit
    }

    /// Begins to write the log, from where the sealed file says that it ended. Its first entry names the settings by their
    /// fingerprint, since they may have changed while no daemon ran.
    pub async fn begin_log(&self, fingerprint: &str) {
        let audit = self.parts.audit.clone();
        if !audit.is_on() {
            return;
        }
        let sealed = match self.parts.vault.log_head().await {
            Ok(Some(LogHead { sequence, hash })) => Sealed::Head(Head { sequence, hash }),
            Ok(None) => Sealed::Nothing,
            Err(_) => Sealed::Closed,
        };
        audit.record(
            Event::new(LogEvent::Started).detail(format!("entrad {VERSION}, settings {fingerprint}")),
        );
        audit.begin(sealed);
        self.parts.vault.remember_log(Arc::new(move |kept: Option<LogHead>| {
            let kept = kept.map(|LogHead { sequence, hash }| Head { sequence, hash });
            audit.anchor(kept).map(|Head { sequence, hash }| LogHead { sequence, hash })
        }));
    }

    /// Has the sealed file remember the end of the log now, and each time that it goes on in another file.
    pub async fn keep_log_sealed(self: Arc<Self>) {
        loop {
            self.seal_log().await;
            self.parts.audit.rotated().await;
        }
    }

    /// Notes the end, and writes all that is left.
    pub async fn end_log(&self) {
        let audit = self.parts.audit.clone();
        if !audit.is_on() {
            return;
        }
        self.notes.write();
        audit.record(Event::new(LogEvent::Stopped));
        // On a thread of its own: the disk may take its time.
        let stopped = tokio::task::spawn_blocking(move || audit.stop()).await;
        if stopped.is_ok() {
            self.seal_log().await;
        }
    }

    pub(super) async fn seal_log(&self) {
        if !self.parts.audit.is_on() {
            return;
        }
        let audit = self.parts.audit.clone();
        // What is sealed is what is written.
        let _written = tokio::task::spawn_blocking(move || audit.flush()).await;
        if let Err(error) = self.parts.vault.save_log_head().await {
            tracing::info!(%error, "the end of the audit log is sealed with the next change");
        }
    }

    /// Notes that a request for a token was refused, or failed.
    pub fn note_refusal(&self, asker: &Asker, asked: &TokenRequest, error: &ErrorBody) {
        if self.parts.audit.is_on() {
            // Made at once: what a caller wrote may be long, and is cut here.
            let event = Event::new(LogEvent::Refused).asked(asked).failed(error);
            self.note_by(asker, || event);
        }
    }

    /// Notes that this token is handed out, which it then is.
    pub(super) fn note_issue(&self, asked: &TokenRequest, asker: &Asker, found: FoundToken) -> TokenAnswer {
        if self.parts.audit.is_on() {
            let issue = Issue::of(asked, &found);
            self.note_by(asker, move || issue.event());
        }
        found.answer
    }

    /// That this token is handed out.
    pub(super) fn issue_of(&self, asked: &TokenRequest, asker: &Asker, found: &FoundToken) -> Option<Event> {
        self.by(asker, || Issue::of(asked, found).event())
    }

    /// Notes what is answered in a moment. Which process asks is known since it connected; what it became since, and who started
    /// our client, is found out when it has its answer. Whoever started the client waits for it, so that is there longer.
    fn note_by(&self, asker: &Asker, event: impl FnOnce() -> Event + Send + 'static) {
        let (asker, gate) = (asker.clone(), Arc::clone(&self.parts.gate));
        self.notes.later(move || {
            let event = event().lease(asker.lease()).agent(gate.agent(&asker).as_deref());
            event.by(asker.caller().map(Caller::noted))
        });
    }

    pub(super) fn note(&self, event: Option<Event>) {
        if let Some(event) = event {
            self.parts.audit.record(event);
        }
    }

    pub(super) fn note_death_of(
        &self,
        key: &AccountKey,
        number: Option<u32>,
        correlation_id: Option<String>,
    ) {
        let error =
            ErrorBody { aadsts: number, correlation_id, ..ErrorBody::new(ErrorCode::SignInNeeded, "") };
        let event = Event::new(LogEvent::RefreshTokenDied).account(&key.profile, &key.account);
        self.parts.audit.record(event.failed(&error));
    }

    pub(super) fn note_revival_of(&self, key: &AccountKey) {
        let event = Event::new(LogEvent::RefreshTokenRevived).account(&key.profile, &key.account);
        self.parts.audit.record(event);
    }

    /// What is to be noted of a sign-in that is refused before it begins.
    pub(super) fn note_no_sign_in(&self, caller: &Caller, request: &SignInRequest) -> Option<Event> {
        let asked = TokenRequest {
            profile: request.profile.clone(),
            account: request.account.clone(),
            tenant: request.tenant.clone(),
            scopes: request.scopes.clone(),
            ..TokenRequest::default()
        };
        let asker = Asker::Caller(caller.clone());
        self.by(&asker, || Event::new(LogEvent::SignInFailed).asked(&asked))
    }

    /// What is to be noted at the end of a sign-in.
    pub(super) fn note_sign_in(
        &self,
        caller: &Caller,
        profile: &str,
        scopes: &Scopes,
        tenant: &str,
    ) -> OpenSignIn {
        let asked = TokenRequest { profile: Some(profile.to_owned()), ..TokenRequest::default() };
        let scopes: Vec<String> = scopes.iter().map(str::to_owned).collect();
        let note = |event| {
            let asker = Asker::Caller(caller.clone());
            self.by(&asker, || Event::new(event).asked(&asked).scopes(&scopes, tenant))
        };
        OpenSignIn {
            audit: self.parts.audit.clone(),
            good: note(LogEvent::SignedIn),
            bad: note(LogEvent::SignInFailed),
        }
    }

    /// Nothing where nobody reads it: finding out who asks takes time.
    fn by(&self, asker: &Asker, event: impl FnOnce() -> Event) -> Option<Event> {
        let is_on = self.parts.audit.is_on();
        is_on.then(|| {
            let agent = self.parts.gate.agent(asker);
            event().by(asker.caller().map(Caller::noted)).lease(asker.lease()).agent(agent.as_deref())
        })
    }
}

/// A token that is handed out, as far as the log is told of it.
struct Issue {
    profile: String,
    account: AccountId,
    tenant: String,
    source: Source,
    held: Arc<Held>,
    resource: Option<String>,
    rule: Option<Arc<str>>,
}

impl Issue {
    fn of(asked: &TokenRequest, found: &FoundToken) -> Self {
        Self {
            profile: found.profile.clone(),
            account: found.answer.account.clone(),
            tenant: found.answer.tenant.clone(),
            source: found.answer.source,
            held: Arc::clone(&found.held),
            resource: asked.resource.clone(),
            rule: found.rule.clone(),
        }
    }

    fn event(&self) -> Event {
        let issued = Issued {
            profile: &self.profile,
            account: &self.account,
            tenant: &self.tenant,
            scopes: &self.held.scopes,
            source: self.source,
            uti: self.held.trace.uti.as_deref(),
            correlation_id: self.held.trace.correlation_id.as_deref(),
        };
        let event = Event::new(LogEvent::Issued).issued(&issued).by_rule(self.rule.as_deref());
        match &self.resource {
            Some(resource) => event.resource(resource),
            None => event,
        }
    }
}

/// A sign-in that has no end yet. One that is dropped before was cancelled.
pub(super) struct OpenSignIn {
    audit: Audit,
    good: Option<Event>,
    bad: Option<Event>,
}

impl OpenSignIn {
    pub(super) fn signed_in(mut self, account: &AccountInfo) {
        self.bad = None;
        if let Some(event) = self.good.take() {
            let how = format!("By {}.", account.provenance.flow.describe());
            self.audit.record(event.now().account(&account.profile, &account.id).detail(how));
        }
    }

    pub(super) fn failed(mut self, error: &ErrorBody) {
        self.note_failure(error);
    }

    fn note_failure(&mut self, error: &ErrorBody) {
        if let Some(event) = self.bad.take() {
            self.audit.record(event.now().failed(error));
        }
    }
}

impl Drop for OpenSignIn {
    fn drop(&mut self) {
        self.note_failure(&ErrorBody::new(ErrorCode::SignInCancelled, ""));
    }
}

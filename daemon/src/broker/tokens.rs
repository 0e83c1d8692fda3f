//! The way of a token request: from memory, or by a flight.

use std::sync::Arc;
use std::time::Duration;

use entra_proto::cloud::Cloud;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::scope::Scopes;
use entra_proto::token::{Source, TokenAnswer, TokenRequest};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::gate::{Passed, Undecided};
use super::{Asker, Broker, State, Told, choice, needs};
use crate::account::key::{AccountKey, SlotKey};
use crate::account::machine::{Ask, Reply};
use crate::account::outcome::FailureKind;
use crate::account::slot::{self, Held};
use crate::account::time::Now;
use crate::entra::words::{self, About};
use crate::vault::Access;

/// What a request came to mean.
pub(super) struct Meant {
    pub(super) key: AccountKey,
    pub(super) slot: SlotKey,
    /// The tenant in the spelling that is shown.
    pub(super) tenant: String,
    pub(super) scopes: Scopes,
    /// The rule that let it pass, where one was written that fits.
    pub(super) rule: Option<Arc<str>>,
}

impl Broker {
    /// A token for the daemon's own use.
    ///
    /// # Errors
    /// As [`Broker::token_for`].
    pub async fn token(self: &Arc<Self>, request: TokenRequest) -> Result<TokenAnswer, ErrorBody> {
        self.find_token(&request, &Asker::Ourselves).await.map(|found| found.answer)
    }

    /// `POST /v1/token`. A caller that said so (`wait`) waits for the person whom its account needs; all who wait go on
    /// together when somebody has signed in.
    ///
    /// # Errors
    /// One sentence with what to do; see PROTOCOL.md for the codes.
    pub async fn token_for(
        self: &Arc<Self>,
        request: &TokenRequest,
        asker: &Asker,
    ) -> Result<TokenAnswer, ErrorBody> {
        self.parts.gate.admit(asker)?;
        let found = self.find_token(request, asker).await?;
        self.parts.gate.spend(asker)?;
        Ok(self.note_issue(request, asker, found))
    }

    /// The same, for what is not handed out.
    pub(super) async fn find_token(
        self: &Arc<Self>,
        request: &TokenRequest,
        asker: &Asker,
    ) -> Result<FoundToken, ErrorBody> {
        self.restore(Access::Silent).await?;
        let ask = choice::ask(request)?;
        let wait = request.wait.filter(|seconds| *seconds > 0);
        let patience_ends = wait.map(|seconds| Instant::now() + Duration::from_secs(seconds.into()));
        let mut may_ask_again = patience_ends.is_some();
        loop {
            let Refusal { error, over, is_past } = match self.attempt(request, &ask, asker).await {
                Ok(answer) => return Ok(answer),
                Err(refusal) => refusal,
            };
            if is_past && std::mem::take(&mut may_ask_again) {
                continue;
            }
            let (Some(patience_ends), Some(mut over)) = (patience_ends, over) else { return Err(error) };
            if timeout_at(patience_ends, over.changed()).await.is_err() {
                return Err(error);
            }
            self.must_be_open()?;
        }
    }

    async fn attempt(
        self: &Arc<Self>,
        request: &TokenRequest,
        ask: &Ask,
        asker: &Asker,
    ) -> Result<FoundToken, Refusal> {
        // An account that signs out and in while its callers wait makes them ask again; not for ever.
        let mut passed = None;
        for _ in 0..MOST_ASKS {
            self.locking.must_not_be_locked()?;
            let (meant, waiting, fallback) = match self.look(request, ask, asker, passed.as_ref())? {
                Looked::Answer(answer) => return Ok(answer),
                Looked::Undecided(undecided) => {
                    passed = Some(undecided.decided().await?);
                    continue;
                }
                Looked::Wait { meant, waiting, fallback } => (meant, waiting, fallback),
            };
            let told = match fallback {
                None => told(waiting).await,
                Some(held) => match tokio::time::timeout(PATIENCE, told(waiting.clone())).await {
                    Ok(told) => told,
                    Err(_) if held.expiry.has_passed(self.parts.clock.now()) => told(waiting).await,
                    Err(_) => return Ok(answer(&meant, &held, Source::Cache, self.parts.clock.now())),
                },
            };
            if let Told::Landed(landing) = told {
                let now = self.parts.clock.now();
                let may_fall_back = !ask.passes_over_cache();
                let fallback = landing.fallback.as_ref().filter(|_| may_fall_back);
                return match (&landing.result, fallback) {
                    (Ok(held), _) => Ok(answer(&meant, held, Source::Refresh, now)),
                    (Err(_), Some(held)) => Ok(answer(&meant, held, Source::Cache, now)),
                    (Err(refusal), None) => Err(self.refuse(&meant, refusal, ask, asker)),
                };
            }
        }
        Err(ErrorBody::new(
            ErrorCode::Unavailable,
            "The account kept changing while the token was asked for.",
        )
        .with_hint("Try again.")
        .into())
    }

    fn refuse(&self, meant: &Meant, refusal: &slot::Refusal, ask: &Ask, asker: &Asker) -> Refusal {
        let now = self.parts.clock.now();
        self.state().refuse(meant, refusal, ask, asker, now)
    }

    fn look(
        self: &Arc<Self>,
        request: &TokenRequest,
        ask: &Ask,
        asker: &Asker,
        passed: Option<&Passed>,
    ) -> Result<Looked, Refusal> {
        let now = self.parts.clock.now();
        let mut state = self.state();
        let mut meant = state.meaning(request)?;
        if let Some(undecided) = self.pass(&state, &mut meant, asker, passed)? {
            return Ok(Looked::Undecided(undecided));
        }
        let reply = state.machine.ask(&meant.key, &meant.slot, &meant.scopes, ask, now);
        match reply {
            Some(Reply::Serve { held, is_first }) => {
                if is_first {
                    self.rescheduled.notify_one();
                }
                Ok(Looked::Answer(answer(&meant, &held, Source::Cache, now)))
            }
            Some(Reply::Refuse(refusal)) => Err(state.refuse(&meant, &refusal, ask, asker, now)),
            Some(Reply::Wait { flight, order, fallback }) => {
                let waiting =
                    state.flights.entry(flight).or_insert_with(|| watch::Sender::new(None)).subscribe();
                drop(state);
                if let Some(order) = order {
                    self.launch(order);
                }
                Ok(Looked::Wait { meant, waiting, fallback })
            }
            None => {
                let sentence = "The account is known to one half of entrad only.";
                Err(ErrorBody::new(ErrorCode::Internal, sentence).into())
            }
        }
    }
}

/// How long a caller waits for a longer life where the token it could have still has some: Entra answers within
/// two seconds, or something is wrong (invariant 4).
const PATIENCE: Duration = Duration::from_secs(5);

/// Twice is enough for a sign-out followed by a sign-in; a third time is for the unlucky. Each may have to wait for a decision
/// first.
const MOST_ASKS: usize = 6;

/// Why there is no token, and what closes when the account needs a person no more, where it does now.
struct Refusal {
    error: ErrorBody,
    over: Option<watch::Receiver<()>>,
    /// Somebody signed in since: it is not so any more.
    is_past: bool,
}

impl From<ErrorBody> for Refusal {
    fn from(error: ErrorBody) -> Self {
        Self { error, over: None, is_past: false }
    }
}

/// A token with what is known of it besides.
pub(super) struct FoundToken {
    pub(super) answer: TokenAnswer,
    pub(super) profile: String,
    /// The rule by which it is handed out.
    pub(super) rule: Option<Arc<str>>,
    pub(super) held: Arc<Held>,
}

enum Looked {
    Answer(FoundToken),
    Undecided(Undecided),
    Wait { meant: Meant, waiting: watch::Receiver<Option<Told>>, fallback: Option<Arc<Held>> },
}

/// Waits for the flight. It always ends: a flight is a task with bounded waits, and one whose account is
/// gone tells its callers so. The route bounds the whole besides.
pub(super) async fn told(mut waiting: watch::Receiver<Option<Told>>) -> Told {
    match waiting.wait_for(Option::is_some).await {
        Ok(told) => told.clone().unwrap_or(Told::AskAgain),
        Err(_) => Told::AskAgain,
    }
}

fn answer(meant: &Meant, held: &Arc<Held>, source: Source, now: Now) -> FoundToken {
    let answer = TokenAnswer {
        access_token: held.token.clone(),
        token_type: "Bearer".to_owned(),
        expires_on: held.expiry.epoch(now),
        scopes: held.scopes.clone(),
        account: meant.key.account.clone(),
        tenant: meant.tenant.clone(),
        source,
        refresh_due_on: held.due.epoch(now),
    };
    let (profile, rule) = (meant.key.profile.clone(), meant.rule.clone());
    FoundToken { answer, profile, rule, held: Arc::clone(held) }
}

fn with_handle(hint: &str, handle: &str) -> String {
    hint.replacen("`entra login", &format!("`entra login --claims-handle {handle}"), 1)
}

impl State {
    pub(super) fn meaning(&self, request: &TokenRequest) -> Result<Meant, ErrorBody> {
        // A request that no sign-in would make good is told so first, rather than sent to sign in.
        let key = self.choose(request.account.as_deref(), request.profile.as_deref()).map_err(|error| {
            let (scopes, resource) = (request.scopes.as_deref(), request.resource.as_deref());
            choice::scopes(scopes, resource, Cloud::Public).err().unwrap_or(error)
        })?;
        let Some(known) = self.known.get(&key) else {
            return Err(ErrorBody::new(ErrorCode::Internal, "The chosen account is not known."));
        };
        let target = known.target.as_ref().map_err(Clone::clone)?;
        let tenant = match request.tenant.as_deref() {
            Some(tenant) => {
                self.rules.bounds().allow_tenant(&key.profile, tenant.trim())?;
                let authority = target.authority.with_tenant(tenant);
                authority
                    .map_err(|error| ErrorBody::new(ErrorCode::BadRequest, error.to_string()))?
                    .tenant()
                    .to_owned()
            }
            None => known.entry.tenant.clone(),
        };
        let scopes =
            choice::scopes(request.scopes.as_deref(), request.resource.as_deref(), known.entry.cloud)?;
        self.rules.allow_scopes(&scopes)?;
        let slot = SlotKey::new(&tenant, &scopes, request.cae);
        Ok(Meant { key, slot, tenant, scopes, rule: None })
    }

    /// The refusal in words, with the challenge kept behind a handle for the sign-in that follows.
    fn refuse(
        &mut self,
        meant: &Meant,
        refusal: &slot::Refusal,
        ask: &Ask,
        asker: &Asker,
        now: Now,
    ) -> Refusal {
        let resource = meant.scopes.to_string();
        let Some(entry) = self.known.get(&meant.key).map(|known| &known.entry) else {
            // There is nothing to ask a person for.
            return ErrorBody::new(ErrorCode::SignInNeeded, "The account signed out meanwhile.")
                .with_hint("Run `entra login`.")
                .into();
        };
        let about = About {
            client_id: &entry.client_id,
            cloud: entry.cloud,
            origin: &entry.authority,
            tenant: &meant.tenant,
            resource: &resource,
            profile: &meant.key.profile,
        };
        let mut body = words::error_body(&refusal.failure, &about);
        if let Some(retry_after) = refusal.retry_after {
            // Rounded up: a caller that comes back too early would be refused again.
            body.retry_after = Some(retry_after.as_secs_f64().ceil() as u64);
        }
        let needs_person = matches!(refusal.failure.kind, FailureKind::SignInNeeded | FailureKind::Dead);
        let claims = refusal.failure.fault.claims.as_deref().or(ask.claims.as_deref());
        if let Some(claims) = claims.filter(|_| needs_person) {
            let handle = self.challenges.keep(claims);
            // Signing in without the challenge would work, and the next call would fail again.
            body.hint = body.hint.map(|hint| with_handle(&hint, &handle));
            body.claims_handle = Some(handle);
        }
        if !needs_person {
            return body.into();
        }
        let is_dead = self.machine.death(&meant.key).is_some();
        let still = || self.machine.refusal(&meant.key, &meant.slot, ask.claims.as_deref(), now);
        if !is_dead && still().is_none() {
            return Refusal { error: body, over: None, is_past: true };
        }
        let refused = needs::Refused { slot: &meant.slot, scopes: &meant.scopes, cloud: entry.cloud, asker };
        let over = self.needs.refuse(&meant.key, &body, is_dead, &refused, now.epoch());
        Refusal { error: body, over, is_past: false }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{broker, record};
    use super::*;
    use crate::account::outcome::{Failure, Fault};

    #[tokio::test]
    async fn a_refusal_that_somebody_has_mended_since_asks_nobody() {
        let broker = broker(&Arc::default(), [record("u.t", "rt")]).await;
        let request = TokenRequest { scopes: Some(vec!["a".to_owned()]), ..TokenRequest::default() };
        let ask = choice::ask(&request).unwrap();
        let meant = broker.state().meaning(&request).unwrap();
        let failure = Failure { kind: FailureKind::Dead, fault: Fault::default() };
        let refusal = slot::Refusal { failure, retry_after: None };
        let told = broker.refuse(&meant, &refusal, &ask, &Asker::Unknown);
        assert!(told.is_past && told.over.is_none());
        assert!(broker.needs().is_empty());
    }
}

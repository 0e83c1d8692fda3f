//! Carrying one sign-in out, from the request to the sealed refresh token.
//!
//! It begins with the vault: a person is not sent through a sign-in whose result could not be kept. It ends
//! with a check that the person who came is the one who was expected.

use std::sync::Arc;

use entra_proto::account::{AccountId, Flow, Health, Provenance};
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::resource;
use entra_proto::scope::Scopes;
use entra_proto::sign_in::{SignInEvent, SignInRequest, SignInStarted};
use tokio::sync::watch;

use super::ladder::{self, Ladder};
use super::{Broker, State, choice, sign_ins};
use crate::access::caller::Caller;
use crate::account::demand::Demands;
use crate::account::key::{AccountKey, SlotKey};
use crate::account::outcome::{Grant, Identity};
use crate::account::slot::Held;
use crate::account::time::Now;
use crate::config::DEFAULT_PROFILE;
use crate::entra::claims::Claims;
use crate::entra::poll::SignInEnd;
use crate::entra::target::Target;
use crate::entra::words::{self, About};
use crate::vault::{Access, Entry, Record};

/// A sign-in that has been checked and can begin.
pub(super) struct Plan {
    pub(super) profile: String,
    pub(super) target: Target,
    pub(super) scopes: Scopes,
    pub(super) claims: Option<Claims>,
    /// The account that must come.
    expected: Option<Expected>,
    /// Its user name, where that is known.
    pub(super) hint: Option<String>,
    /// Who asks, for the prompt.
    pub(super) program: String,
    ladder: Ladder,
}

impl Broker {
    /// `POST /v1/sign-ins`: checks the request and starts the sign-in; its story tells the rest.
    ///
    /// # Errors
    /// What is wrong with the request; what goes wrong later is told by the story.
    pub async fn start_sign_in(
        self: &Arc<Self>,
        request: SignInRequest,
        caller: Caller,
    ) -> Result<SignInStarted, ErrorBody> {
        let refused = self.note_no_sign_in(&caller, &request);
        let started = self.try_start_sign_in(request, caller).await;
        if let (Err(error), Some(refused)) = (&started, refused) {
            self.note(Some(refused.now().failed(error)));
        }
        started
    }

    async fn try_start_sign_in(
        self: &Arc<Self>,
        request: SignInRequest,
        caller: Caller,
    ) -> Result<SignInStarted, ErrorBody> {
        self.must_be_open()?;
        choice::names([request.account.as_deref(), request.profile.as_deref()])?;
        // An unreadable vault is no obstacle yet: the sign-in itself may mend or unlock it.
        if let Err(error) = self.restore(Access::Silent).await {
            tracing::info!("the accounts are not known yet: {}", error.message);
        }
        let profile = request.profile.clone().unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
        let target = match self.target_for(&request, &profile) {
            // The account that is signed in knows the app registration, but its keyring is locked: ask the person.
            Err(error) if error.code == ErrorCode::ClientIdNeeded && !self.is_restored() => {
                self.restore(Access::MayPrompt).await?;
                self.target_for(&request, &profile)?
            }
            target => target?,
        };
        let mut state = self.state();
        let scopes = match request.scopes.as_deref() {
            Some(scopes) => {
                let scopes = choice::scopes(Some(scopes), None, target.authority.cloud())?;
                state.rules.allow_scopes(&scopes)?;
                scopes
            }
            None => default_scopes(&target)?,
        };
        let claims = match (request.claims.as_deref(), request.claims_handle.as_deref()) {
            (Some(_), Some(_)) => return Err(bad("Give `claims` or `claims_handle`, not both.")),
            (Some(claims), None) => Some(claims.to_owned()),
            (None, Some(handle)) => {
                let kept = state.challenges.find(handle);
                Some(
                    kept.ok_or_else(|| {
                        bad("The claims handle is not known (any more); give the claims themselves.")
                    })?
                    .to_owned(),
                )
            }
            (None, None) => None,
        };
        let claims =
            claims.as_deref().map(Claims::parse).transpose().map_err(|error| bad(&error.to_string()))?;
        let (expected, is_code_refused) = state.expectation(&profile, request.account.as_deref());
        let hint = expected.as_ref().and_then(|expected| expected.username.clone());
        let rules = Arc::clone(&state.rules);
        let ladder =
            Ladder::of(rules.flows(request.flow)?, request.flow, request.has_browser, is_code_refused)?;
        let (id, told) = state.sign_ins.open(&profile)?;
        let open = self.note_sign_in(&caller, &profile, &scopes, target.authority.tenant());
        let program = caller.to_string();
        let plan = Plan { profile, target, scopes, claims, expected, hint, program, ladder };
        let broker = Arc::clone(self);
        let task = tokio::spawn(async move {
            let event = match broker.carry_out(plan, &told).await {
                Ok(account) => {
                    open.signed_in(&account);
                    SignInEvent::SignedIn { account: Box::new(account) }
                }
                Err(error) => {
                    open.failed(&error);
                    SignInEvent::Failed { error: Box::new(error) }
                }
            };
            sign_ins::end(&told, event);
        });
        state.sign_ins.carried_out_by(&id, task.abort_handle());
        Ok(SignInStarted { id })
    }

    pub(super) fn target_for(&self, request: &SignInRequest, profile: &str) -> Result<Target, ErrorBody> {
        let state = self.state();
        let mut signed_in =
            state.known.values().map(|known| &known.entry).filter(|entry| entry.key.profile == profile);
        state.rules.target_for(request, signed_in.next())
    }

    async fn carry_out(
        self: &Arc<Self>,
        plan: Plan,
        told: &watch::Sender<sign_ins::State>,
    ) -> Result<entra_proto::account::AccountInfo, ErrorBody> {
        match self.parts.vault.open(Access::MayPrompt).await {
            Ok(()) => self.restore(Access::MayPrompt).await?,
            Err(error) if error.is_mended_by_sign_in() => tracing::warn!(%error, "a new vault will be begun"),
            Err(error) => return Err(error.to_error_body()),
        }
        let mut flow = plan.ladder.first();
        loop {
            let ended = match flow {
                Flow::Browser => self.by_browser(&plan, told).await,
                Flow::DeviceCode => self.by_code(&plan, told).await,
            };
            let error = match ended {
                Ok(account) => return Ok(account),
                Err(error) => error,
            };
            let Some(next) = plan.ladder.after(flow, &error) else {
                return Err(plan.ladder.explained(flow, error, &plan.login()));
            };
            tracing::info!(
                aadsts = error.aadsts,
                "a sign-in by {} goes on by {}",
                flow.describe(),
                next.describe()
            );
            sign_ins::switch(told, flow, next, error);
            flow = next;
        }
    }

    /// Takes the account in: checks who came, seals the refresh token, then lets callers have tokens.
    pub(super) async fn admit(
        self: &Arc<Self>,
        plan: &Plan,
        mut grant: Grant,
        flow: Flow,
    ) -> Result<entra_proto::account::AccountInfo, ErrorBody> {
        let identity = grant.identity.clone().ok_or_else(|| {
            ErrorBody::new(ErrorCode::Unavailable, "Entra's answer does not say who signed in.")
                .with_hint("Try again.")
        })?;
        if let Some(error) =
            plan.expected.as_ref().and_then(|expected| expected.misses(&identity, &plan.login()))
        {
            return Err(error);
        }
        self.rules().bounds().allow_person(&identity.username).map_err(|error| {
            let message = format!("{} The tokens were dropped.", error.message);
            ErrorBody { message, ..error }
        })?;
        let Some(refresh_token) = grant.refresh_token.take() else {
            let sentence = "Entra granted no refresh token (`offline_access` is missing), so the sign-in could not be kept.";
            return Err(ErrorBody::new(ErrorCode::Misconfigured, sentence)
                .with_hint("Ask an administrator to permit `offline_access` for the app registration."));
        };
        let now = self.parts.clock.now();
        let key = AccountKey { profile: plan.profile.clone(), account: identity.id };
        let mut entry = Entry {
            key: key.clone(),
            cloud: plan.target.authority.cloud(),
            authority: plan.target.authority.origin().to_owned(),
            tenant: plan.target.authority.tenant().to_owned(),
            client_id: plan.target.client_id.as_str().to_owned(),
            scopes: plan.scopes.clone().into(),
            username: identity.username,
            name: identity.name,
            provenance: Provenance { flow, signed_in_on: now.epoch() },
            obtained_on: now.epoch(),
            used_on: now.epoch(),
            quarantined_on: None,
            demands: Demands::default(),
            quarantined_for: None,
        };
        let turn = self.state().known.get(&key).map(|known| Arc::clone(&known.turn)).unwrap_or_default();
        // A refresh with the old token may be under way; its outcome must not overtake the new sign-in.
        let _turn = turn.lock().await;
        entry.demands = self.inherit(&key, now);
        let record = Record { entry: entry.clone(), refresh_token };
        self.parts.vault.put(record, Access::MayPrompt).await.map_err(|error| error.to_error_body())?;
        let held = Held::new(&grant, now, super::flights::jitter());
        let slot = SlotKey::new(&entry.tenant, &plan.scopes, false);
        self.take_in(entry, &slot, &plan.scopes, held, now);
        self.state()
            .info(&key)
            .ok_or_else(|| ErrorBody::new(ErrorCode::Internal, "The account vanished as it signed in."))
    }

    /// Lets callers have tokens of a sign-in that is sealed, and tells the schedule of it.
    pub(super) fn take_in(&self, entry: Entry, slot: &SlotKey, scopes: &Scopes, held: Held, now: Now) {
        let key = entry.key.clone();
        let mut state = self.state();
        if self.locking.is_locked() {
            return;
        }
        state.welcome(entry);
        state.machine.fill(&key, slot, scopes, held, now);
        self.is_restored.store(true, std::sync::atomic::Ordering::Release);
        drop(state);
        self.rescheduled.notify_one();
        tracing::info!("an account signed in");
    }
}

impl State {
    /// The account that is to come, as far as it is known, and whether a policy has ended its sign-in by a code. Where no
    /// account is named, the profile's only one tells of policies.
    fn expectation(&self, profile: &str, word: Option<&str>) -> (Option<Expected>, bool) {
        let mut of_profile = self.known.keys().filter(|key| key.profile == profile);
        let account = match word {
            Some(word) => of_profile
                .filter_map(|key| self.info(key))
                .find(|account| choice::is_called(account.id.as_str(), &account.username, word)),
            None => of_profile.next().filter(|_| of_profile.next().is_none()).and_then(|key| self.info(key)),
        };
        let is_code_refused = account.as_ref().is_some_and(|account| match &account.health {
            Health::SignInNeeded { error, .. } => ladder::is_against_codes(error),
            Health::Good => false,
        });
        let expected = word.map(|word| match account {
            Some(account) => {
                Expected { word: word.to_owned(), id: Some(account.id), username: Some(account.username) }
            }
            None => Expected {
                word: word.to_owned(),
                id: None,
                username: word.contains('@').then(|| word.to_owned()),
            },
        });
        (expected, is_code_refused)
    }
}

/// The account that must come to a sign-in.
struct Expected {
    /// What the caller called it: its id or user name.
    word: String,
    /// Its id, where it is known here by that word. A user name proves little: it can be given to somebody else.
    id: Option<AccountId>,
    /// Its user name, as far as known.
    username: Option<String>,
}

impl Expected {
    /// Why whoever came is not the one expected, if they are not. `login` is the command that signs in.
    fn misses(&self, came: &Identity, login: &str) -> Option<ErrorBody> {
        let (word, name) = (&self.word, &came.username);
        let is_called = choice::is_called(came.id.as_str(), name, word);
        let (sentence, hint) = match &self.id {
            Some(id) if *id == came.id => return None,
            None if is_called => return None,
            Some(id) if is_called => (
                format!(
                    "`{name}` signed in as the account {}, but the one signed in here under that name is {id}; the tokens were dropped.",
                    came.id
                ),
                format!(
                    "If the account was made anew, sign out the old one by `entra logout {id}`, then run `{login} --account {word}` again."
                ),
            ),
            Some(_) | None => {
                let expected = self.username.as_ref().unwrap_or(word);
                (
                    format!("`{name}` signed in, but `{expected}` was expected; the tokens were dropped."),
                    format!("Run `{login} --account {word}` again and choose that account on the page."),
                )
            }
        };
        Some(ErrorBody::new(ErrorCode::AccountMismatch, sentence).with_hint(hint))
    }
}

impl Plan {
    pub(super) fn failed(&self, end: SignInEnd) -> ErrorBody {
        words::sign_in_error(end, &self.about(&self.scopes.to_string())).unwrap_or_else(|| {
            ErrorBody::new(ErrorCode::Internal, "A sign-in that worked was reported as failed.")
        })
    }

    /// What is asked, for the words about it.
    pub(super) fn about<'a>(&'a self, resource: &'a str) -> About<'a> {
        let Target { authority, client_id } = &self.target;
        About {
            client_id: client_id.as_str(),
            cloud: authority.cloud(),
            origin: authority.origin(),
            tenant: authority.tenant(),
            resource,
            profile: &self.profile,
        }
    }

    /// The command that begins it anew.
    pub(super) fn login(&self) -> String {
        self.about("").login()
    }
}

/// Microsoft Graph's `.default`: every new app registration may ask for it, and `.default` asks consent for
/// all permissions that the registration lists, of other resources as well (Microsoft: the .default scope).
fn default_scopes(target: &Target) -> Result<Scopes, ErrorBody> {
    let graph = resource::named("graph").and_then(|graph| graph.address(target.authority.cloud()));
    Scopes::of_resource(graph.unwrap_or_default()).map_err(|error| bad(&error.to_string()))
}

fn bad(sentence: &str) -> ErrorBody {
    ErrorBody::new(ErrorCode::BadRequest, sentence)
}

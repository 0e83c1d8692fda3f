//! Carrying one sign-in out, from the request to the sealed refresh token.
//!
//! It begins with the vault: a person is not sent through a sign-in whose result could not be kept. It ends
//! with a check that the person who came is the one who was expected.

use std::sync::Arc;
use std::time::Duration;

use entra_proto::account::{Flow, Provenance};
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::resource;
use entra_proto::scope::Scopes;
use entra_proto::sign_in::{CodeShown, SignInEvent, SignInRequest, SignInStarted};
use tokio::sync::watch;

use super::{Broker, choice, sign_ins};
use crate::access::caller::Caller;
use crate::account::key::{AccountKey, SlotKey};
use crate::account::outcome::Grant;
use crate::account::slot::Held;
use crate::account::time::Now;
use crate::config::DEFAULT_PROFILE;
use crate::entra::claims::Claims;
use crate::entra::device::DeviceCode;
use crate::entra::poll::{SignInEnd, Step};
use crate::entra::target::Target;
use crate::entra::words::{self, About};
use crate::vault::{Access, Entry, Record, VaultError};

/// A sign-in that has been checked and can begin.
struct Plan {
    profile: String,
    target: Target,
    scopes: Scopes,
    claims: Option<Claims>,
    /// The account that must come, by id or user name.
    expected: Option<String>,
    /// Who asks, for the prompt.
    program: String,
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
            Some(scopes) => choice::scopes(Some(scopes), None, target.authority.cloud())?,
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
        let (id, told) = state.sign_ins.open(&profile)?;
        let program = caller.with_program().to_string();
        let plan = Plan { profile, target, scopes, claims, expected: request.account, program };
        let broker = Arc::clone(self);
        let task = tokio::spawn(async move {
            let event = match broker.carry_out(plan, &told).await {
                Ok(account) => SignInEvent::SignedIn { account: Box::new(account) },
                Err(error) => SignInEvent::Failed { error: Box::new(error) },
            };
            sign_ins::end(&told, event);
        });
        state.sign_ins.carried_out_by(&id, task.abort_handle());
        Ok(SignInStarted { id })
    }

    fn target_for(&self, request: &SignInRequest, profile: &str) -> Result<Target, ErrorBody> {
        let state = self.state();
        let mut signed_in =
            state.known.values().map(|known| &known.entry).filter(|entry| entry.key.profile == profile);
        self.parts.profiles.target_for(request, signed_in.next())
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
        let code =
            self.parts.entra.request_code(&plan.target, &plan.scopes, plan.claims.as_ref(), false).await;
        let code = code.map_err(|outcome| plan.failed(SignInEnd::Failed(outcome)))?;
        let now = self.parts.clock.now();
        let expires_on = now.wall.saturating_add(code.expires_in).as_secs();
        sign_ins::show_code(told, plan.shown(&code, expires_on));
        let mut poll = self.parts.entra.poll(code);
        let grant = loop {
            match poll.next().await {
                Step::Waiting { notice } => sign_ins::wait(told, expires_on, notice),
                Step::Ended(SignInEnd::Granted(grant)) => break grant,
                Step::Ended(end) => return Err(plan.failed(end)),
            }
        };
        self.admit(&plan, *grant, Flow::DeviceCode).await
    }

    /// Takes the account in: checks who came, seals the refresh token, then lets callers have tokens.
    async fn admit(
        self: &Arc<Self>,
        plan: &Plan,
        mut grant: Grant,
        flow: Flow,
    ) -> Result<entra_proto::account::AccountInfo, ErrorBody> {
        let identity = grant.identity.clone().ok_or_else(|| {
            ErrorBody::new(ErrorCode::Unavailable, "Entra's answer does not say who signed in.")
                .with_hint("Try again.")
        })?;
        if let Some(expected) = plan.expected.as_deref()
            && !choice::is_called(identity.id.as_str(), &identity.username, expected)
        {
            let sentence = format!(
                "`{}` signed in, but `{expected}` was expected; the tokens were dropped.",
                identity.username
            );
            return Err(ErrorBody::new(ErrorCode::AccountMismatch, sentence).with_hint(format!(
                "Run `entra login --account {expected}` again and choose that account on the page."
            )));
        }
        let Some(refresh_token) = grant.refresh_token.take() else {
            let sentence = "Entra granted no refresh token (`offline_access` is missing), so the sign-in could not be kept.";
            return Err(ErrorBody::new(ErrorCode::Misconfigured, sentence)
                .with_hint("Ask an administrator to permit `offline_access` for the app registration."));
        };
        let now = self.parts.clock.now();
        let key = AccountKey { profile: plan.profile.clone(), account: identity.id };
        let entry = Entry {
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
        };
        let turn = self.state().known.get(&key).map(|known| Arc::clone(&known.turn)).unwrap_or_default();
        // A refresh with the old token may be under way; its outcome must not overtake the new sign-in.
        let _turn = turn.lock().await;
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
        state.welcome(entry, &self.parts.profiles);
        state.machine.fill(&key, slot, scopes, held, now);
        drop(state);
        self.is_restored.store(true, std::sync::atomic::Ordering::Release);
        self.rescheduled.notify_one();
        tracing::info!("an account signed in");
    }

    /// `DELETE /v1/accounts/{id}`: forgets the account's refresh token, under one profile or all. Returns
    /// those that are still signed in.
    ///
    /// # Errors
    /// `not_found`, or why the vault could not forget it: then nothing was changed.
    pub async fn sign_out(
        self: &Arc<Self>,
        id: &str,
        profile: Option<&str>,
    ) -> Result<entra_proto::account::AccountsAnswer, ErrorBody> {
        self.restore(Access::Silent).await?;
        let keys: Vec<_> = {
            let state = self.state();
            let fits = |key: &&AccountKey| {
                key.account.as_str().eq_ignore_ascii_case(id) && profile.is_none_or(|p| p == key.profile)
            };
            state.known.keys().filter(fits).cloned().collect()
        };
        if keys.is_empty() {
            return Err(ErrorBody::new(ErrorCode::NotFound, "No such account is signed in.")
                .with_hint("`entra accounts` lists those that are."));
        }
        for key in keys {
            let broker = Arc::clone(self);
            // In a task of its own: a caller that hangs up must not leave in memory what the vault forgot.
            let forgotten = tokio::spawn(async move { broker.forget(&key).await });
            forgotten.await.map_err(|_| {
                ErrorBody::new(ErrorCode::Internal, "The sign-out failed by a defect of entrad.")
                    .with_hint("Try again; the log has more.")
            })??;
        }
        self.accounts().await
    }

    async fn forget(&self, key: &AccountKey) -> Result<(), ErrorBody> {
        let Some(turn) = self.state().known.get(key).map(|known| Arc::clone(&known.turn)) else {
            return Ok(());
        };
        let _turn = tokio::time::timeout(SIGN_OUT_WAIT, turn.lock_owned()).await.map_err(|_| {
            ErrorBody::new(ErrorCode::TimedOut, "A refresh of the account is still under way.")
                .with_hint("Try again in a minute.")
        })?;
        match self.parts.vault.remove(key).await {
            // A dead refresh token is deleted a day later, and the account stays known.
            Ok(()) | Err(VaultError::NotFound(_)) => {}
            Err(error) => return Err(error.to_error_body()),
        }
        let mut state = self.state();
        let flights = state.machine.sign_out(key);
        state.tell_to_ask_again(flights);
        state.known.remove(key);
        state.registries.forget(&key.account);
        drop(state);
        self.settled.notify_waiters();
        self.rescheduled.notify_one();
        tracing::info!("an account signed out");
        Ok(())
    }
}

/// A sign-out waits this long for a refresh of the account to end.
const SIGN_OUT_WAIT: Duration = Duration::from_secs(15);

impl Plan {
    fn failed(&self, end: SignInEnd) -> ErrorBody {
        let resource = self.scopes.to_string();
        let about = About {
            client_id: self.target.client_id.as_str(),
            tenant: self.target.authority.tenant(),
            resource: &resource,
            profile: &self.profile,
        };
        words::sign_in_error(end, &about).unwrap_or_else(|| {
            ErrorBody::new(ErrorCode::Internal, "A sign-in that worked was reported as failed.")
        })
    }

    fn shown(&self, code: &DeviceCode, expires_on: u64) -> CodeShown {
        CodeShown {
            user_code: code.user_code.clone(),
            verification_uri: code.verification_uri.clone(),
            is_trusted_uri: code.is_trusted_uri,
            expires_on,
            expires_in: code.expires_in.as_secs(),
            message: code.message.clone(),
            flow: Flow::DeviceCode,
            profile: self.profile.clone(),
            cloud: self.target.authority.cloud(),
            tenant: self.target.authority.tenant().to_owned(),
            client_id: self.target.client_id.as_str().to_owned(),
            app_name: self.target.client_id.known_name().map(str::to_owned),
            program: self.program.clone(),
            scopes: self.scopes.clone().into(),
            correlation_id: code.correlation_id.clone(),
        }
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

//! The hand of the test: what a person does, what goes wrong, what time it is, and what was asked.
//!
//! Every wait is bounded by `Options::wait_limit` and ends at the event itself. Each `async` wait has a `_blocking`
//! twin for tests without tokio.

use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::time::timeout_at;

use crate::clock::unix;
use crate::directory::Realm;
use crate::faults::Fault;
use crate::issue::{Issue, refresh_token};
use crate::leg::Leg;
use crate::log::LoggedRequest;
use crate::options::Rules;
use crate::routes;
use crate::scope::Scopes;
use crate::service::Core;
use crate::state::{Standing, State, Verdict};
use crate::view::{CodeView, ControlError, StateView};

/// Scripting and inspection of a running simulator; cheap to clone.
#[derive(Debug, Clone)]
pub struct Control {
    core: Arc<Core>,
}

/// What a person does.
impl Control {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Approves a device code as this person.
    ///
    /// # Errors
    /// When the code is unknown, expired or already decided, or the person is unknown.
    pub fn approve(&self, user_code: &str, username: &str) -> Result<(), ControlError> {
        self.core.change(|state| state.decide(user_code, Verdict::Approved { username: username.to_owned() }))
    }

    /// Declines a device code.
    ///
    /// # Errors
    /// When the code is unknown, expired or already decided.
    pub fn decline(&self, user_code: &str) -> Result<(), ControlError> {
        self.core.change(|state| state.decide(user_code, Verdict::Declined))
    }

    /// Does what a browser does at an authorization URL when this person picks an account, and returns the address
    /// that the browser is sent to.
    ///
    /// # Errors
    /// When the URL is none or the service refuses the request.
    pub fn pick_account(&self, authorize_url: &str, username: &str) -> Result<String, ControlError> {
        self.core.change(|state| routes::pick_account(state, authorize_url, username))
    }

    /// Issues a refresh token without any sign-in, to the first registered client.
    ///
    /// # Errors
    /// When the person is unknown.
    pub fn issue_refresh_token(&self, username: &str) -> Result<String, ControlError> {
        self.core.change(|state| {
            let user = state.directory.user(username).ok_or_else(|| unknown_user(username))?.clone();
            let client_id = state.clients.first().cloned().unwrap_or_default();
            let scopes = Scopes::parse("openid profile offline_access")
                .map_err(|error| ControlError::Refused { code: error.code, text: error.text })?;
            let issue = Issue {
                origin: "",
                username: &user.username,
                client_id: &client_id,
                realm: &Realm::Common,
                scopes: &scopes,
                cae: false,
                client_info: false,
                nonce: None,
                root: None,
            };
            Ok(refresh_token(state, &issue))
        })
    }
}

/// What goes wrong, and when.
impl Control {
    /// Queues a fault.
    pub fn script(&self, fault: Fault) {
        self.core.change(|state| state.faults.push(fault));
    }

    /// Faults that still wait.
    pub fn waiting_faults(&self) -> Vec<Fault> {
        self.core.lock().faults.waiting().to_vec()
    }

    /// Forgets all faults that still wait.
    pub fn clear_faults(&self) {
        self.core.change(|state| state.faults.clear());
    }

    /// Revokes one refresh token; says whether there was one to revoke.
    pub fn revoke_token(&self, refresh_token: &str) -> bool {
        self.core.change(|state| match state.refresh_tokens.find(refresh_token) {
            Some(token) if token.standing != Standing::Revoked => {
                token.standing = Standing::Revoked;
                true
            }
            _ => false,
        })
    }

    /// Revokes a person's sessions, as an administrator does; says how many refresh tokens died.
    pub fn revoke_user(&self, username: &str) -> usize {
        self.core.change(|state| {
            state.refresh_tokens.revoke(|token| token.username.eq_ignore_ascii_case(username))
        })
    }

    /// Revokes every refresh token; says how many died.
    pub fn revoke_all(&self) -> usize {
        self.core.change(|state| state.refresh_tokens.revoke(|_| true))
    }

    /// Moves the simulated time forward: codes and tokens age, `Date` follows.
    pub fn advance(&self, by: Duration) {
        self.core.change(|state| state.clock.advance(by));
    }

    /// The simulated time.
    pub fn now(&self) -> SystemTime {
        self.core.lock().now()
    }

    /// Changes how the service behaves from now on.
    pub fn set_rules(&self, change: impl FnOnce(&mut Rules)) {
        self.core.change(|state| change(&mut state.rules));
    }

    /// How the service behaves.
    pub fn rules(&self) -> Rules {
        self.core.lock().rules.clone()
    }

    /// Forgets everything: codes, tokens, faults, log, time and changed rules.
    pub fn reset(&self) {
        self.core.change(|state| *state = State::new(&self.core.options));
    }
}

/// What was asked.
impl Control {
    /// Every request so far, oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.core.lock().log.clone()
    }

    /// The requests on one leg, oldest first.
    pub fn requests_on(&self, leg: Leg) -> Vec<LoggedRequest> {
        on_leg(&self.core.lock(), leg)
    }

    /// Empties the request log.
    pub fn clear_requests(&self) {
        self.core.change(|state| state.log.clear());
    }

    /// Every device code that was given out, oldest first.
    pub fn codes(&self) -> Vec<CodeView> {
        let state = self.core.lock();
        state.device_codes.iter().map(|code| code.view(state.now())).collect()
    }

    /// Counts and the time.
    pub fn state(&self) -> StateView {
        let state = self.core.lock();
        StateView {
            now: unix(state.now()),
            clock_offset_seconds: state.clock.offset().as_secs(),
            requests: state.requests,
            access_tokens_issued: state.issued,
            live_refresh_tokens: state.refresh_tokens.count(Standing::Live),
            superseded_refresh_tokens: state.refresh_tokens.count(Standing::Superseded),
            revoked_refresh_tokens: state.refresh_tokens.count(Standing::Revoked),
            waiting_faults: state.faults.waiting().len(),
        }
    }

    /// Waits for the next device code that was given out; each is returned once, in order.
    ///
    /// # Errors
    /// [`ControlError::TimedOut`].
    pub async fn next_user_code(&self) -> Result<String, ControlError> {
        self.wait("a device code", next_user_code).await
    }

    /// [`Self::next_user_code`] without tokio.
    ///
    /// # Errors
    /// [`ControlError::TimedOut`].
    pub fn next_user_code_blocking(&self) -> Result<String, ControlError> {
        self.wait_blocking("a device code", next_user_code)
    }

    /// Waits for the next device code and approves it as this person; returns the user code.
    ///
    /// # Errors
    /// [`ControlError::TimedOut`], or what [`Self::approve`] says.
    pub async fn approve_next(&self, username: &str) -> Result<String, ControlError> {
        let user_code = self.next_user_code().await?;
        self.approve(&user_code, username).map(|()| user_code)
    }

    /// [`Self::approve_next`] without tokio.
    ///
    /// # Errors
    /// [`ControlError::TimedOut`], or what [`Self::approve`] says.
    pub fn approve_next_blocking(&self, username: &str) -> Result<String, ControlError> {
        let user_code = self.next_user_code_blocking()?;
        self.approve(&user_code, username).map(|()| user_code)
    }

    /// Waits until `count` requests on a leg were served, and returns them.
    ///
    /// # Errors
    /// [`ControlError::TimedOut`].
    pub async fn wait_for_requests(
        &self,
        leg: Leg,
        count: usize,
    ) -> Result<Vec<LoggedRequest>, ControlError> {
        self.wait("requests", |state| served(state, leg, count)).await
    }

    /// [`Self::wait_for_requests`] without tokio.
    ///
    /// # Errors
    /// [`ControlError::TimedOut`].
    pub fn wait_for_requests_blocking(
        &self,
        leg: Leg,
        count: usize,
    ) -> Result<Vec<LoggedRequest>, ControlError> {
        self.wait_blocking("requests", |state| served(state, leg, count))
    }

    /// Waits until a request on a leg has arrived, served or not: with a scripted delay or hang it is in the air.
    ///
    /// # Errors
    /// [`ControlError::TimedOut`].
    pub async fn wait_for_arrival(&self, leg: Leg, count: usize) -> Result<(), ControlError> {
        self.wait("an arrival", |state| arrived(state, leg, count)).await
    }

    /// [`Self::wait_for_arrival`] without tokio.
    ///
    /// # Errors
    /// [`ControlError::TimedOut`].
    pub fn wait_for_arrival_blocking(&self, leg: Leg, count: usize) -> Result<(), ControlError> {
        self.wait_blocking("an arrival", |state| arrived(state, leg, count))
    }

    async fn wait<T>(
        &self,
        what: &'static str,
        mut look: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<T, ControlError> {
        let within = self.core.options.wait_limit;
        let deadline = tokio::time::Instant::now() + within;
        loop {
            // Registered before looking, so that a change in between is not missed.
            let mut changed = pin!(self.core.changed.notified());
            changed.as_mut().enable();
            if let Some(found) = look(&mut self.core.lock()) {
                return Ok(found);
            }
            if timeout_at(deadline, changed).await.is_err() {
                return Err(ControlError::TimedOut { what, within });
            }
        }
    }

    fn wait_blocking<T>(
        &self,
        what: &'static str,
        mut look: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<T, ControlError> {
        let within = self.core.options.wait_limit;
        let deadline = Instant::now() + within;
        let mut state = self.core.lock();
        loop {
            if let Some(found) = look(&mut state) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ControlError::TimedOut { what, within });
            }
            let waited = self.core.changed_blocking.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl State {
    /// Records what a person did with a device code.
    pub(crate) fn decide(&mut self, user_code: &str, verdict: Verdict) -> Result<(), ControlError> {
        if let Verdict::Approved { username } = &verdict
            && self.directory.user(username).is_none()
        {
            return Err(unknown_user(username));
        }
        let now = self.now();
        let unknown = || ControlError::UnknownCode { user_code: user_code.to_owned() };
        let code = self.by_user_code(user_code).ok_or_else(unknown)?;
        if now >= code.expires_at {
            return Err(ControlError::CodeExpired);
        }
        if code.verdict != Verdict::Pending {
            return Err(ControlError::CodeDecided);
        }
        code.verdict = verdict;
        Ok(())
    }
}

fn unknown_user(username: &str) -> ControlError {
    ControlError::UnknownUser { username: username.to_owned() }
}

fn next_user_code(state: &mut State) -> Option<String> {
    let code = state.device_codes.iter_mut().find(|code| !code.seen)?;
    code.seen = true;
    Some(code.user_code.clone())
}

fn on_leg(state: &State, leg: Leg) -> Vec<LoggedRequest> {
    state.log.iter().filter(|entry| leg.covers(entry.leg)).cloned().collect()
}

fn served(state: &mut State, leg: Leg, count: usize) -> Option<Vec<LoggedRequest>> {
    let mut entries = on_leg(state, leg);
    entries.retain(|entry| entry.done);
    (entries.len() >= count).then_some(entries)
}

fn arrived(state: &mut State, leg: Leg, count: usize) -> Option<()> {
    (on_leg(state, leg).len() >= count).then_some(())
}

//! Waiting for a person to finish a device-code sign-in (RFC 8628 §3.4, §3.5).
//!
//! Polling is an allow-list: it goes on after `authorization_pending`, after `slow_down`, and after whatever
//! is an outage rather than an answer; anything else ends it. The deadline is the code's, by the monotonic
//! clock, and no wait goes beyond it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::answer::{Refusal, Voice};
use super::device::DeviceCode;
use super::form::Form;
use super::grant::{self, Asked, NoGrant};
use super::reply::{Ask, Exchange};
use super::sort;
use crate::account::outcome::{Fault, Grant, Outcome};

/// A sign-in under way. Dropping it ends it at once; Entra forgets the code by itself.
pub struct Poll {
    exchange: Arc<dyn Exchange>,
    code: DeviceCode,
    interval: Duration,
    delay: Duration,
    due_at: Instant,
    is_over: bool,
}

/// What one poll found.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Step {
    /// It is over; there is nothing more to wait for.
    Ended(SignInEnd),
    /// Nothing yet.
    Waiting {
        /// Why the next poll takes longer than usual, where it does.
        notice: Option<String>,
    },
}

/// How a sign-in ended.
#[derive(Debug)]
pub enum SignInEnd {
    /// The person, or whoever had the code, said no.
    Declined(Fault),
    /// The code is over. A new one only on a new act of the person.
    Expired(Fault),
    /// It cannot be finished; the outcome says who can mend it.
    Failed(Outcome),
    /// Signed in.
    Granted(Box<Grant>),
    /// Signed in without a refresh token: the access token is good until it expires, nothing can be kept.
    GrantedOnce {
        /// The grant, without a refresh token.
        grant: Box<Grant>,
        /// What is missing.
        fault: Fault,
    },
}

impl Poll {
    pub(super) fn new(exchange: Arc<dyn Exchange>, code: DeviceCode) -> Self {
        let interval = code.interval;
        Self { exchange, interval, delay: interval, due_at: Instant::now() + interval, is_over: false, code }
    }

    /// Waits until the next poll is due, polls once, and says what it found. Dropping the future loses
    /// nothing but the poll under way; the next call keeps the rhythm. After the end it says
    /// [`SignInEnd::Expired`].
    pub async fn next(&mut self) -> Step {
        let step = self.step().await;
        self.is_over |= matches!(step, Step::Ended(_));
        step
    }

    /// When the code is over.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.code.deadline
    }

    async fn step(&mut self) -> Step {
        let deadline = self.code.deadline;
        if !self.is_over {
            sleep_until(self.due_at.min(deadline)).await;
        }
        if self.is_over || Instant::now() >= deadline {
            return self.expired();
        }
        self.due_at = Instant::now() + self.delay;
        let correlation_id = self.code.correlation_id.clone();
        let ask = Ask {
            url: self.code.target.authority.token_endpoint(),
            form: Form::poll(&self.code.target, &self.code.device_code, self.code.claims.as_deref()),
            correlation_id: correlation_id.clone(),
            anchor: None,
        };
        let Ok(reply) = timeout_at(deadline, self.exchange.post(ask)).await else { return self.expired() };
        let asked =
            Asked { target: &self.code.target, scopes: &self.code.scopes, correlation_id: &correlation_id };
        match grant::read(reply, asked) {
            Ok(grant) => Step::Ended(granted(grant, correlation_id)),
            Err(NoGrant::Ended(outcome)) => Step::Ended(SignInEnd::Failed(*outcome)),
            Err(NoGrant::Refused(refusal)) => self.refused(*refusal),
        }
    }

    fn refused(&mut self, refusal: Refusal) -> Step {
        let is_entra = refusal.voice == Voice::Entra;
        match refusal.fault.error.as_str() {
            "authorization_pending" if is_entra => {
                self.wait(self.interval);
                Step::Waiting { notice: None }
            }
            "slow_down" if is_entra => {
                self.interval += SLOW_DOWN;
                self.wait(self.interval);
                let seconds = self.interval.as_secs();
                Step::Waiting {
                    notice: Some(format!("Entra asks for patience: asking every {seconds} seconds now.")),
                }
            }
            _ if is_outage(&refusal) => self.backed_off(&refusal),
            _ => Step::Ended(end(refusal)),
        }
    }

    /// RFC 8628 §3.5: after a connection time-out the frequency must fall, by doubling the wait.
    fn backed_off(&mut self, refusal: &Refusal) -> Step {
        let doubled = (self.delay * 2).min(MAX_DELAY).max(self.interval);
        self.wait(doubled);
        let wait = refusal.retry_after.map_or(doubled, |after| after.max(doubled));
        self.due_at = Instant::now() + wait;
        let (what, seconds) = (&refusal.fault.description, wait.as_secs());
        Step::Waiting { notice: Some(format!("{what} Asking again in {seconds} seconds.")) }
    }

    fn wait(&mut self, delay: Duration) {
        self.delay = delay;
        self.due_at = Instant::now() + delay;
    }

    fn expired(&self) -> Step {
        let fault = Fault {
            error: "code_expired".to_owned(),
            description: "The code expired before the sign-in was finished.".to_owned(),
            correlation_id: Some(self.code.correlation_id.clone()),
            ..Fault::default()
        };
        Step::Ended(SignInEnd::Expired(fault))
    }
}

impl fmt::Debug for Poll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poll").field("code", &self.code).field("delay", &self.delay).finish_non_exhaustive()
    }
}

/// The end that a grant is.
pub(super) fn granted(grant: Grant, correlation_id: String) -> SignInEnd {
    let grant = Box::new(grant);
    if grant.refresh_token.is_some() {
        return SignInEnd::Granted(grant);
    }
    let fault = Fault {
        error: "no_refresh_token".to_owned(),
        description:
            "Entra gave no refresh token, so the sign-in cannot be kept: offline_access is missing among \
                      the permissions of the app registration."
                .to_owned(),
        correlation_id: Some(correlation_id),
        status: Some(200),
        ..Fault::default()
    };
    SignInEnd::GrantedOnce { grant, fault }
}

/// Whether the network or the service is out of order, rather than answering.
fn is_outage(refusal: &Refusal) -> bool {
    match (&refusal.voice, refusal.fault.status) {
        (Voice::Other, Some(407)) => false,
        (Voice::Silence(why), _) => !why.needs_somebody(),
        (Voice::Other, _) | (_, Some(408 | 429 | 500..)) => true,
        (Voice::Entra, _) => {
            matches!(refusal.fault.error.as_str(), "server_error" | "temporarily_unavailable")
        }
    }
}

/// The end that an error means. Two numbers choose between "expired" and "failed", which both end the
/// sign-in: Entra says `invalid_grant` for a device code it has forgotten or already redeemed.
pub(super) fn end(refusal: Refusal) -> SignInEnd {
    let fault = &refusal.fault;
    let is_forgotten = fault.codes.iter().any(|code| [70000, 7_000_014].contains(code));
    match fault.error.as_str() {
        "access_denied" | "authorization_declined" => SignInEnd::Declined(refusal.fault),
        "code_expired" | "expired_token" => SignInEnd::Expired(refusal.fault),
        "invalid_grant" if is_forgotten => SignInEnd::Expired(refusal.fault),
        _ => SignInEnd::Failed(sort::sort(refusal)),
    }
}

/// RFC 8628 §3.5: "the interval MUST be increased by 5 seconds for this and all subsequent requests".
const SLOW_DOWN: Duration = Duration::from_secs(5);

/// Longest wait of our own making between two polls: a person who has finished should not wait longer.
const MAX_DELAY: Duration = Duration::from_secs(60);

#[cfg(test)]
#[path = "poll_tests.rs"]
mod tests;

//! Asking a person: who needs one, when they are asked, and what was asked.
//!
//! Who needs a person is the broker's; when a person is asked, the machine's; the driver carries it out. The one hard idea
//! is that all that is told to readers is how things stand, not a log: a reader that comes late or is slow misses nothing
//! but repeats.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::MAX_SNOOZE;
use entra_proto::prompt::{HeldBack, Holder, Need, Prompt, PromptsAnswer, SnoozeRequest};
use entra_proto::status::Expectation;
use tokio::sync::{Notify, watch};

use crate::account::key::AccountKey;
use crate::broker::Broker;
use crate::clock::{Clock, local};
use crate::config::{self, Prompting};
use crate::vault::Vault;

mod driver;
mod following;
mod machine;

pub use driver::{OpenPage, Surface};
pub use following::Following;
use machine::{Machine, Rules};

/// The prompts of this user.
pub struct Prompts {
    broker: Arc<Broker>,
    vault: Vault,
    clock: Arc<dyn Clock>,
    settings: Mutex<Arc<Prompting>>,
    machine: Mutex<Machine>,
    /// Somebody changed what the driver waits for.
    nudged: Notify,
    /// Counts what there is to tell readers.
    news: watch::Sender<u64>,
}

/// An account that is to be asked for, and what its prompt says.
struct Asked {
    key: AccountKey,
    prompt: Prompt,
    raised: u64,
    /// The challenge that the sign-in is to carry.
    claims_handle: Option<String>,
}

impl Prompts {
    /// None is shown before [`Prompts::keep`] runs.
    #[must_use]
    pub fn new(broker: Arc<Broker>, vault: Vault, clock: Arc<dyn Clock>, settings: Prompting) -> Arc<Self> {
        let rules = rules(&settings);
        Arc::new(Self {
            broker,
            vault,
            clock,
            settings: Mutex::new(Arc::new(settings)),
            machine: Mutex::new(Machine::new(rules)),
            nudged: Notify::new(),
            news: watch::Sender::new(0),
        })
    }

    /// Puts other settings in force. What is on the screen stays there.
    pub fn follow_settings(&self, settings: Prompting) {
        self.machine().follow(rules(&settings));
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        self.nudged.notify_one();
    }

    fn settings(&self) -> Arc<Prompting> {
        Arc::clone(&self.settings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// `GET /v1/prompts`.
    #[must_use]
    pub fn list(&self) -> PromptsAnswer {
        let prompts = self.asked().into_iter().map(|asked| asked.prompt).collect();
        PromptsAnswer { prompts, lock: self.broker.lock_status() }
    }

    /// `POST /v1/prompts/snooze`: puts prompts off, and answers how they stand then.
    ///
    /// # Errors
    /// When the account is not known or several fit, or the time is too long.
    pub async fn snooze(&self, request: SnoozeRequest) -> Result<PromptsAnswer, ErrorBody> {
        if request.seconds.is_some_and(|seconds| seconds > MAX_SNOOZE.as_secs()) {
            let sentence = format!("`seconds` is over {}, which is a week.", MAX_SNOOZE.as_secs());
            return Err(ErrorBody::new(ErrorCode::BadRequest, sentence));
        }
        let snooze = &self.settings().snooze;
        if snooze.source.is_locked()
            && request.seconds.is_some_and(|seconds| seconds > snooze.value.as_secs())
        {
            return Err(config::refusal("Prompts may not be put off for so long", "snooze", &snooze.source));
        }
        let named = match request.account.as_deref() {
            Some(account) => {
                let (account, profile) =
                    self.broker.account_named(account, request.profile.as_deref()).await?;
                Some(AccountKey { profile, account })
            }
            None => None,
        };
        let standing = self.asked();
        let now = self.clock.now().epoch();
        let is_meant = |key: &AccountKey| match &named {
            Some(named) => key == named,
            None => request.profile.as_ref().is_none_or(|profile| key.profile == *profile),
        };
        {
            let mut machine = self.machine();
            for asked in standing.iter().filter(|asked| is_meant(&asked.key)) {
                machine.snooze(&asked.key, request.seconds, now);
            }
        }
        self.nudged.notify_one();
        Ok(self.list())
    }

    /// `GET /v1/prompts/events`.
    #[must_use]
    pub fn follow(self: &Arc<Self>) -> Following {
        Following::new(Arc::clone(self), self.news.subscribe())
    }

    /// What stands now, the longest in need first. The machine learns of it.
    fn asked(&self) -> Vec<Asked> {
        let now = self.clock.now().epoch();
        let mut all: Vec<_> = self.broker.needs().into_iter().map(asked_now).collect();
        let mut expected = self.expected(now);
        expected.retain(|it| all.iter().all(|asked| asked.key != it.key));
        all.extend(expected);
        let mut machine = self.machine();
        let needs: BTreeMap<_, _> = all.iter().map(|asked| (asked.key.clone(), asked.prompt.need)).collect();
        machine.sync(&needs);
        for asked in &mut all {
            let (held, shown_on) = machine.told_of(&asked.key, now);
            asked.raised = machine.raised(&asked.key);
            asked.prompt.held_back = held.or_else(|| self.held_by_choice());
            asked.prompt.shown_on = shown_on;
        }
        all
    }

    /// With nobody who could show anything, nothing is said to be on its way.
    fn held_by_choice(&self) -> Option<HeldBack> {
        let settings = self.settings();
        let is_off = settings.notify.value == config::Notify::Off
            && settings.notify_command.is_none()
            && self.news.receiver_count() == 0;
        is_off.then_some(HeldBack { by: Holder::NoDesktop, until: None })
    }

    /// Those that will be needed within `ask_ahead`, and are not yet.
    fn expected(&self, now: u64) -> Vec<Asked> {
        let Some(ahead) = self.ahead() else { return Vec::new() };
        let expectations = self.broker.expectations().into_iter();
        expectations.filter_map(|(key, username, it)| asked_ahead(key, username, it, ahead, now)).collect()
    }

    /// When the next expectation comes near, or has passed.
    fn next_expected(&self, now: u64) -> Option<u64> {
        let ahead = self.ahead()?;
        let expectations = self.broker.expectations().into_iter();
        let edges = expectations.flat_map(|(_, _, it)| [it.on.saturating_sub(ahead), it.on]);
        edges.filter(|on| *on > now).min()
    }

    fn ahead(&self) -> Option<u64> {
        self.settings().ask_ahead.as_ref().map(|ahead| ahead.value.as_secs())
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rules(settings: &Prompting) -> Rules {
    Rules {
        snooze: settings.snooze.value.as_secs(),
        per_day: settings.prompts_per_day.value.into(),
        quiet_hours: settings.quiet_hours.as_ref().map(|hours| hours.value),
        offset: local::offset,
    }
}

fn asked_now(need: crate::broker::Need) -> Asked {
    Asked {
        prompt: Prompt {
            account: need.key.account.clone(),
            username: need.username,
            profile: need.key.profile.clone(),
            need: Need::Now,
            reason: need.error.message,
            program: need.program,
            wanted: need.wanted,
            refused: need.refused,
            waiting: need.waiting,
            since: need.since,
            shown_on: None,
            held_back: None,
        },
        key: need.key,
        raised: 0,
        claims_handle: need.error.claims_handle,
    }
}

/// Nothing while it is far, and nothing once it has passed: then it has come, or was wrong.
fn asked_ahead(
    key: AccountKey,
    username: String,
    expectation: Expectation,
    ahead: u64,
    now: u64,
) -> Option<Asked> {
    let is_near = expectation.on.saturating_sub(ahead) <= now && now < expectation.on;
    is_near.then(|| Asked {
        prompt: Prompt {
            account: key.account.clone(),
            username,
            profile: key.profile.clone(),
            need: Need::Expected,
            reason: expectation.reason,
            program: None,
            wanted: None,
            refused: 0,
            waiting: 0,
            since: expectation.on,
            shown_on: None,
            held_back: None,
        },
        key,
        raised: 0,
        claims_handle: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demand_is_asked_ahead_of_while_it_is_near() {
        let key = || AccountKey { profile: "default".to_owned(), account: "u.t".parse().unwrap() };
        let at = |now| {
            let reason = "The organisation asks for a new sign-in every 7 days.".to_owned();
            let expectation = Expectation { on: 1000, aadsts: 70043, reason, seen: 3 };
            asked_ahead(key(), "ada@example.com".to_owned(), expectation, 100, now)
        };
        assert!(at(899).is_none() && at(1000).is_none());
        let asked = at(900).unwrap();
        assert_eq!((asked.prompt.need, asked.prompt.since), (Need::Expected, 1000));
        assert!(at(999).is_some());
    }
}

//! `GET /v1/prompts`, its events, and `POST /v1/prompts/snooze`: the accounts that need a person.
//!
//! An account is one prompt, whatever the number of programs that want it. A prompt is there until somebody has signed in; a
//! person is shown it now and then, unless something holds it back.

use serde::{Deserialize, Serialize};

use crate::account::AccountId;
use crate::consent::{ConsentQuestion, ConsentWord};
use crate::lock::LockStatus;

/// `GET /v1/prompts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptsAnswer {
    /// Each account that needs a person, or soon will; the longest in need first.
    pub prompts: Vec<Prompt>,
    /// How entrad is locked, and so asks nobody; it serves when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockStatus>,
}

/// An account that needs a person. Instants are seconds since 1970 by this machine's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// The account.
    pub account: AccountId,
    /// Its user name.
    pub username: String,
    /// Its profile.
    pub profile: String,
    /// Whether tokens are refused already, or will be.
    pub need: Need,
    /// Why, in a sentence for people.
    pub reason: String,
    /// The program that was refused first, as the kernel names it; over loopback, its lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// What it wanted: the resource's known name, else the scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
    /// Requests that were refused for want of this sign-in.
    pub refused: u64,
    /// Callers that wait for it now.
    pub waiting: u32,
    /// Since when it is needed; what is expected: from when on.
    pub since: u64,
    /// When a person was last shown it, if it was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_on: Option<u64>,
    /// Why it is not shown now, if something holds it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<HeldBack>,
}

/// How much an account needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Soon: tokens are still served.
    Expected,
    /// Now: tokens are refused.
    Now,
}

/// What keeps a prompt from being shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// What.
    pub by: Holder,
    /// Until when, where that is known, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// What can hold a prompt back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// It was shown as often as it may be in a day (setting `prompts_per_day`).
    DailyLimit,
    /// There is no way to show it here: no desktop answers, or the setting `notify` is `off`.
    NoDesktop,
    /// The hour (setting `quiet_hours`).
    QuietHours,
    /// The screen is locked.
    ScreenLock,
    /// The person said later.
    Snooze,
}

/// `POST /v1/prompts/snooze`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnoozeRequest {
    /// The account, by its id or user name; all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Its profile, where the account is signed in under several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// For how many seconds, at most [`crate::limits::MAX_SNOOZE`]; the setting `snooze` when absent, and 0 ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
}

/// One line of `GET /v1/prompts/events`, which begins with the prompts that stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PromptEvent {
    /// A person is to be shown this now. Sent again whenever the person is to be reminded.
    Raised {
        /// The prompt.
        prompt: Box<Prompt>,
    },
    /// Somebody has signed in, or out: there is nothing to ask any more.
    Settled {
        /// The account.
        account: AccountId,
        /// Its profile.
        profile: String,
    },
    /// A rule wants a person's word. Sent only to who asked for `?consents=true`, for a question once.
    Asked {
        /// The question.
        question: Box<ConsentQuestion>,
    },
    /// A question is over.
    Answered {
        /// Its name.
        id: String,
        /// What was said; nothing where nobody answered in time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<ConsentWord>,
    },
    /// Nothing yet; at least every [`crate::limits::EVENT_INTERVAL`].
    Waiting,
}

//! `GET /v1/consents`, and `POST` and `DELETE /v1/consents/{id}`: what a rule wants a person's word for, and what they said.

use serde::{Deserialize, Serialize};

/// `GET /v1/consents`, and the answer to every change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentsAnswer {
    /// What may be answered now, the oldest first.
    pub questions: Vec<ConsentQuestion>,
    /// What was said and holds, the oldest first.
    pub decisions: Vec<ConsentDecision>,
}

/// Who asks for what. Two requests of one matter are one question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentMatter {
    /// The caller's program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// What is in the program's file: `sha256:` and 64 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The script that its interpreter runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// The AI agent that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The lease that it presented, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// Whether it runs in a container, or may do so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub container: bool,
    /// Whether it speaks for another machine, or may do so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forwarded: bool,
    /// The account, by its id (`uid.utid`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The account's user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The account's profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The tenant that the token is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What it is for: addresses of resources, and scopes of none.
    pub resources: Vec<String>,
    /// Whether an administrator's rule asks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub administrators: bool,
}

/// A question. Instants are seconds since 1970 by this machine's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentQuestion {
    /// Its name, for the answer.
    pub id: String,
    /// How it stands.
    pub state: ConsentState,
    /// Who asks, as people are told: a program with its process, or a lease.
    pub who: String,
    /// The programs that started it, the nearest first, as far as they are known; at most four.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<String>,
    /// What for, as people are told.
    pub wanted: String,
    /// The same for machines.
    pub matter: ConsentMatter,
    /// The rule that wants a person's word, and where it stands.
    pub rule: String,
    /// When it was asked first.
    pub asked_on: u64,
    /// Until when it can be answered.
    pub until: u64,
    /// Callers that wait for the answer now.
    pub waiting: u32,
    /// What can be answered: less where the caller is not known well enough to be known again.
    pub answers: Vec<ConsentWord>,
}

/// How a question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentState {
    /// It was allowed once, and nobody has made use of that yet.
    Allowed,
    /// A person is asked.
    Asked,
    /// It was denied; it is not asked again for a while.
    Denied,
    /// Nobody answered; it is not asked again for a while.
    Unanswered,
    /// Nobody could be asked.
    Unheard,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentWord {
    /// It may have this one token.
    Once,
    /// It may until entrad ends, is locked, or the account signs out.
    Session,
    /// It may until that is revoked.
    Always,
    /// Not now.
    Deny,
    /// It may not until that is revoked.
    Never,
}

impl ConsentWord {
    /// Each, as they are offered.
    pub const ALL: [Self; 5] = [Self::Once, Self::Session, Self::Always, Self::Deny, Self::Never];

    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Session => "session",
            Self::Always => "always",
            Self::Deny => "deny",
            Self::Never => "never",
        }
    }
}

/// `POST /v1/consents/{id}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentRequest {
    /// The person's word.
    pub answer: ConsentWord,
}

/// Something that was said and holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentDecision {
    /// Its name, to revoke it by.
    pub id: String,
    /// What was said: `session`, `always` or `never`.
    pub answer: ConsentWord,
    /// About whom and what.
    pub matter: ConsentMatter,
    /// When, in seconds since 1970.
    pub since: u64,
}

//! `GET /v1/policy` and `POST /v1/policy/explain`: the rules of who may ask for what, and which of them decides.

use serde::{Deserialize, Serialize};

use crate::config::Origin;

/// What a rule does with a request that it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It may be asked.
    Allow,
    /// A person is asked whether it may.
    Ask,
    /// It is refused.
    Deny,
}

impl Effect {
    /// Each, as rules begin with it.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Ask, Self::Deny];

    /// The word that a rule begins with.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// `GET /v1/policy`, and what `entrad --report policy` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyAnswer {
    /// The rules in force, in their order: the first that fits decides. The last fits every request.
    pub rules: Vec<RuleInfo>,
    /// What is wrong with rules that are not in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<PolicyFault>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleInfo {
    /// Its place among all, from 1.
    pub number: u32,
    /// What it does.
    pub effect: Effect,
    /// The whole rule, in the one form in which entrad writes it.
    pub text: String,
    /// Where it stands.
    pub origin: Origin,
    /// The line within that text of rules, from 1; none where nobody wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Why it stands in the place of rules that cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
}

/// Something wrong with a text of rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFault {
    /// The file, variable or other source.
    pub place: String,
    /// The line in the text of rules, from 1; none where the whole source is bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The character in the line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What is wrong, in full sentences with what to do.
    pub what: String,
}

/// `POST /v1/policy/explain`: which rule decides about a request, without making it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainRequest {
    /// A caller that is thought up; whoever asks when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<CallerFacts>,
    /// As over loopback, where nothing is known of a caller but its lease.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over_loopback: bool,
    /// The name of the lease that is presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// As in `POST /v1/token`; one that is not signed in is taken by its word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// As in `POST /v1/token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// As in `POST /v1/token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// As in `POST /v1/token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// As in `POST /v1/token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
}

/// What rules look at of a caller. What is absent is not known, but for the last three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallerFacts {
    /// Its program's path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The program's hash: `sha256:` and 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The script that its interpreter runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// The programs of its parent, that one's parent, and so on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<String>,
    /// Its unit of systemd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether it runs in a container.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub container: bool,
    /// Whether it speaks for another machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forwarded: bool,
    /// The name of the AI agent that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// The answer to that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainAnswer {
    /// The rule that decides.
    pub rule: RuleInfo,
    /// Why it fits, in a sentence.
    pub why: String,
    /// The rules before it, each with why it does not fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
    /// What the rules were held against.
    pub facts: Vec<Fact>,
    /// Why the caller is known less well than it could be, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weakness: Option<String>,
}

/// A rule that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// The rule.
    pub rule: RuleInfo,
    /// Why it does not fit, in a sentence.
    pub why: String,
}

/// Something that rules look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The condition's name.
    pub name: String,
    /// What it is; nothing where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

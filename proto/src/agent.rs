//! `/v1/agents`: AI agents as a class of caller: who they are, how that is known, and that they are to stop.

use serde::{Deserialize, Serialize};

use crate::limits::MAX_AGENT_NAME;

/// The header by which a client says that it was started by an agent: its name. It is taken for true only where that narrows.
pub const HEADER: &str = "entra-agent";

/// What an agent is called that says no name, or none that is one.
pub const UNNAMED: &str = "agent";

/// Whether an agent may be called so: letters, digits, `-`, `_` and `.`, at most [`MAX_AGENT_NAME`] of them.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= MAX_AGENT_NAME && name.bytes().all(is_plain)
}

/// How it is known that a caller is an agent, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentMark {
    /// A lease says so: the one that it presents, or one that is bound to it or to a process above it.
    Declared,
    /// It, or a process above it, is called as an agent's program is. Any program can be called so.
    Named,
    /// Its client says so, by a variable that agents set.
    Told,
}

/// `GET /v1/agents`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentsAnswer {
    /// Agents that have a lease, asked for a token since the daemon started, or are stopped; by name.
    pub agents: Vec<AgentInfo>,
    /// Whether every agent is stopped, whatever its name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all_stopped: bool,
    /// How many tokens each may have within an hour.
    pub budget: u32,
}

/// An agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentInfo {
    /// Its name.
    pub name: String,
    /// How it was known when it asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_by: Option<AgentMark>,
    /// The leases that declare it, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leases: Vec<String>,
    /// The tokens that it was handed within the last hour.
    pub tokens: u32,
    /// When it asked for a token last, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_on: Option<u64>,
    /// Whether it is stopped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_stopped: bool,
}

/// `POST /v1/agents/stop` and `POST /v1/agents/resume`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentsRequest {
    /// Which; all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_plain_and_short() {
        for good in ["claude", "my-bot_2.0", UNNAMED, &"a".repeat(MAX_AGENT_NAME)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "a b", "a\nb", "a/b", "b\u{f6}t", "a=b", &"a".repeat(MAX_AGENT_NAME + 1)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}

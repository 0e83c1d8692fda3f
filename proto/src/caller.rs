//! `GET /v1/caller`: how the daemon sees the one who asks.

use serde::{Deserialize, Serialize};

use crate::agent::AgentMark;

/// Who asks, by what the system vouches for: the process that connected, or the one behind it, where that is `entra`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerAnswer {
    /// Its process id; nothing where it has none here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Its user: a number on Linux and macOS, a security identifier on Windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Its program's path, where that leads to the very file that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// SHA-256 of the file that runs, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Who signed the program, as the system verified it: the team on macOS, on Windows the name in the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// The client that connected for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// What it runs, where it is an interpreter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// The processes above it, the nearest first; at most sixteen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<CallerParent>,
    /// Its unit of systemd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether it runs in a container, or may.
    #[serde(default, skip_serializing_if = "is_false")]
    pub container: bool,
    /// Whether it speaks for another machine, or may.
    #[serde(default, skip_serializing_if = "is_false")]
    pub forwarded: bool,
    /// The AI agent that it is, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// How that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_known_by: Option<AgentMark>,
    /// How well it is known.
    pub certainty: Certainty,
    /// Why no better, each in a sentence, the gravest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// A process above a caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerParent {
    /// Its program's path.
    pub program: String,
    /// When it was started, in seconds since 1970 by this machine's clock.
    pub started_on: u64,
}

/// How well a caller is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// The system vouches for its program.
    Strong,
    /// Something of it could have been chosen by another program of the same user.
    Weak,
    /// It cannot be told which program it is.
    #[default]
    Unknown,
}

fn is_false(value: &bool) -> bool {
    !value
}

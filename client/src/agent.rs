//! Whether an AI agent started us, by the variables that agents set for what they run.
//!
//! The daemon is told its name with each request, and believes that only where it narrows. Who takes the variable away is no agent
//! here; what else the daemon knows of its callers it knows without us.

use std::ffi::OsString;

/// The agent's name, by the environment.
pub(crate) fn told(present: impl Fn(&str) -> Option<OsString>) -> Option<String> {
    let set = |name: &str| present(name).filter(|value| !value.is_empty());
    let named = |name: &str| set(name).map(|value| value.to_string_lossy().into_owned());
    let known =
        || MARKERS.iter().find(|(marker, _)| set(marker).is_some()).map(|(_, agent)| (*agent).to_owned());
    named(OURS).or_else(known).or_else(|| named(ANY))
}

/// What `entra run --agent` and `entra env --agent` set, to the agent's name.
pub(crate) const OURS: &str = "ENTRA_AGENT";

/// Any agent may set it, to its name (README of `@vercel/detect-agent`, "The AI_AGENT Standard").
const ANY: &str = "AI_AGENT";

/// What each sets for the commands that it runs, and what it is called: by the agents' own pages where one is named, else by what
/// `@vercel/detect-agent` and programs like it look for. Those that are also set for a person's own terminal are not here.
const MARKERS: [(&str, &str); 10] = [
    ("ANTIGRAVITY_AGENT", "antigravity"),
    ("AUGMENT_AGENT", "augment-cli"),
    // Claude Code: "Environment variables".
    ("CLAUDECODE", "claude"),
    ("CLAUDE_CODE", "claude"),
    ("CODEX_CI", "codex"),
    ("CODEX_SANDBOX", "codex"),
    ("CODEX_THREAD_ID", "codex"),
    ("CURSOR_AGENT", "cursor"),
    // Gemini CLI: "Shell tool (`run_shell_command`)".
    ("GEMINI_CLI", "gemini"),
    ("OPENCODE_CLIENT", "opencode"),
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[], None)]
    #[case(&[("CLAUDECODE", "")], None)]
    #[case(&[("CURSOR_TRACE_ID", "x")], None)]
    #[case(&[("CLAUDECODE", "1")], Some("claude"))]
    #[case(&[("AI_AGENT", "claude-code_2"), ("CLAUDECODE", "1")], Some("claude"))]
    #[case(&[("AI_AGENT", "mybot")], Some("mybot"))]
    #[case(&[("ENTRA_AGENT", "night"), ("GEMINI_CLI", "1")], Some("night"))]
    fn an_agent_is_known_by_its_variable(#[case] set: &[(&str, &str)], #[case] expected: Option<&str>) {
        let present = |name: &str| set.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).into());
        assert_eq!(told(present).as_deref(), expected);
    }
}

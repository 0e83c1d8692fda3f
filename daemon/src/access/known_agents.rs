//! AI agents that are known by the names of their programs.
//!
//! A name is what a program's file is called, or what the kernel calls the process by: its first fifteen bytes, which the process
//! may change. So it says only who does not hide. Names that programs for people have too (`cursor`, `code`, `goose`) are not here.

use std::ffi::OsStr;
use std::path::Path;

/// The agent whose program has this name, by the name that the agent has in rules.
#[must_use]
pub fn named(program: &str) -> Option<&'static str> {
    PROGRAMS.iter().find(|(name, _)| *name == program).map(|(_, agent)| *agent)
}

/// The same by the path of a program's file.
#[must_use]
pub fn at(program: &Path) -> Option<&'static str> {
    let name = program.file_name().and_then(OsStr::to_str)?;
    named(name.strip_suffix(".exe").unwrap_or(name))
}

/// The commands that each agent's own page has people start, and the agent's name as `@vercel/detect-agent` has it.
const PROGRAMS: [(&str, &str); 7] = [
    ("aider", "aider"),
    ("auggie", "augment-cli"),
    ("claude", "claude"),
    ("codex", "codex"),
    ("cursor-agent", "cursor"),
    ("gemini", "gemini"),
    ("opencode", "opencode"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_known_by_its_program_alone() {
        assert_eq!((at(Path::new("/opt/claude")), named("cursor-agent")), (Some("claude"), Some("cursor")));
        assert_eq!(at(Path::new("codex.exe")), Some("codex"));
        for other in ["claude-desktop", "Claude", "cursor", "code", "", "node"] {
            assert_eq!(named(other), None, "{other}");
        }
        assert!(PROGRAMS.iter().all(|(name, _)| name.len() <= 15), "the kernel keeps no more of a name");
    }
}

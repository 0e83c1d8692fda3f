//! `GET /v1/doctor`: checks, each with its evidence and its remedy.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// `GET /v1/doctor`, and what `entrad --report doctor` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorAnswer {
    /// In the order in which a person should read them.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name, which does not change: `network.proxy`, `account.health` …
    pub name: String,
    /// What is looked at, where there are several: an account, a profile, a host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// How it ended.
    pub result: CheckResult,
    /// What was seen, in one sentence or a few.
    pub evidence: String,
    /// What to do, with the command; there is one unless all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// How long it may take, in milliseconds.
    pub limit_ms: u64,
}

/// A path as one word of a command in a remedy, for a person to paste into a Unix shell: as it is where no shell reads it
/// otherwise, else in quotes (POSIX.1-2017, Shell Command Language 2.2.2).
#[must_use]
pub fn shell_word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+=:,@%".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// How a check ended, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// All is well.
    Good,
    /// There was nothing to look at, or it could not be looked at here.
    Skipped,
    /// It works, and something should be known.
    Warning,
    /// It does not work.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_to_a_shell() {
        for (path, word) in [
            ("/run/user/1000/entrad/entrad.sock", "/run/user/1000/entrad/entrad.sock"),
            (
                "/Users/ada/Library/Application Support/entrad",
                "'/Users/ada/Library/Application Support/entrad'",
            ),
            ("/tmp/$(id)", "'/tmp/$(id)'"),
            ("/tmp/it's", r"'/tmp/it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(Path::new(path)), word);
        }
    }
}

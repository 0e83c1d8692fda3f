//! git: a credential helper for the two addresses of Azure DevOps (gitcredentials(7)).

use std::path::MAIN_SEPARATOR;

use serde_json::json;

use super::super::edit::{Format, Want};
use super::super::places::Places;
use super::super::plan::{FilePlan, Plan};
use super::text;
use crate::failure::Failure;

/// The helper for these addresses alone. The empty one before it ends the list of those for every address, which git would
/// ask first.
pub(in super::super) fn plan(places: &Places) -> Result<Plan, Failure> {
    let link = places.helper("git-credential-entra");
    let command = command(&text(&link)?);
    let wants = ADDRESSES
        .map(|address| Want::new(&[&format!("credential \"{address}\""), "helper"], json!(["", command])));
    Ok(Plan {
        files: vec![FilePlan::values(places.git(), Format::Git, wants.to_vec())],
        links: vec![link],
        words: vec![
            "Try it: git ls-remote https://dev.azure.com/ORGANIZATION/PROJECT/_git/REPOSITORY".to_owned(),
        ],
        ..Plan::default()
    })
}

/// git gives an absolute path to a shell as it stands, its own shell on Windows too; what begins with an exclamation mark is a
/// shell's command, in which quotes hold a path together.
fn command(path: &str) -> String {
    let path = path.replace(MAIN_SEPARATOR, "/");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:+@".contains(c);
    if path.chars().all(is_plain) { path } else { format!("!'{}'", path.replace('\'', r"'\''")) }
}

const ADDRESSES: [&str; 2] = ["https://dev.azure.com", "https://*.visualstudio.com"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reaches_the_shell_as_one_word() {
        assert_eq!(command("/home/a/.local/share/entrad/bin/h"), "/home/a/.local/share/entrad/bin/h");
        assert_eq!(command("/Users/a/Application Support/h"), "!'/Users/a/Application Support/h'");
        assert_eq!(command("/home/o'b/h"), r"!'/home/o'\''b/h'");
    }
}

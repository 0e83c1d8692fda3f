//! Dialects: one file a tool that knows this program by a name of its own.
//!
//! A link of that name to this program speaks that tool's contract, word for word. Three rules hold for each: nobody waits
//! for a person, standard error is silent on success, and a failure is one sentence that names the command that mends it.
//! Claude Desktop alone says when a person waits, and has that person asked then.
//!
//! `ask` is how all of them ask; `words` and `next` are for those that stand in for a tool which people have as well.

mod ask;
mod az;
mod azd;
mod cargo;
mod claude;
mod docker;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod git;
pub(crate) mod hosts;
mod keyring;
mod kubectl;
mod next;
mod pipes;
mod pnpm;
mod words;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use entra_proto::error::exit;

use crate::failure::Failure;

/// Takes the words behind the name, and returns the status to end with.
pub(crate) type Dialect = fn(&[OsString]) -> u8;

/// The names, and who speaks under each.
pub(crate) const DIALECTS: [(&str, Dialect); 9] = [
    ("az", az::run),
    ("azd", azd::run),
    ("cargo-credential-entra", cargo::run),
    ("docker-credential-entra", docker::run),
    ("entra-claude-helper", claude::run),
    ("git-credential-entra", git::run),
    ("keyring", keyring::run),
    ("kubelogin", kubectl::run),
    ("pnpm-token-entra", pnpm::run),
];

/// The dialect of the name that this program was called by, if it has one.
pub(crate) fn called_by(name: &OsStr) -> Option<Dialect> {
    // Only the name counts, whatever the folder, and on Windows whatever its capitals and its `.exe`.
    let name = Path::new(name).file_stem()?.to_str()?;
    DIALECTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, dialect)| *dialect)
}

/// `entra helper NAME …`: the same where there can be no link.
pub(crate) fn run(words: &[OsString]) -> Result<u8, Failure> {
    let (name, words) = words.split_first().unwrap_or((const { &OsString::new() }, &[]));
    let dialect = called_by(name).ok_or_else(|| {
        let names: Vec<&str> = DIALECTS.iter().map(|(name, _)| *name).collect();
        let sentence = format!("entra has no helper `{}`.", name.to_string_lossy());
        Failure::new(exit::USAGE, "no_helper", sentence).hint(format!("There are {}.", names.join(", ")))
    })?;
    Ok(dialect(words))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("az", true)]
    #[case("/usr/local/bin/az", true)]
    #[case("AZ.EXE", true)]
    #[case("git-credential-entra", true)]
    #[case("entra", false)]
    #[case("entra-0.1", false)]
    #[case("", false)]
    fn the_name_decides(#[case] name: &str, #[case] is_dialect: bool) {
        assert_eq!(called_by(OsStr::new(name)).is_some(), is_dialect);
    }

    #[test]
    fn an_unknown_helper_is_told_the_names() {
        let failure = run(&["nothing".into()]).unwrap_err();
        assert_eq!(failure.exit(), exit::USAGE);
        assert!(failure.to_body().hint.is_some_and(|hint| hint.contains("git-credential-entra")));
    }
}

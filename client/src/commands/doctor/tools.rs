//! Helpers of ours that another program of the same name stands before.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::check::{Finding, Named};
use crate::platform::{PROGRAM_SUFFIXES, is_program};

/// The check.
pub(super) const ON_PATH: Named = Named::new("tools.on_path", 1000);

/// The names that other programs have as well.
const SHARED: [&str; 4] = ["az", "azd", "keyring", "kubelogin"];

/// Looks whether a link to this program comes first wherever there is one.
pub(super) fn look(path: &OsStr, own: &Path) -> Finding {
    let folders: Vec<PathBuf> = std::env::split_paths(path).filter(|folder| folder.is_absolute()).collect();
    let (mut ours, mut shadowed) = (Vec::new(), Vec::new());
    for name in SHARED {
        let found = folders.iter().flat_map(|folder| {
            PROGRAM_SUFFIXES.iter().map(move |suffix| folder.join(format!("{name}{suffix}")))
        });
        let found: Vec<PathBuf> = found.filter(|file| is_program(file)).collect();
        let is_own = |file: &PathBuf| file.canonicalize().is_ok_and(|file| file == own);
        match found.iter().position(is_own) {
            Some(0) => ours.push(name),
            Some(at) => shadowed.push(format!("{} before {}", found[0].display(), found[at].display())),
            None => {}
        }
    }
    if !shadowed.is_empty() {
        return Finding::warning(
            format!("Another program comes first on PATH: {}.", shadowed.join(", ")),
            "Put the folder of entra's links first on PATH; `entra setup` shows how.",
        );
    }
    if ours.is_empty() {
        return Finding::good("No link stands in for another tool.");
    }
    Finding::good(format!("entra answers as {}.", ours.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use entra_proto::doctor::CheckResult;

    use super::*;

    /// A file that is a program on every system.
    fn program(folder: &Path) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        let file = folder.join(format!("az{}", PROGRAM_SUFFIXES[0]));
        fs::copy(std::env::current_exe().unwrap(), &file).unwrap();
        file.canonicalize().unwrap()
    }

    #[test]
    fn whoever_comes_first_answers() {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (root.path().join("a"), root.path().join("b"));
        let (ours, other) = (program(&a), program(&b));
        let both = std::env::join_paths([&a, &b]).unwrap();
        assert_eq!(look(&both, &ours).result, CheckResult::Good);
        assert_eq!(look(&both, &other).result, CheckResult::Warning);
        assert_eq!(look(OsStr::new(""), &ours).result, CheckResult::Good);
    }
}

//! Landlock: the kernel refuses what this process never does (landlock(7)).
//!
//! The service's sandbox is made here and not by systemd's namespaces, since whoever made a user namespace may trace every
//! process in it: there, each program of the user's could read our memory (user_namespaces(7), "Capabilities").

use std::path::Path;

use landlock::{
    ABI, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
};

/// From now on this thread, and those it starts, write below `folder` alone, and execute nothing at all. There is no way
/// back. A kernel that cannot do it leaves us as we are, and the log says so.
pub fn confine(folder: &Path) {
    match restrict(folder) {
        Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced) => {
            tracing::info!(folder = %folder.display(), "the kernel lets this process write nowhere else");
        }
        Ok(RulesetStatus::NotEnforced) => {
            tracing::info!("this kernel has no Landlock: this process may write where its user may");
        }
        Err(error) => tracing::warn!(%error, "this process may write where its user may"),
    }
}

fn restrict(folder: &Path) -> Result<RulesetStatus, RulesetError> {
    let writes = AccessFs::from_write(RIGHTS);
    let ruleset = Ruleset::default().handle_access(writes | AccessFs::Execute)?.create()?;
    let ruleset = match PathFd::new(folder) {
        Ok(folder) => ruleset.add_rule(PathBeneath::new(folder, writes))?,
        Err(error) => {
            tracing::warn!(%error, "the state folder cannot be opened");
            ruleset
        }
    };
    Ok(ruleset.restrict_self()?.ruleset)
}

/// The rights of Linux 6.7; older kernels know fewer, and enforce those.
const RIGHTS: ABI = ABI::V4;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;
    use std::process::Command;
    use std::thread;

    use super::*;

    #[test]
    fn a_confined_thread_reads_everything_and_writes_its_folder_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (own, other) = (folder.path().join("own"), folder.path().join("other"));
        fs::create_dir(&own).unwrap();
        fs::write(&other, "theirs").unwrap();
        // A thread's confinement is its own.
        let confined = thread::spawn(move || {
            if restrict(&own).unwrap() == RulesetStatus::NotEnforced {
                // A kernel without Landlock, where there is nothing to see.
                return;
            }
            fs::write(own.join("new"), "a").unwrap();
            fs::rename(own.join("new"), own.join("kept")).unwrap();
            assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
            assert_eq!(fs::write(&other, "ours").unwrap_err().kind(), ErrorKind::PermissionDenied);
            assert_eq!(fs::remove_file(&other).unwrap_err().kind(), ErrorKind::PermissionDenied);
            let started = Command::new("/bin/true").status().unwrap_err();
            assert_eq!(started.kind(), ErrorKind::PermissionDenied);
        });
        confined.join().unwrap();
    }
}

//! Landlock: the kernel refuses what this process never does (landlock(7)).
//!
//! The service's sandbox is made here and not by systemd's namespaces, since whoever made a user namespace may trace every
//! process in it: there, each program of the user's could read our memory (user_namespaces(7), "Capabilities").
//!
//! Writing is allowed in our folders alone, executing nowhere. Reading is refused in the person's home but for what is ours there,
//! so that a flaw in this program does not reach their other secrets. Elsewhere it stays as modes of files have it: name
//! resolution and certificates are spread over a system in more ways than a list could follow.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
    RulesetError, RulesetStatus,
};

use super::Own;

/// From now on this thread, and those it starts, write and read what [`Own`] says, and execute nothing at all. There is no way
/// back. A kernel that cannot do it leaves us as we are, and the log says so.
pub fn confine(own: &Own) {
    match restrict(own) {
        Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced) => {
            let folders =
                own.written.iter().map(|it| it.display().to_string()).collect::<Vec<_>>().join(", ");
            tracing::info!(
                folders,
                "the kernel lets this process write nowhere else, read nothing else of the home, execute nothing"
            );
        }
        Ok(RulesetStatus::NotEnforced) => {
            tracing::info!("this kernel has no Landlock: this process may do with files what its user may");
        }
        Err(error) => tracing::warn!(%error, "this process may do with files what its user may"),
    }
}

fn restrict(own: &Own) -> Result<RulesetStatus, RulesetError> {
    let writes = AccessFs::from_write(RIGHTS);
    let reads = BitFlags::from(AccessFs::ReadFile);
    let ruleset = Ruleset::default().handle_access(writes | reads | AccessFs::Execute)?;
    let mut ruleset = ruleset.create()?;
    for folder in &own.written {
        ruleset = allow(ruleset, folder, writes | reads)?;
    }
    // For a passphrase that is typed.
    ruleset = allow(ruleset, Path::new("/dev/tty"), AccessFs::WriteFile.into())?;
    for place in own.read.iter().chain(&outside(own.home.as_deref())) {
        ruleset = allow(ruleset, place, reads)?;
    }
    Ok(ruleset.restrict_self()?.ruleset)
}

/// What is not there, or not for us, cannot be opened later either.
fn allow(
    ruleset: RulesetCreated,
    path: &Path,
    rights: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(place) = PathFd::new(path) else { return Ok(ruleset) };
    // A file has no entries, so those rights are no rights to it.
    let rights = if path.is_dir() { rights } else { rights & AccessFs::from_file(RIGHTS) };
    ruleset.add_rule(PathBeneath::new(place, rights))
}

/// Everything but the home: what lies beside each folder on the way there. Without a home it is everything.
fn outside(home: Option<&Path>) -> Vec<PathBuf> {
    // As it is called without links, since rules are of the files themselves.
    let home = home.and_then(|home| home.canonicalize().ok()).filter(|home| home.parent().is_some());
    let Some(home) = home else { return vec![PathBuf::from("/")] };
    let mut beside = Vec::new();
    for (folder, next) in home.ancestors().skip(1).zip(home.ancestors().map(Path::file_name)) {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        beside
            .extend(entries.filter(|entry| Some(entry.file_name().as_os_str()) != next).map(|it| it.path()));
    }
    beside.retain(|path| path.file_name() != Some(OsStr::new("lost+found")));
    beside
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

    /// Runs it in a thread of its own, whose confinement is its own; not on a kernel without Landlock, where nothing is seen.
    fn confined(own: Own, work: impl FnOnce() + Send + 'static) {
        let confined = thread::spawn(move || {
            if restrict(&own).unwrap() != RulesetStatus::NotEnforced {
                work();
            }
        });
        confined.join().unwrap();
    }

    fn kind_of<T: std::fmt::Debug>(done: std::io::Result<T>) -> ErrorKind {
        done.unwrap_err().kind()
    }

    #[test]
    fn a_confined_thread_writes_its_folder_alone_and_executes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (state, other) = (folder.path().join("own"), folder.path().join("other"));
        fs::create_dir(&state).unwrap();
        fs::write(&other, "theirs").unwrap();
        let own = Own { written: vec![state.clone()], ..Own::default() };
        confined(own, move || {
            fs::write(state.join("new"), "a").unwrap();
            fs::rename(state.join("new"), state.join("kept")).unwrap();
            assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
            assert_eq!(kind_of(fs::write(&other, "ours")), ErrorKind::PermissionDenied);
            assert_eq!(kind_of(fs::remove_file(&other)), ErrorKind::PermissionDenied);
            assert_eq!(kind_of(Command::new("/bin/true").status()), ErrorKind::PermissionDenied);
        });
    }

    #[test]
    fn of_a_home_it_reads_what_is_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        for (path, text) in [("home/.config/entrad/config.toml", "a"), ("home/.ssh/id", "b"), ("beside", "c")]
        {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let own = Own { read: vec![home.join(".config/entrad")], home: Some(home.clone()), ..Own::default() };
        let beside = folder.path().join("beside");
        confined(own, move || {
            assert_eq!(fs::read_to_string(home.join(".config/entrad/config.toml")).unwrap(), "a");
            assert_eq!(fs::read_to_string(beside).unwrap(), "c");
            assert!(fs::read_to_string("/etc/passwd").is_ok(), "users and hosts are looked up");
            assert_eq!(kind_of(fs::read(home.join(".ssh/id"))), ErrorKind::PermissionDenied);
        });
    }
}

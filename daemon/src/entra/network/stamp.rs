//! What files were like when they were read, so that a change is noticed without watching them.
//!
//! Looked at before a request to Entra, of which there is one in many minutes: a handful of system calls.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

#[cfg_attr(unix, path = "stamp_unix.rs")]
#[cfg_attr(windows, path = "stamp_windows.rs")]
mod system;

/// What lies in a folder, sorted, as far as it is looked at; and whether there is more.
pub(super) fn files_in(folder: &Path) -> io::Result<(Vec<PathBuf>, bool)> {
    let entries = fs::read_dir(folder)?.flatten().take(MAX_FILES + 1);
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    let has_more = paths.len() > MAX_FILES;
    paths.truncate(MAX_FILES);
    paths.sort();
    Ok((paths, has_more))
}

/// The state of some files and of what is in some folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::entra) struct Stamp(Vec<(PathBuf, Option<Mark>)>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    changed_at: Option<SystemTime>,
    length: u64,
    /// Tells a file from another one that took its place.
    identity: (u64, i64),
}

impl Stamp {
    /// Looks at each. One that is not there is a state as well.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut marks = Vec::with_capacity(paths.len());
        for path in paths {
            let metadata = fs::metadata(path).ok();
            if metadata.as_ref().is_some_and(Metadata::is_dir) {
                let (entries, _) = files_in(path).unwrap_or_default();
                marks.extend(entries.into_iter().map(|entry| {
                    let mark = fs::metadata(&entry).ok().as_ref().map(mark);
                    (entry, mark)
                }));
            }
            marks.push((path.clone(), metadata.as_ref().map(mark)));
        }
        Self(marks)
    }
}

fn mark(metadata: &Metadata) -> Mark {
    Mark {
        changed_at: metadata.modified().ok(),
        length: metadata.len(),
        identity: system::identity(metadata),
    }
}

/// More than any folder of certificates, where each has a second name by its hash.
pub(super) const MAX_FILES: usize = 2000;

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_folder_is_read_without_end() {
        let home = tempfile::tempdir().unwrap();
        for number in 0..MAX_FILES {
            File::create(home.path().join(number.to_string())).unwrap();
        }
        let (all, has_more) = files_in(home.path()).unwrap();
        assert!(all.len() == MAX_FILES && all.is_sorted() && !has_more);
        File::create(home.path().join("one more")).unwrap();
        let (some, has_more) = files_in(home.path()).unwrap();
        assert!(some.len() == MAX_FILES && some.is_sorted() && has_more);
    }

    #[test]
    fn every_kind_of_change_is_noticed() {
        let home = tempfile::tempdir().unwrap();
        let (file, folder) = (home.path().join("file"), home.path().join("folder"));
        fs::create_dir(&folder).unwrap();
        fs::write(&file, "one").unwrap();
        let paths = [file.clone(), folder.clone()];
        let mut before = Stamp::of(&paths);
        assert_eq!(before, Stamp::of(&paths), "nothing changed");
        let mut changed = |what: &str| {
            let now = Stamp::of(&paths);
            assert_ne!(now, before, "{what}");
            before = now;
        };
        fs::write(&file, "longer").unwrap();
        changed("another length");
        File::options().write(true).open(&file).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        changed("another time");
        fs::write(folder.join("other"), "six...").unwrap();
        changed("a new file in the folder");
        let other = File::options().write(true).open(folder.join("other")).unwrap();
        other.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(9)).unwrap();
        changed("a file in the folder");
        // Some systems keep the name of a file that is removed until nobody has it open.
        drop(other);
        fs::remove_file(folder.join("other")).unwrap();
        changed("a file of the folder gone");
        fs::remove_file(&file).unwrap();
        changed("gone");
    }
}

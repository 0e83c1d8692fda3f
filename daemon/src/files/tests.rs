//! What holds on every system.

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;
use tempfile::TempDir;

pub(crate) use super::folder::tests::close_to_others;
use super::{Fault, FileError, Folder};

pub(super) fn folder() -> (TempDir, Folder) {
    let home = tempfile::tempdir().unwrap();
    let folder = Folder::create(&place(&home)).unwrap();
    (home, folder)
}

fn place(home: &TempDir) -> PathBuf {
    home.path().join("a").join("entrad")
}

pub(super) fn fault(result: Result<impl std::fmt::Debug, FileError>) -> Fault {
    match result.unwrap_err() {
        FileError::Unsafe { fault, .. } => fault,
        error => panic!("{error}"),
    }
}

/// Why a file is refused that was put there by `plant`, beside one of the name `other`.
pub(super) fn fault_of(plant: fn(&Path)) -> Fault {
    let (home, folder) = folder();
    fs::write(place(&home).join("other"), "text").unwrap();
    plant(&place(&home).join("f"));
    fault(folder.read("f", 4))
}

pub(super) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_missing_is_no_error() {
    let (home, folder) = folder();
    assert!(Folder::open(&home.path().join("b")).unwrap().is_none());
    assert!(folder.read("f", 4).unwrap().is_none());
}

#[test]
fn a_file_in_place_of_the_folder_is_refused() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    assert_eq!(fault(Folder::create(&home.path().join("file"))), Fault::NotAFolder);
}

#[rstest]
#[case::hard_link(|at: &Path| fs::hard_link(at.with_file_name("other"), at).unwrap(), Fault::HardLinked)]
#[case::folder(|at: &Path| fs::create_dir(at).unwrap(), Fault::NotAFile)]
#[case::large(|at: &Path| fs::write(at, "12345").unwrap(), Fault::TooLarge { limit: 4 })]
fn what_is_not_plainly_ours_is_refused(#[case] plant: fn(&Path), #[case] expected: Fault) {
    assert_eq!(fault_of(plant), expected);
}

#[test]
fn setting_aside_takes_no_other_files_place() {
    let (home, folder) = folder();
    folder.replace("f", b"one", None).unwrap();
    folder.replace("f", b"two", Some("f.old")).unwrap();
    assert!(folder.replace("f", b"three", Some("f.old")).is_err());
    assert_eq!(fs::read(place(&home).join("f")).unwrap(), b"two");
    assert_eq!(fs::read(place(&home).join("f.old")).unwrap(), b"one");
    assert_eq!(names(&place(&home)), ["f", "f.old"]);
}

#[test]
fn only_unfinished_writes_of_the_file_are_cleaned() {
    let (home, folder) = folder();
    let kept = ["f", "f.damaged-1", "f.short.tmp", "g.0123456789abcdef.tmp"];
    for name in kept.iter().chain(&["f.0123456789abcdef.tmp"]) {
        fs::write(place(&home).join(name), "").unwrap();
    }
    folder.clean("f").unwrap();
    assert_eq!(names(&place(&home)), kept);
}

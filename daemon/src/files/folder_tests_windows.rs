//! Access lists, long paths and scanners.

use std::fs;

use super::super::outside::{open_outside, secret_fault};
use super::super::tests::{folder, names};
use super::*;

fn list(path: &Path) -> AccessList {
    let mut options = OpenOptions::new();
    let file = options.access_mode(READ_CONTROL).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path).unwrap();
    AccessList::of(file.as_handle(), ObjectKind::File).unwrap()
}

/// Where temporary files are open to others, as under Wine.
pub(crate) fn close_to_others(path: &Path) {
    apply(&Descriptor::of_user_alone(&Sid::ours().unwrap()).unwrap(), path);
}

fn open_to_everyone(path: &Path) {
    apply(&Descriptor::parse("D:P(A;;FA;;;WD)").unwrap(), path);
}

fn apply(descriptor: &Descriptor, path: &Path) {
    let mut options = OpenOptions::new();
    let file = options
        .access_mode(READ_CONTROL | WRITE_DAC)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .open(path)
        .unwrap();
    descriptor.apply(file.as_handle()).unwrap();
}

#[test]
fn folders_and_files_are_made_private() {
    let (_home, folder) = folder();
    folder.replace("f", b"text", None).unwrap();
    assert_eq!(**folder.read("f", 4).unwrap().unwrap(), *b"text");
    let ours = Sid::ours().unwrap();
    for path in [folder.path.clone(), folder.path.join("f")] {
        let list = list(&path);
        assert!(list.is_owned_by(&ours) && !list.is_open_to_others_than(&ours), "{list:?}");
    }
    assert_eq!(names(&folder.path), ["f"]);
}

#[test]
fn a_folder_may_lie_deeper_than_the_systems_short_paths() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("d".repeat(120)).join("e".repeat(120)).join("entrad");
    let folder = Folder::create(&path).unwrap();
    folder.replace("f", b"one", None).unwrap();
    folder.replace("f", b"two", Some("f.old")).unwrap();
    assert_eq!(names(&folder.path), ["f", "f.old"]);
}

#[test]
fn open_lists_are_closed() {
    let (_home, folder) = folder();
    folder.replace("f", b"text", None).unwrap();
    let file = folder.path.join("f");
    open_to_everyone(&file);
    open_to_everyone(&folder.path);
    let ours = Sid::ours().unwrap();
    assert!(list(&file).is_open_to_others_than(&ours) && list(&folder.path).is_open_to_others_than(&ours));
    let folder = Folder::open(&folder.path).unwrap().unwrap();
    folder.read("f", 4).unwrap().unwrap();
    assert!(!list(&file).is_open_to_others_than(&ours) && !list(&folder.path).is_open_to_others_than(&ours));
}

#[test]
fn a_secret_that_others_may_read_is_refused() {
    let (_home, folder) = folder();
    folder.replace("f", b"text", None).unwrap();
    let path = folder.path.join("f");
    assert_eq!(secret_fault(&open_outside(&path).unwrap()).unwrap(), None);
    open_to_everyone(&path);
    assert_eq!(secret_fault(&open_outside(&path).unwrap()).unwrap(), Some(Fault::OpenToOthers));
}

#[test]
fn a_file_that_somebody_holds_for_a_moment_is_replaced_all_the_same() {
    let (_home, folder) = folder();
    folder.replace("f", b"one", None).unwrap();
    let scanner =
        OpenOptions::new().read(true).share_mode(FILE_SHARE_READ).open(folder.path.join("f")).unwrap();
    let lets_go = std::thread::spawn(move || {
        sleep(PAUSE * 2);
        drop(scanner);
    });
    folder.replace("f", b"two", None).unwrap();
    lets_go.join().unwrap();
    assert_eq!(**folder.read("f", 4).unwrap().unwrap(), *b"two");
}

#[test]
fn an_unfinished_write_that_somebody_holds_for_a_moment_is_cleaned_all_the_same() {
    let (_home, folder) = folder();
    let unfinished = folder.path.join("f.0123456789abcdef.tmp");
    fs::write(&unfinished, "").unwrap();
    let scanner = OpenOptions::new().read(true).share_mode(FILE_SHARE_READ).open(unfinished).unwrap();
    let lets_go = std::thread::spawn(move || {
        sleep(PAUSE * 2);
        drop(scanner);
    });
    folder.clean("f").unwrap();
    lets_go.join().unwrap();
    assert!(names(&folder.path).is_empty());
}

//! Modes, links, and folders that are exchanged.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;

use rstest::rstest;

use super::super::tests::{fault, folder, names};
use super::*;

/// Temporary files are private from the start.
pub(crate) fn close_to_others(path: &Path) {
    assert_eq!(fs::metadata(path).unwrap().mode() & 0o077, 0);
}

#[test]
fn folders_and_files_are_made_private() {
    let (_home, folder) = folder();
    folder.replace("f", b"text", None).unwrap();
    assert_eq!(fs::metadata(&folder.path).unwrap().mode() & 0o7777, 0o700);
    assert_eq!(fs::metadata(folder.path.join("f")).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(**folder.read("f", 4).unwrap().unwrap(), *b"text");
    assert_eq!(names(&folder.path), ["f"]);
}

#[test]
fn wide_modes_are_tightened() {
    let (_home, folder) = folder();
    folder.replace("f", b"text", None).unwrap();
    fs::set_permissions(folder.path.join("f"), Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&folder.path, Permissions::from_mode(0o755)).unwrap();
    let folder = Folder::open(&folder.path).unwrap().unwrap();
    folder.read("f", 4).unwrap().unwrap();
    assert_eq!(fs::metadata(&folder.path).unwrap().mode() & 0o7777, 0o700);
    assert_eq!(fs::metadata(folder.path.join("f")).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn a_link_in_place_of_the_folder_is_refused() {
    let (home, folder) = folder();
    symlink(&folder.path, home.path().join("link")).unwrap();
    for link in ["link", "link/", "link//", "link/."] {
        assert_eq!(fault(Folder::open(&home.path().join(link))), Fault::NotAFolder, "{link}");
    }
}

/// Each thing that may lie where a file of ours should.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bad {
    Pipe,
    Folder,
    Socket,
    Link,
    LinkToNothing,
    HardLink,
    Open,
}

/// Puts it at `at`; `precious` is a file that nothing may change.
fn plant(bad: Bad, at: &Path, precious: &Path) {
    match bad {
        Bad::Pipe => assert!(Command::new("mkfifo").arg(at).status().unwrap().success()),
        Bad::Folder => fs::create_dir(at).unwrap(),
        Bad::Socket => drop(UnixListener::bind(at).unwrap()),
        Bad::Link => symlink(precious, at).unwrap(),
        Bad::LinkToNothing => symlink(precious.with_extension("none"), at).unwrap(),
        Bad::HardLink => fs::hard_link(precious, at).unwrap(),
        Bad::Open => {
            fs::write(at, "text").unwrap();
            fs::set_permissions(at, Permissions::from_mode(0o666)).unwrap();
        }
    }
}

/// What one of the ways to a file does where the bad thing lies.
#[derive(Debug, PartialEq)]
enum End {
    Done,
    Refused(Fault),
    /// The system refuses by itself.
    Failed,
}

fn end_of<T>(result: Result<T, FileError>) -> End {
    match result {
        Ok(_) => End::Done,
        Err(FileError::Unsafe { fault, .. }) => End::Refused(fault),
        Err(FileError::Io { .. }) => End::Failed,
    }
}

/// Neither waits for the other end of a pipe, which would hang this test, nor touches what it should not.
#[rstest]
#[case(Bad::Pipe, End::Refused(Fault::NotAFile), End::Done)]
#[case(Bad::Folder, End::Refused(Fault::NotAFile), End::Failed)]
#[case(Bad::Socket, End::Refused(Fault::NotAFile), End::Done)]
#[case(Bad::Link, End::Refused(Fault::NotAFile), End::Done)]
#[case(Bad::LinkToNothing, End::Refused(Fault::NotAFile), End::Done)]
#[case(Bad::HardLink, End::Refused(Fault::HardLinked), End::Done)]
#[case(Bad::Open, End::Done, End::Done)]
fn each_bad_thing_in_place_of_a_file_has_its_end(#[case] bad: Bad, #[case] opened: End, #[case] put: End) {
    type Way = fn(&Folder) -> End;
    let ways: [(&str, Way, &End); 6] = [
        ("read", |folder| end_of(folder.read("f", 64)), &opened),
        ("look into", |folder| end_of(folder.look_into("f")), &opened),
        ("append", |folder| end_of(folder.append("f")), &opened),
        ("replace", |folder| end_of(folder.replace("f", b"new", None)), &put),
        ("remove", |folder| end_of(folder.remove("f")), &put),
        ("erase", |folder| end_of(folder.erase("f", 64)), &put),
    ];
    for (name, way, expected) in ways {
        let (home, folder) = folder();
        let (at, precious) = (folder.path.join("f"), home.path().join("precious"));
        fs::write(&precious, "mine").unwrap();
        plant(bad, &at, &precious);
        assert_eq!(way(&folder), *expected, "{name}");
        assert_eq!(fs::read_to_string(&precious).unwrap(), "mine", "{name}");
        assert!(!precious.with_extension("none").exists(), "{name}");
        let left = fs::symlink_metadata(&at);
        match name {
            "replace" if put == End::Done => assert_eq!(left.unwrap().mode() & 0o777, 0o600),
            "remove" | "erase" if put == End::Done => assert!(left.is_err(), "{name}"),
            _ if bad == Bad::Open => assert_eq!(left.unwrap().mode() & 0o777, 0o600, "{name}: it is closed"),
            _ => assert!(left.is_ok(), "{name}: it is left as it was"),
        }
        assert!(names(&folder.path).len() <= 1, "{name}: nothing half written stays");
    }
}

#[test]
fn erasing_tells_of_other_names() {
    let (home, folder) = folder();
    folder.replace("f", b"text", None).unwrap();
    fs::hard_link(folder.path.join("f"), home.path().join("kept")).unwrap();
    assert_eq!(folder.erase("f", 64).unwrap(), Some(Fault::HardLinked));
    assert_eq!(fs::read(home.path().join("kept")).unwrap(), b"text");
    folder.replace("f", b"text", None).unwrap();
    assert_eq!(folder.erase("f", 64).unwrap(), None);
}

#[rstest]
#[case::mine(0o700, true)]
#[case::anybodys_and_sticky(0o1777, true)]
#[case::anybodys(0o777, false)]
#[case::the_groups(0o770, false)]
fn a_meeting_place_lies_where_nobody_else_may_exchange_it(#[case] mode: u32, #[case] is_taken: bool) {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), Permissions::from_mode(mode)).unwrap();
    let made = Folder::meeting_place(&home.path().join("entrad"));
    if is_taken {
        assert_eq!(fs::metadata(made.unwrap().path()).unwrap().mode() & 0o7777, 0o700);
    } else {
        assert_eq!(fault(made), Fault::Exchangeable);
        assert_eq!(names(home.path()), Vec::<String>::new(), "nothing is made there");
    }
}

#[test]
fn a_meeting_place_is_taken_as_it_is_or_not_at_all() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("entrad");
    let missing = Folder::meeting_place(&home.path().join("a/entrad")).unwrap_err();
    assert!(matches!(missing, FileError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound));
    fs::write(&path, "").unwrap();
    assert_eq!(fault(Folder::meeting_place(&path)), Fault::NotAFolder);
    assert_eq!(fault(Folder::meeting_place(&path.join("entrad"))), Fault::NotAFolder);
    fs::remove_file(&path).unwrap();
    fs::create_dir(home.path().join("elsewhere")).unwrap();
    symlink(home.path().join("elsewhere"), &path).unwrap();
    assert_eq!(fault(Folder::meeting_place(&path)), Fault::NotAFolder);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o711)).unwrap();
    assert_eq!(fault(Folder::meeting_place(&path)), Fault::OpenToOthers);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o711, "and left as it is");
}

#[test]
fn what_is_reached_lies_in_the_folder_that_was_opened() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("entrad");
    let folder = Folder::meeting_place(&path).unwrap();
    assert!(folder.is_where_it_was());
    fs::rename(&path, home.path().join("moved")).unwrap();
    assert!(!folder.is_where_it_was());
    fs::create_dir(home.path().join("theirs")).unwrap();
    symlink(home.path().join("theirs"), &path).unwrap();
    assert!(!folder.is_where_it_was());
    if cfg!(target_os = "linux") {
        fs::write(folder.reach(OsStr::new("s")), "").unwrap();
        assert_eq!(names(&home.path().join("moved")), ["s"]);
        assert_eq!(names(&home.path().join("theirs")), Vec::<String>::new());
    }
}

//! Passphrases from descriptors and from files with a mode.

use std::fs::{File, Permissions, set_permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;

use super::home::Access;
use super::passphrase::tests::{file, file_home, home};
use super::passphrase::{PassphraseError, PassphraseSource};
use crate::files::Fault;

#[test]
fn a_file_that_others_may_read_is_refused() {
    let file = file(b"abc");
    for mode in [0o640, 0o604, 0o620] {
        set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
        let error = file_home(&file).read(Access::Silent, false).unwrap_err();
        assert!(matches!(error, PassphraseError::Unsafe { fault: Fault::OpenToOthers, .. }), "{error}");
    }
    let error = home(PassphraseSource::File("/dev/null".into())).read(Access::Silent, false).unwrap_err();
    assert!(matches!(error, PassphraseError::Unsafe { fault: Fault::NotAFile, .. }), "{error}");
}

#[test]
fn a_descriptor_is_read_once_and_remembered() {
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(b"from a pipe\n").unwrap();
    drop(writer);
    let home = home(PassphraseSource::Descriptor(reader.as_raw_fd()));
    for _ in 0..2 {
        assert_eq!(**home.read(Access::Silent, false).unwrap(), *b"from a pipe");
    }
    assert!(!format!("{home:?}").contains("from"));
}

#[test]
fn a_descriptor_without_an_end_is_refused() {
    let endless = home(PassphraseSource::Descriptor(File::open("/dev/zero").unwrap().as_raw_fd()));
    assert!(endless.read(Access::Silent, false).is_err());
}

//! Whose a configuration file is, by its owner and access list, and its folder's owner.
//!
//! Anybody may make a folder in `%ProgramData%`, or a junction there that leads to a disk they brought along, on which
//! a file belongs to whom they like. So it is asked of the open file itself where it lies, which no link changes.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsHandle;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
    FILE_READ_ATTRIBUTES, READ_CONTROL,
};

use crate::windows::{AccessList, ObjectKind, place_of};

/// Opens the file, whoever's it is.
pub(super) fn open_users(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Opens the file; `None` unless it and its folder belong to Administrators or the system, and nobody else may write
/// to it.
pub(super) fn open_administrators(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options
        .access_mode(READ_CONTROL | FILE_READ_ATTRIBUTES)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
    let folder = options.open(path.parent().unwrap_or(path))?;
    let file = OpenOptions::new().read(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)?;
    let list = |file: &File| AccessList::of(file.as_handle(), ObjectKind::File);
    let is_theirs = are_administrators(&list(&file)?, &list(&folder)?);
    let lies_there = place_of(file.as_handle())?.parent() == Some(&*place_of(folder.as_handle())?);
    Ok((is_theirs && lies_there && !is_link(&file)?).then_some(file))
}

/// Whether a folder belongs to Administrators or the system, and nobody else may write to it.
pub(super) fn is_administrators_folder(path: &Path) -> io::Result<bool> {
    let mut options = OpenOptions::new();
    options
        .access_mode(READ_CONTROL | FILE_READ_ATTRIBUTES)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
    let folder = options.open(path)?;
    let list = AccessList::of(folder.as_handle(), ObjectKind::File)?;
    Ok(list.is_owned_by_administrators() && !list.lets_users_write() && !is_link(&folder)?)
}

/// Others may add files to the folder, as they may to every folder there; who owns it could exchange the file.
fn are_administrators(file: &AccessList, folder: &AccessList) -> bool {
    file.is_owned_by_administrators() && !file.lets_users_write() && folder.is_owned_by_administrators()
}

fn is_link(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0)
}

/// What to say of a file or folder that is not.
pub(super) fn refusal(path: &Path) -> String {
    format!(
        "{}: this and its folder must belong to Administrators, be no links, and the file be writable by them alone; have an administrator take the ownership of both and remove the rights of others to change the file.",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::{Administrators, Args, Config, Places};

    #[rstest]
    #[case::made_by_an_administrator("O:BAD:(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)", "O:BAD:", true)]
    #[case::in_a_folder_that_a_user_made("O:BAD:(A;ID;FA;;;BA)", "O:S-1-5-21-1-2-3-1001D:", false)]
    #[case::a_users("O:S-1-5-21-1-2-3-1001D:(A;ID;FA;;;BA)", "O:BAD:", false)]
    #[case::that_users_may_write("O:SYD:(A;;FA;;;BU)", "O:SYD:", false)]
    fn both_must_be_administrators(#[case] file: &str, #[case] folder: &str, #[case] expected: bool) {
        assert_eq!(are_administrators(&AccessList::parse(file), &AccessList::parse(folder)), expected);
    }

    #[test]
    fn what_is_not_there_is_told_apart_from_what_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("config.toml"), folder.path().join("none").join("config.toml")] {
            assert_eq!(open_administrators(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        }
        std::fs::write(folder.path().join("config.toml"), "").unwrap();
        assert!(open_administrators(&folder.path().join("config.toml")).unwrap().is_none());
    }

    #[test]
    fn an_administrators_file_that_is_ours_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let machine_file = folder.path().join("config.toml");
        std::fs::write(&machine_file, "authority = \"https://login.example\"").unwrap();
        let administrators = Administrators { machine_file, ..Administrators::below(folder.path()) };
        let places = Places { administrators, args: Args::default(), variable: &|_| None };
        assert!(Config::load(&places).unwrap_err().to_string().contains("must belong to Administrators"));
    }
}

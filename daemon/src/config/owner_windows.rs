//! Whose a configuration file is, by its owner and access list.

use std::fs::File;
use std::io;
use std::os::windows::io::AsHandle;
use std::path::Path;

use crate::windows::{AccessList, ObjectKind};

/// Whether the file belongs to Administrators or the system, and nobody else may write to it.
pub(super) fn is_administrators(file: &File) -> io::Result<bool> {
    let list = AccessList::of(file.as_handle(), ObjectKind::File)?;
    Ok(list.is_owned_by_administrators() && !list.lets_users_write())
}

/// What to say of a file that is not.
pub(super) fn refusal(path: &Path) -> String {
    format!(
        "{}: this file must belong to Administrators and be writable by them alone; have an administrator take its ownership and remove the rights of others to change it.",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use crate::config::{Args, Config, Places};

    #[test]
    fn an_administrators_file_that_is_ours_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let machine_file = folder.path().join("config.toml");
        std::fs::write(&machine_file, "authority = \"https://login.example\"").unwrap();
        let places = Places { machine_file, args: Args::default(), variable: &|_| None };
        assert!(Config::load(places).unwrap_err().to_string().contains("must belong to Administrators"));
    }
}

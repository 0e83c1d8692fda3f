//! Whose a configuration file is, by its owner and mode.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use crate::files::open_outside;

/// Opens the file, whoever's it is. A pipe is refused: who opens one waits for its other end, and it can be read once alone,
/// while settings are read again and again.
pub(super) fn open_users(path: &Path) -> io::Result<File> {
    let file = open_outside(path)?;
    if file.metadata()?.file_type().is_fifo() {
        return Err(io::Error::other("it is a pipe; give a file that can be read again"));
    }
    Ok(file)
}

/// Opens the file, and no pipe; `None` unless it is root's and nobody else may write to it.
pub(super) fn open_administrators(path: &Path) -> io::Result<Option<File>> {
    let file = open_users(path)?;
    let metadata = file.metadata()?;
    Ok((metadata.uid() == 0 && metadata.mode() & 0o022 == 0).then_some(file))
}

/// Whether a folder is root's and nobody else may add to it or exchange what is in it.
pub(super) fn is_administrators_folder(path: &Path) -> io::Result<bool> {
    let metadata = std::fs::symlink_metadata(path)?;
    Ok(metadata.is_dir() && metadata.uid() == 0 && metadata.mode() & 0o022 == 0)
}

/// What to say of a file or folder that is not.
pub(super) fn refusal(path: &Path) -> String {
    let (what, mode) = if path.is_dir() { ("folder", 755) } else { ("file", 644) };
    let path = path.display();
    format!(
        "{path}: this {what} must belong to root and be writable by root alone; run `chown root {path}; chmod {mode} {path}` as an administrator."
    )
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;
    use crate::config::{Administrators, Args, Config, Places};

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("config.toml");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(open_users(&pipe).unwrap_err().to_string().contains("it is a pipe"));
        assert_eq!(open_users(&folder.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn an_administrators_file_that_others_can_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let machine_file = folder.path().join("config.toml");
        std::fs::write(&machine_file, "authority = \"https://login.example\"").unwrap();
        std::fs::set_permissions(&machine_file, PermissionsExt::from_mode(0o666)).unwrap();
        let variable = |name: &str| (name == "XDG_RUNTIME_DIR").then(|| OsString::from("/run/user/7"));
        let administrators = Administrators { machine_file, ..Administrators::below(folder.path()) };
        let places = Places { administrators, args: Args::default(), variable: &variable };
        assert!(Config::load(&places).unwrap_err().to_string().contains("must belong to root"));
    }

    /// Only root can be an administrator, so others see less of this.
    #[test]
    fn nobody_but_an_administrator_widens_the_ways_to_sign_in() {
        let folder = tempfile::tempdir().unwrap();
        let machine_file = folder.path().join("machine.toml");
        let user_file = folder.path().join("config.toml");
        std::fs::write(&machine_file, "flows = \"device_code\"").unwrap();
        std::fs::set_permissions(&machine_file, PermissionsExt::from_mode(0o644)).unwrap();
        let is_root = std::fs::metadata(&machine_file).unwrap().uid() == 0;
        let all = "browser,device_code".to_owned();
        for layer in ["file", "environment", "command line"] {
            std::fs::write(
                &user_file,
                if layer == "file" { format!("flows = \"{all}\"") } else { String::new() },
            )
            .unwrap();
            let mut args = Args::default().with("config", user_file.to_string_lossy());
            if layer == "command line" {
                args = args.with("flows", &*all);
            }
            let variable = |name: &str| match name {
                "XDG_RUNTIME_DIR" => Some(OsString::from("/run/user/7")),
                "ENTRAD_FLOWS" if layer == "environment" => Some(OsString::from(&all)),
                _ => None,
            };
            let administrators =
                Administrators { machine_file: machine_file.clone(), ..Administrators::below(folder.path()) };
            let places = Places { administrators, args, variable: &variable };
            match Config::load(&places) {
                Ok(config) => assert_eq!(config.flows.value, "device_code".parse().unwrap(), "{layer}"),
                Err(error) => {
                    assert!(!is_root && error.to_string().contains("must belong to root"), "{error}");
                }
            }
        }
    }
}

//! Where things are on Windows.

use std::ffi::OsString;
use std::path::PathBuf;

use entra_proto::endpoint;

use super::ConfigError;
use crate::windows::{Sid, program_data};

/// The administrator's settings, in `%ProgramData%`, which is asked of the system: the variable is the user's.
#[must_use]
pub(super) fn machine_file() -> PathBuf {
    let folder = program_data().unwrap_or_else(|_| PathBuf::from(r"C:\ProgramData"));
    folder.join("entrad").join("config.toml")
}

/// A pipe of the user's own name: other users cannot be in its way by chance, and each session finds the same one.
pub(super) fn default_socket(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, ConfigError> {
    let user = Sid::ours().map_err(ConfigError::NoUser)?.to_string();
    let lookup =
        |name: &str| if name == endpoint::PLACE { Some(user.clone().into()) } else { variable(name) };
    Ok(endpoint::socket_path(lookup)?)
}

/// Of `--socket`.
pub(super) const SOCKET_HELP: &str =
    "Pipe to listen on [default: \\\\.\\pipe\\entrad-SID, with your security identifier]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pipe_bears_the_users_name_and_is_a_valid_setting() {
        let pipe = default_socket(&|_| None).unwrap();
        assert!(pipe.to_string_lossy().starts_with(r"\\.\pipe\entrad-S-1-"), "{}", pipe.display());
        assert_eq!(endpoint::checked(pipe.clone()), Ok(pipe));
    }

    #[test]
    fn the_administrators_file_is_in_a_folder_of_the_system() {
        assert!(machine_file().is_absolute());
        assert!(machine_file().ends_with(r"entrad\config.toml"));
    }
}

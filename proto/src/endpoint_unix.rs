//! Addresses of Unix sockets.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::EndpointError;

#[cfg_attr(target_os = "linux", path = "endpoint_linux.rs")]
#[cfg_attr(target_os = "macos", path = "endpoint_macos.rs")]
mod place;

pub(super) use place::NO_PLACE;
pub use place::PLACE;

/// The socket in the user's own folder.
pub(super) fn address(folder: &OsStr) -> PathBuf {
    Path::new(folder).join("entrad").join("entrad.sock")
}

/// Why the path cannot be a socket's, its length aside.
pub(super) fn fault(path: &Path) -> Option<EndpointError> {
    (!path.is_absolute()).then(|| EndpointError::Relative(path.to_owned()))
}

/// The longest socket path Linux takes: `sun_path` is 108 bytes with its closing zero (unix(7)). macOS takes
/// four fewer, and one limit for both keeps a configuration portable.
pub(super) const MAX_ADDRESS: usize = 103;

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::{SOCKET_VARIABLE, socket_path};
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<PathBuf, EndpointError> {
        socket_path(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value)))
    }

    #[test]
    fn the_variable_wins_over_the_users_own_folder() {
        assert_eq!(with(&[(PLACE, "/run/user/7")]).unwrap(), Path::new("/run/user/7/entrad/entrad.sock"));
        let both = [(PLACE, "/run/user/7"), (SOCKET_VARIABLE, "/tmp/s")];
        assert_eq!(with(&both).unwrap(), Path::new("/tmp/s"));
        assert_eq!(
            with(&[(PLACE, "/r"), (SOCKET_VARIABLE, "")]).unwrap(),
            Path::new("/r/entrad/entrad.sock")
        );
    }

    #[test]
    fn each_refusal_says_what_to_set() {
        assert_eq!(with(&[]), Err(EndpointError::NoPlace));
        assert!(EndpointError::NoPlace.to_string().ends_with("name a socket in ENTRAD_SOCKET."));
        assert!(with(&[(SOCKET_VARIABLE, "s")]).unwrap_err().to_string().contains("absolute"));
        let long = format!("/{}", "x".repeat(MAX_ADDRESS));
        assert!(with(&[(SOCKET_VARIABLE, &long)]).unwrap_err().to_string().contains("shorter"));
    }
}

//! Where the daemon listens, as a pure function of the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The environment variable that names another socket.
pub const SOCKET_VARIABLE: &str = "ENTRAD_SOCKET";

/// The longest socket path Linux takes: `sun_path` is 108 bytes with its closing zero (unix(7)). macOS takes
/// four fewer, and one limit for both keeps a configuration portable.
const MAX_SOCKET_PATH: usize = 103;

/// The socket's path: `ENTRAD_SOCKET`, else `$XDG_RUNTIME_DIR/entrad/entrad.sock`.
///
/// `variable` looks a variable up; pass `|name| std::env::var_os(name)`.
///
/// # Errors
/// [`EndpointError`] when neither variable is set, or the path cannot be a socket's.
pub fn socket_path(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, EndpointError> {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    if let Some(path) = set(SOCKET_VARIABLE) {
        return checked(PathBuf::from(path));
    }
    let runtime = set("XDG_RUNTIME_DIR").ok_or(EndpointError::NoRuntimeFolder)?;
    checked(Path::new(&runtime).join("entrad").join("entrad.sock"))
}

/// A path given in configuration, checked as [`socket_path`] checks its own.
///
/// # Errors
/// [`EndpointError`] when it is relative or too long.
pub fn checked(path: PathBuf) -> Result<PathBuf, EndpointError> {
    if !path.is_absolute() {
        return Err(EndpointError::Relative(path));
    }
    if path.as_os_str().len() > MAX_SOCKET_PATH {
        return Err(EndpointError::TooLong(path));
    }
    Ok(path)
}

/// Why there is no socket to speak of.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Neither variable is set.
    #[error(
        "XDG_RUNTIME_DIR is not set, so there is no private folder for the socket; set it, or name a socket in {SOCKET_VARIABLE}."
    )]
    NoRuntimeFolder,
    /// A relative path would mean another socket in each folder.
    #[error("The socket's path {0:?} is relative; give an absolute one.")]
    Relative(PathBuf),
    /// Longer than a socket address holds.
    #[error(
        "The socket's path {0:?} is longer than {MAX_SOCKET_PATH} bytes; name a shorter one in {SOCKET_VARIABLE}."
    )]
    TooLong(PathBuf),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<PathBuf, EndpointError> {
        socket_path(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value)))
    }

    #[test]
    fn the_variable_wins_over_the_runtime_folder() {
        assert_eq!(
            with(&[("XDG_RUNTIME_DIR", "/run/user/7")]).unwrap(),
            Path::new("/run/user/7/entrad/entrad.sock")
        );
        let both = [("XDG_RUNTIME_DIR", "/run/user/7"), (SOCKET_VARIABLE, "/tmp/s")];
        assert_eq!(with(&both).unwrap(), Path::new("/tmp/s"));
        assert_eq!(
            with(&[("XDG_RUNTIME_DIR", "/r"), (SOCKET_VARIABLE, "")]).unwrap(),
            Path::new("/r/entrad/entrad.sock")
        );
    }

    #[test]
    fn each_refusal_says_what_to_set() {
        assert_eq!(with(&[]), Err(EndpointError::NoRuntimeFolder));
        assert!(with(&[(SOCKET_VARIABLE, "s")]).unwrap_err().to_string().contains("absolute"));
        let long = format!("/{}", "x".repeat(MAX_SOCKET_PATH));
        assert!(with(&[(SOCKET_VARIABLE, &long)]).unwrap_err().to_string().contains("shorter"));
    }
}

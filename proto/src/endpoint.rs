//! Where the daemon listens, as a pure function of what the system says about the user.
//!
//! Each system has one place that belongs to the user alone, and the address is made of its name: a folder
//! for a socket on Linux and macOS, the user's own identifier for a named pipe on Windows.

use std::ffi::OsString;
use std::path::PathBuf;

#[cfg_attr(unix, path = "endpoint_unix.rs")]
#[cfg_attr(windows, path = "endpoint_windows.rs")]
mod platform;

pub use platform::PLACE;

/// The environment variable that names another socket.
pub const SOCKET_VARIABLE: &str = "ENTRAD_SOCKET";

/// The socket's path, or the pipe's name: `ENTRAD_SOCKET`, else the one in the user's own [`PLACE`].
///
/// `lookup` is asked for both by name. The variable is the environment's. The place is too on Linux, where
/// `|name| std::env::var_os(name)` will do; elsewhere the system itself must be asked for it, since an
/// environment can be set by others.
///
/// # Errors
/// [`EndpointError`] when neither is known, or the path cannot be a socket's.
pub fn socket_path(lookup: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, EndpointError> {
    let set = |name| lookup(name).filter(|value| !value.is_empty());
    if let Some(path) = set(SOCKET_VARIABLE) {
        return checked(PathBuf::from(path));
    }
    let place = set(PLACE).ok_or(EndpointError::NoPlace)?;
    checked(platform::address(&place))
}

/// A path given in configuration, checked as [`socket_path`] checks its own.
///
/// # Errors
/// [`EndpointError`] when it is relative, no pipe's name, or too long.
pub fn checked(path: PathBuf) -> Result<PathBuf, EndpointError> {
    if let Some(error) = platform::fault(&path) {
        return Err(error);
    }
    if path.as_os_str().len() > platform::MAX_ADDRESS {
        return Err(EndpointError::TooLong(path));
    }
    Ok(path)
}

/// Why there is no socket to speak of.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Nothing says which place is the user's own.
    #[error("{}; {} in {SOCKET_VARIABLE}.", platform::NO_PLACE.0, platform::NO_PLACE.1)]
    NoPlace,
    /// Not the name of a pipe on this machine.
    #[error("{} is not the name of a pipe; give one that begins with \\\\.\\pipe\\", .0.display())]
    NotAPipe(PathBuf),
    /// A relative path would mean another socket in each folder.
    #[error("The socket's path {0:?} is relative; give an absolute one.")]
    Relative(PathBuf),
    /// Longer than a socket address, or the name of a pipe, can be.
    #[error(
        "The socket's path {0:?} is longer than {longest} bytes; name a shorter one in {SOCKET_VARIABLE}.",
        longest = platform::MAX_ADDRESS
    )]
    TooLong(PathBuf),
}

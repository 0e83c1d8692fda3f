//! Where things are on Linux.

use std::ffi::OsString;
use std::path::PathBuf;

use entra_proto::endpoint;

use super::ConfigError;

/// The administrator's settings.
#[must_use]
pub(super) fn machine_file() -> PathBuf {
    PathBuf::from("/etc/entrad/config.toml")
}

pub(super) fn default_socket(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, ConfigError> {
    Ok(endpoint::socket_path(variable)?)
}

/// Of `--socket`.
pub(super) const SOCKET_HELP: &str = "Socket to listen on [default: $XDG_RUNTIME_DIR/entrad/entrad.sock]";

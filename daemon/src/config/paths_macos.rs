//! Where things are on macOS.

use std::ffi::OsString;
use std::path::PathBuf;

use entra_proto::endpoint;

use super::ConfigError;

/// The administrator's settings.
#[must_use]
pub fn machine_file() -> PathBuf {
    PathBuf::from("/Library/Application Support/entrad/config.toml")
}

pub(super) fn default_socket(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, ConfigError> {
    Ok(endpoint::socket_path(variable)?)
}

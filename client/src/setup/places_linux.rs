//! Folders as the XDG Base Directory Specification names them.

use std::path::{Path, PathBuf};

use super::variable;

/// Where entra's links are.
pub(super) fn data(home: &Path) -> PathBuf {
    variable("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share")).join("entrad")
}

/// Where entra's records are.
pub(super) fn state(home: &Path) -> PathBuf {
    variable("XDG_STATE_HOME").unwrap_or_else(|| home.join(".local/state")).join("entrad")
}

/// Claude Desktop's folder for third-party inference.
pub(super) fn claude_desktop(home: &Path) -> PathBuf {
    config(home).join("Claude-3p")
}

/// pip's file.
pub(super) fn pip(home: &Path) -> PathBuf {
    config(home).join("pip").join("pip.conf")
}

/// uv's file.
pub(super) fn uv(home: &Path) -> PathBuf {
    config(home).join("uv").join("uv.toml")
}

fn config(home: &Path) -> PathBuf {
    variable("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"))
}

//! Folders below `AppData`.

use std::path::{Path, PathBuf};

use super::variable;

/// Where entra's links are.
pub(super) fn data(home: &Path) -> PathBuf {
    local(home).join("entrad")
}

/// Where entra's records are.
pub(super) fn state(home: &Path) -> PathBuf {
    local(home).join("entrad")
}

/// Claude Desktop's folder for third-party inference.
pub(super) fn claude_desktop(home: &Path) -> PathBuf {
    local(home).join("Claude-3p")
}

/// pip's file.
pub(super) fn pip(home: &Path) -> PathBuf {
    roaming(home).join("pip").join("pip.ini")
}

/// uv's file.
pub(super) fn uv(home: &Path) -> PathBuf {
    roaming(home).join("uv").join("uv.toml")
}

fn local(home: &Path) -> PathBuf {
    variable("LOCALAPPDATA").unwrap_or_else(|| home.join("AppData").join("Local"))
}

fn roaming(home: &Path) -> PathBuf {
    variable("APPDATA").unwrap_or_else(|| home.join("AppData").join("Roaming"))
}

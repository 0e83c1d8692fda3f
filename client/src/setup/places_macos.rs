//! Folders below `Library`, and those of tools that do as on Linux.

use std::path::{Path, PathBuf};

use super::variable;

/// Where entra's links are.
pub(super) fn data(home: &Path) -> PathBuf {
    support(home).join("entrad")
}

/// Where entra's records are.
pub(super) fn state(home: &Path) -> PathBuf {
    support(home).join("entrad")
}

/// Claude Desktop's folder for third-party inference.
pub(super) fn claude_desktop(home: &Path) -> PathBuf {
    support(home).join("Claude-3p")
}

/// pip's file: in the system's own folder only where pip has one there.
pub(super) fn pip(home: &Path) -> PathBuf {
    let own = support(home).join("pip");
    if own.is_dir() { own.join("pip.conf") } else { config(home).join("pip").join("pip.conf") }
}

/// uv's file.
pub(super) fn uv(home: &Path) -> PathBuf {
    config(home).join("uv").join("uv.toml")
}

fn config(home: &Path) -> PathBuf {
    variable("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"))
}

fn support(home: &Path) -> PathBuf {
    home.join("Library").join("Application Support")
}

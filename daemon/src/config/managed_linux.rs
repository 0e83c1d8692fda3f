//! Where Linux is managed: a folder below /etc, as `systemd` and `polkit` have theirs.

use std::path::PathBuf;

use super::places::Place;

/// The managed settings.
pub(super) fn managed() -> Vec<Place> {
    vec![Place::Folder(PathBuf::from("/etc/entrad/managed.d"))]
}

/// Those of Claude Desktop (its deployment guide: "Linux").
pub(super) fn claude_desktop() -> Vec<Place> {
    vec![Place::Json(PathBuf::from("/etc/claude-desktop/managed-settings.json"))]
}

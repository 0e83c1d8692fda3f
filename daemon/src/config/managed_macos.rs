//! Where macOS is managed: the preferences that its MDM client writes, for this user and for the machine.
//!
//! The machine's are the stronger ones, as they are on Windows. The user's name is asked of the system: a variable would let
//! anybody choose whose preferences hold.

use std::path::{Path, PathBuf};

use super::paths;
use super::places::Place;

/// The managed settings.
pub(super) fn managed() -> Vec<Place> {
    of_domain(DOMAIN)
}

/// Those of Claude Desktop (its deployment guide: "macOS").
pub(super) fn claude_desktop() -> Vec<Place> {
    of_domain("com.anthropic.claudefordesktop")
}

fn of_domain(domain: &str) -> Vec<Place> {
    let folder = Path::new("/Library/Managed Preferences");
    let folders = paths::user_name().map(|name| folder.join(name)).into_iter().chain([PathBuf::from(folder)]);
    folders.map(|folder| Place::PropertyList(folder.join(format!("{domain}.plist")))).collect()
}

/// The preference domain: `PayloadType` of a configuration profile.
const DOMAIN: &str = "dev.entrad";

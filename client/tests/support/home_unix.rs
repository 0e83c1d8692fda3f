//! Modes, links, and the folders of the XDG Base Directory Specification.

use std::fs::{self, Metadata, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Where records are.
pub(crate) const STATE: &str = "state/entrad/setup";

/// Claude Desktop's folder.
pub(crate) const CLAUDE_DESKTOP: &str = "config/Claude-3p";

/// A program's file.
pub(super) fn program(name: &str) -> String {
    name.to_owned()
}

/// The path as TOML has it.
pub(crate) fn toml(path: &Path) -> String {
    format!("\"{}\"", path.display())
}

/// Lets others read the file.
pub(super) fn open_to_others(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
}

/// Its mode.
pub(super) fn mode(about: &Metadata) -> u32 {
    about.permissions().mode()
}

/// Whether nobody else may read it.
pub(crate) fn is_private(mode: u32) -> bool {
    mode & 0o077 == 0
}

/// What the file holds.
pub(super) fn content(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

/// Its variables.
pub(super) fn dress(command: &mut Command, home: &Path) {
    command
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_CONFIG_HOME", home.join("config"));
}

/// It is a link to the program.
#[track_caller]
pub(super) fn assert_leads_to(link: &Path, program: &Path) {
    assert_eq!(fs::read_link(link).unwrap(), program);
}

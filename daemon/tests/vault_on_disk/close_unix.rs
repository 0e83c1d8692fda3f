//! Closing a file to others by its mode.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

pub(crate) fn to_others(path: &Path) {
    set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

//! macOS has no path that begins at a descriptor, so whoever uses this looks afterwards whether the folder is where it was.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

pub(super) fn within(_: &File, path: &Path, name: &OsStr) -> PathBuf {
    path.join(name)
}

/// What a folder is opened with in which only a name is looked for.
pub(super) const HOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

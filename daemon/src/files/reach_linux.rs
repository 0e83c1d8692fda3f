//! By the folder's descriptor (proc(5), "/proc/pid/fd").

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// A socket's address has 108 bytes, its closing zero included (unix(7)); what is longer this way goes by the path, as it does
/// where nothing is mounted at `/proc`.
pub(super) fn within(folder: &File, path: &Path, name: &OsStr) -> PathBuf {
    let by_descriptor = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string());
    if by_descriptor.exists() && by_descriptor.as_os_str().len() + name.len() < 106 {
        by_descriptor.join(name)
    } else {
        path.join(name)
    }
}

/// What a folder is opened with in which only a name is looked for: it takes no right to read it.
pub(super) const HOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

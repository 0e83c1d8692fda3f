//! By its name: a share of another computer begins with that computer's.

use std::io;
use std::path::{Component, Path, Prefix};

/// What the path is on, if that is another computer. A share that has a drive's letter looks local, and is not found out.
///
/// # Errors
/// Where the path leads cannot be told.
pub(crate) fn network_file_system(path: &Path) -> io::Result<Option<String>> {
    let real = path.canonicalize()?;
    let is_remote = real.components().next().is_some_and(|start| match start {
        Component::Prefix(prefix) => matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..)),
        _ => false,
    });
    Ok(is_remote.then(|| "SMB".to_owned()))
}

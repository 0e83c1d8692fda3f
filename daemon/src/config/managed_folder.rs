//! The folder of managed files: `*.toml`, in the order of their names, each an administrator's.
//!
//! Whoever may write to the folder, or to the one it is in, could put another file there; so both are looked at, and a link
//! that leads out of the folder is refused. A source that cannot be read is a fault and never an empty one: a bound must not
//! vanish with a right to read.

use std::io;
use std::path::{Path, PathBuf};

use super::error::LayerError;
use super::layer::{Layer, shown};
use super::source::Source;
use super::{file, owner};

/// The files of the folder; none where there is no folder.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, LayerError> {
    let unreadable = |reason| LayerError::Unreadable { path: folder.to_owned(), reason };
    match std::fs::symlink_metadata(folder) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    }
    for place in [Some(folder), folder.parent()].into_iter().flatten() {
        if !owner::is_administrators_folder(place).map_err(unreadable)? {
            return Err(LayerError::NotAdministrators(place.to_owned()));
        }
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.extension().is_some_and(|extension| extension == "toml") && !is_hidden {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// One of them.
pub(super) fn read(folder: &Path, path: &Path) -> Result<Layer, LayerError> {
    let unreadable = |reason| LayerError::Unreadable { path: path.to_owned(), reason };
    let lies_in = path.canonicalize().map_err(unreadable)?;
    if lies_in.parent() != Some(&*folder.canonicalize().map_err(unreadable)?) {
        return Err(LayerError::LeadsOut(path.to_owned()));
    }
    let file = owner::open_administrators(path).map_err(unreadable)?;
    let file = file.ok_or_else(|| LayerError::NotAdministrators(path.to_owned()))?;
    let source = |line| Source::Managed(format!("{}:{line}", shown(path)));
    file::parse(&file::text_of(file).map_err(unreadable)?, path, &source)
}

#[cfg(all(test, unix))]
#[path = "managed_folder_tests_unix.rs"]
mod tests;

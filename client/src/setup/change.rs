//! Steps that are all done or all undone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::file::{self, Content, FileError};
use super::links;

/// One step.
pub(super) enum Change {
    /// A file becomes another, comes or goes.
    File {
        /// Which.
        path: PathBuf,
        /// What it holds now.
        old: Option<Content>,
        /// What it is to hold.
        new: Option<Content>,
    },
    /// A folder is made, in one that is there by then.
    Folder(PathBuf),
    /// A link is made, or one that leads elsewhere is replaced.
    Link {
        /// Its place.
        link: PathBuf,
        /// What it leads to.
        program: PathBuf,
    },
    /// A link goes.
    Unlink(PathBuf),
}

/// Does each step. When one fails, those before it are undone, last first.
pub(super) fn carry_out(changes: &[Change]) -> Result<(), ChangeError> {
    let mut done: Vec<Done<'_>> = Vec::new();
    for change in changes {
        match carry_out_one(change) {
            Ok(step) => done.push(step),
            Err(error) => {
                let stuck = done.into_iter().rev().filter_map(|step| step.undo().err()).collect();
                return Err(ChangeError { error, stuck });
            }
        }
    }
    Ok(())
}

/// A step that is done, and what undoes it.
enum Done<'a> {
    File { path: &'a Path, old: Option<&'a Content>, new: Option<&'a Content> },
    Folder(&'a Path),
    Link { link: &'a Path, was: links::Was },
}

impl Done<'_> {
    fn undo(self) -> Result<(), FileError> {
        match self {
            Self::File { path, old, new } => file::replace(path, new, old),
            Self::Folder(path) => fs::remove_dir(path).map_err(failed(path)),
            Self::Link { link, was } => links::restore(link, &was).map_err(failed(link)),
        }
    }
}

fn carry_out_one(change: &Change) -> Result<Done<'_>, FileError> {
    match change {
        Change::File { path, old, new } => {
            let (old, new) = (old.as_ref(), new.as_ref());
            file::replace(path, old, new)?;
            Ok(Done::File { path, old, new })
        }
        Change::Folder(path) => {
            file::make_folder(path).map_err(failed(path))?;
            Ok(Done::Folder(path))
        }
        Change::Link { link, program } => {
            let was = links::what_is(link).map_err(failed(link))?;
            links::make(link, program).map_err(failed(link))?;
            Ok(Done::Link { link, was })
        }
        Change::Unlink(link) => {
            let was = links::what_is(link).map_err(failed(link))?;
            links::remove(link).map_err(failed(link))?;
            Ok(Done::Link { link, was })
        }
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> FileError {
    |source| FileError::Write { path: path.to_owned(), source }
}

/// What failed, and what could not be undone after it.
#[derive(Debug)]
pub(super) struct ChangeError {
    /// Why the step failed.
    pub(super) error: FileError,
    /// Former steps that stay done.
    pub(super) stuck: Vec<FileError>,
}

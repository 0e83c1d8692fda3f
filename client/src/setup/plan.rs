//! What it takes to set a tool up, as data; each file of `tools` makes one.

use std::path::PathBuf;

use super::edit::{Format, Want};

/// For one tool.
#[derive(Default)]
pub(super) struct Plan {
    /// The settings files to change.
    pub(super) files: Vec<FilePlan>,
    /// The links to make.
    pub(super) links: Vec<PathBuf>,
    /// Whether the tool finds the links by their names on PATH.
    pub(super) is_on_path: bool,
    /// What a person should know and do something about.
    pub(super) warnings: Vec<String>,
    /// What more there is to say, last how to try it.
    pub(super) words: Vec<String>,
}

/// A file, and what is to stand in it.
pub(super) struct FilePlan {
    /// The file, by the name under which the tool knows it.
    pub(super) path: PathBuf,
    /// What is to be written.
    pub(super) new: New,
    /// Whether it is to hold a secret, so that others may not read it.
    pub(super) is_private: bool,
}

/// What is to be written into a file.
pub(super) enum New {
    /// Values, at their places.
    Values(Format, Vec<Want>),
    /// The whole, as the tool's own program writes it, made of what the file holds now.
    Whole(Vec<u8>),
}

impl FilePlan {
    /// Values for a file without secrets.
    pub(super) fn values(path: PathBuf, format: Format, wants: Vec<Want>) -> Self {
        Self { path, new: New::Values(format, wants), is_private: false }
    }
}

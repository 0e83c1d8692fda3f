//! What entra set up, tool by tool, so that it can be taken back.
//!
//! A record is written before the first change, and beside it a copy of each file as it was. Both may hold secrets of the user's,
//! so their folder is private. What entra wrote itself is not kept: its SHA-256 tells whether others changed it since.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::edit::{Format, Put};
use super::file::{self, Content, FileError};

/// Of one tool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The files that were changed.
    pub(super) files: Vec<Kept>,
    /// The links that it uses.
    pub(super) links: Vec<PathBuf>,
    /// The folders that were made, outer ones first.
    pub(super) folders: Vec<PathBuf>,
    /// The lease that was made for it, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lease: Option<String>,
}

/// A file as it was, and what was done to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The file, by the name under which the tool knows it.
    pub(super) path: PathBuf,
    /// How it is written.
    pub(super) format: Format,
    /// The copy of what it held, by its name in the folder of records; nothing where there was no file.
    pub(super) original: Option<String>,
    /// Its permission bits then.
    pub(super) mode: Option<u32>,
    /// The digest of what entra wrote last.
    pub(super) written: String,
    /// Whether others had changed it between two runs of entra, so that the copy is out of date.
    pub(super) is_stale: bool,
    /// What was put.
    pub(super) puts: Vec<Put>,
}

/// The folder of records.
pub(super) struct Records {
    folder: PathBuf,
}

impl Records {
    /// Those of this folder, which need not be there yet.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The tool's record, where it is set up.
    pub(super) fn of(&self, tool: &str) -> Result<Option<Record>, RecordError> {
        let path = self.path(tool);
        let Some(content) = file::read(&path)? else { return Ok(None) };
        serde_json::from_slice(&content.bytes)
            .map(Some)
            .map_err(|source| RecordError::Unreadable { path, source })
    }

    /// The records of all tools but this one.
    pub(super) fn others<'a>(
        &'a self,
        tools: impl Iterator<Item = &'a str> + 'a,
        tool: &'a str,
    ) -> Result<Vec<(&'a str, Record)>, RecordError> {
        let mut found = Vec::new();
        for other in tools.filter(|other| *other != tool) {
            found.extend(self.of(other)?.map(|record| (other, record)));
        }
        Ok(found)
    }

    /// Writes the tool's record. The folder must be there.
    pub(super) fn keep(&self, tool: &str, record: &Record) -> Result<(), RecordError> {
        let path = self.path(tool);
        let bytes = serde_json::to_vec_pretty(record)
            .map_err(|source| RecordError::Unreadable { path: path.clone(), source })?;
        let old = file::read(&path)?;
        Ok(file::replace(&path, old.as_ref(), Some(&Content::private(bytes)))?)
    }

    /// Keeps a copy of what a file held, and returns its name.
    pub(super) fn keep_original(
        &self,
        tool: &str,
        number: usize,
        content: &Content,
    ) -> Result<String, RecordError> {
        let name = format!("{tool}-{number}.original");
        let path = self.folder.join(&name);
        let old = file::read(&path)?;
        file::replace(&path, old.as_ref(), Some(&Content::private(content.bytes.to_vec())))?;
        Ok(name)
    }

    /// What a file held.
    pub(super) fn original(&self, kept: &Kept) -> Result<Option<Content>, RecordError> {
        let Some(name) = &kept.original else { return Ok(None) };
        let path = self.folder.join(name);
        let content = file::read(&path)?.ok_or(RecordError::Gone(path))?;
        Ok(Some(Content { mode: kept.mode, ..content }))
    }

    /// Whether the file holds what it held before, as after a run that was killed or a repository that was checked out.
    pub(super) fn is_as_before(&self, kept: &Kept, now: Option<&Content>) -> bool {
        // A copy that is gone or cannot be read tells nothing.
        self.original(kept).is_ok_and(|then| then.map(|then| then.bytes) == now.map(|now| now.bytes.clone()))
    }

    /// Removes the tool's record and its copies.
    pub(super) fn forget(&self, tool: &str, record: &Record) -> Result<(), RecordError> {
        // The record goes first: without it a copy is nobody's, and goes with the next run at the latest; a record without its
        // copies could not be told from one whose copies somebody removed.
        let copies = record.files.iter().filter_map(|kept| kept.original.as_ref());
        for path in [self.path(tool)].into_iter().chain(copies.map(|name| self.folder.join(name))) {
            match fs::remove_file(&path) {
                Err(source) if source.kind() != ErrorKind::NotFound => {
                    return Err(FileError::Write { path, source }.into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes what a run that was killed left of a tool that has no record. What stays is private.
    pub(super) fn sweep(&self, tool: &str) {
        let is_left = |name: &str| {
            let number =
                name.strip_prefix(tool).and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".original"));
            number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(is_left) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Removes a copy that nobody needs any more. One that stays is private, and the next of its name replaces it.
    pub(super) fn drop_original(&self, name: &str) {
        let _ = fs::remove_file(self.folder.join(name));
    }

    fn path(&self, tool: &str) -> PathBuf {
        self.folder.join(format!("{tool}.json"))
    }
}

/// SHA-256, in hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Why there is no record.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// The file failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// Somebody removed a copy.
    #[error("{}, the copy of a file as it was, is gone.", .0.display())]
    Gone(PathBuf),
    /// Not a record of this version.
    #[error("{} is not a record of entra's.", .path.display())]
    Unreadable {
        /// The record.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

//! Setting a tool up: everything is worked out and checked first, then recorded, then done.
//!
//! The hard idea: the second run. What stands there already is left alone, what is new is added to the record, and the copy of
//! a file stays that of the first run; had others changed the file in between, the copy is marked as out of date.

use std::fs;
use std::path::{Path, PathBuf};

use entra_proto::error::exit;
use entra_proto::secret::LeaseSecret;
use serde_json::Value;
use zeroize::Zeroizing;

use super::change::{Change, ChangeError, carry_out};
use super::edit::{self, Fault, Format, Put};
use super::file::{self, Content, FileError};
use super::links;
use super::plan::{FilePlan, New, Plan};
use super::record::{Kept, Record, RecordError, Records, digest};
use crate::failure::Failure;

/// Everything that is to be done.
pub(super) struct Prepared {
    former: Option<Record>,
    record: Record,
    originals: Vec<(usize, Content)>,
    changes: Vec<Change>,
    /// What of it a person is told.
    pub(super) touched: Touched,
}

/// What is changed.
#[derive(Clone, Default)]
pub(super) struct Touched {
    /// The files, with what is put into each.
    pub(super) files: Vec<(PathBuf, Vec<Put>)>,
    /// The links.
    pub(super) links: Vec<PathBuf>,
}

/// Works it out, with `secret` for the [`PLACEHOLDER`] where it is known.
pub(super) fn prepare(
    records: &Records,
    tool: &str,
    plan: &Plan,
    program: &Path,
    secret: Option<&LeaseSecret>,
) -> Result<Prepared, Failure> {
    let former = records.of(tool)?;
    let mut prepared = Prepared {
        record: former.clone().unwrap_or_default(),
        former,
        originals: Vec::new(),
        changes: Vec::new(),
        touched: Touched::default(),
    };
    for file in &plan.files {
        prepared.add_file(records, tool, file, secret)?;
    }
    for link in &plan.links {
        if !links::points_to(link, program) {
            prepared.changes.push(Change::Link { link: link.clone(), program: program.to_owned() });
            prepared.touched.links.push(link.clone());
        }
        if !prepared.record.links.contains(link) {
            prepared.record.links.push(link.clone());
        }
    }
    prepared.add_folders(records);
    Ok(prepared)
}

impl Prepared {
    /// Whether all is as it should be already.
    pub(super) fn is_nothing(&self) -> bool {
        self.changes.is_empty() && self.former.as_ref() == Some(&self.record)
    }

    /// Says now what would fail later, while nothing is done yet.
    pub(super) fn check(&self) -> Result<(), Failure> {
        for (path, _) in &self.touched.files {
            file::check_writable(path)?;
        }
        Ok(())
    }

    /// Records it and does it. When it fails, everything is as it was.
    pub(super) fn carry_out(
        mut self,
        records: &Records,
        tool: &str,
        lease: Option<String>,
    ) -> Result<(), Failure> {
        self.record.lease = lease.or(self.record.lease);
        let (folders, steps): (Vec<Change>, Vec<Change>) =
            self.changes.into_iter().partition(|change| matches!(change, Change::Folder(_)));
        carry_out(&folders)?;
        let done = keep(records, tool, &mut self.record, &self.originals)
            .map_err(Failure::from)
            .and_then(|()| carry_out(&steps).map_err(Failure::from));
        done.inspect_err(|_| {
            for (number, _) in &self.originals {
                self.record.files[*number].original.as_deref().inspect(|name| records.drop_original(name));
            }
            // The failure that led here is the one to tell; a record too many undoes nothing that is not so.
            let _ = match &self.former {
                Some(former) => records.keep(tool, former),
                None => records.forget(tool, &self.record),
            };
            for folder in folders.iter().rev() {
                if let Change::Folder(folder) = folder {
                    let _ = fs::remove_dir(folder);
                }
            }
        })
    }

    fn add_file(
        &mut self,
        records: &Records,
        tool: &str,
        plan: &FilePlan,
        secret: Option<&LeaseSecret>,
    ) -> Result<(), Failure> {
        let path = &plan.path;
        let old = file::read(path)?;
        let text = old.as_ref().map(|old| old.text(path)).transpose()?.unwrap_or_default();
        let (format, bytes, puts) = match &plan.new {
            New::Values(format, wants) => {
                let (new, puts) = edit::apply(*format, text, wants).map_err(|fault| refused(path, fault))?;
                (*format, filled(Zeroizing::new(new), secret), puts)
            }
            New::Whole(bytes) => (Format::Whole, Zeroizing::new(bytes.clone()), Vec::new()),
        };
        let mode = match &old {
            Some(old) if plan.is_private => old.mode.map(|mode| mode & 0o700),
            Some(old) => old.mode,
            None => file::PRIVATE,
        };
        let new = Content { bytes, mode };
        if old.as_ref() == Some(&new) {
            return Ok(());
        }
        let written = digest(&new.bytes);
        let at = match self.record.files.iter().position(|kept| kept.path == *path) {
            Some(at) => at,
            None => {
                let number = self.record.files.len();
                let original = old.as_ref().map(|_| format!("{tool}-{number}.original"));
                if let Some(old) = &old {
                    self.originals.push((number, old.clone()));
                }
                let mode = old.as_ref().and_then(|old| old.mode);
                let written = old.as_ref().map(|old| digest(&old.bytes)).unwrap_or_default();
                let (path, puts) = (path.clone(), Vec::new());
                self.record.files.push(Kept { path, format, original, mode, written, is_stale: false, puts });
                number
            }
        };
        let kept = &mut self.record.files[at];
        if records.is_as_before(kept, old.as_ref()) {
            (kept.is_stale, kept.puts) = (false, Vec::new());
        } else {
            kept.is_stale |= kept.written != old.as_ref().map(|old| digest(&old.bytes)).unwrap_or_default();
        }
        kept.written = written;
        for put in &puts {
            let put = recorded(put);
            match kept.puts.iter_mut().find(|known| known.path == put.path) {
                Some(known) => known.value = put.value,
                None => kept.puts.push(put),
            }
        }
        self.touched.files.push((path.clone(), puts));
        self.changes.push(Change::File { path: path.clone(), old, new: Some(new) });
        Ok(())
    }

    /// The folders that are missing go first, outer ones before inner ones.
    fn add_folders(&mut self, records: &Records) {
        if self.is_nothing() {
            return;
        }
        let mut missing: Vec<PathBuf> = Vec::new();
        let parents = self.changes.iter().filter_map(|change| match change {
            Change::File { path, .. } => path.parent(),
            Change::Link { link, .. } => link.parent(),
            Change::Folder(_) | Change::Unlink(_) => None,
        });
        for folder in parents.chain([records.folder()]) {
            let mut chain: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
            chain.reverse();
            missing.extend(
                chain
                    .into_iter()
                    .map(Path::to_owned)
                    .filter(|folder| !missing.contains(folder))
                    .collect::<Vec<_>>(),
            );
        }
        self.record.folders.extend(
            missing
                .iter()
                .filter(|folder| !self.record.folders.contains(folder))
                .cloned()
                .collect::<Vec<_>>(),
        );
        self.changes.splice(0..0, missing.into_iter().map(Change::Folder));
    }
}

fn keep(
    records: &Records,
    tool: &str,
    record: &mut Record,
    originals: &[(usize, Content)],
) -> Result<(), RecordError> {
    for (number, content) in originals {
        record.files[*number].original = Some(records.keep_original(tool, *number, content)?);
    }
    records.keep(tool, record)
}

/// The text with the secret in its place, wiped when it is done with.
fn filled(text: Zeroizing<String>, secret: Option<&LeaseSecret>) -> Zeroizing<Vec<u8>> {
    let Some(secret) = secret else { return Zeroizing::new(text.as_bytes().to_vec()) };
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + secret.expose().len()));
    for (number, part) in text.split(PLACEHOLDER).enumerate() {
        if number > 0 {
            bytes.extend_from_slice(secret.expose().as_bytes());
        }
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// The put as the record keeps it: without a secret.
fn recorded(put: &Put) -> Put {
    Put { value: put.value.clone().filter(|value| !is_lease_secret(value)), ..put.clone() }
}

/// Whether the value is a lease's secret, or stands for one.
pub(super) fn is_lease_secret(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with(LeaseSecret::PREFIX))
}

/// What stands for the secret of a lease that is still to be made.
pub(super) const PLACEHOLDER: &str = "entra_lease_(the secret of a new lease)";

/// A file that entra does not change, and why.
pub(super) fn refused(path: &Path, fault: Fault) -> Failure {
    let sentence = format!("{} is left as it is: {fault}.", path.display());
    Failure::new(exit::MISCONFIGURED, "settings_unreadable", sentence)
        .hint("Mend it there, and run the command again; `--print` shows what would be written.")
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let hint = match &error {
            FileError::Busy | FileError::Changed(_) => "Run the command again.",
            FileError::Dangling(_) => "Make the file that the link leads to, or remove the link.",
            FileError::Foreign(_) => "Run the command as that user, without sudo.",
            FileError::NotAFile(_) | FileError::TooLong(_) => "Move it away, and run the command again.",
            FileError::NotText(_) => "Save it as UTF-8, and run the command again.",
            FileError::Read { .. } | FileError::ReadOnly(_) | FileError::Write { .. } => {
                "Nothing was changed. See who may write there; a file that another program manages is changed with that program, \
                 and `--print` shows what to put in."
            }
        };
        let exit = match error {
            FileError::Busy | FileError::Changed(_) => exit::LATER,
            _ => exit::MISCONFIGURED,
        };
        let failure = Self::new(exit, "settings_unwritable", error.to_string());
        let failure = match std::error::Error::source(&error) {
            Some(source) => failure.because(source),
            None => failure,
        };
        failure.hint(hint)
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::File(error) => error.into(),
            RecordError::Gone(_) => Self::new(exit::MISCONFIGURED, "record_unreadable", error.to_string())
                .hint("Take the settings back by hand, and remove the tool's record, the `.json` file beside it."),
            RecordError::Unreadable { .. } => {
                Self::new(exit::MISCONFIGURED, "record_unreadable", error.to_string()).hint(
                    "entra keeps there what it set up. Take the settings back by hand, and remove that file.",
                )
            }
        }
    }
}

impl From<ChangeError> for Failure {
    fn from(error: ChangeError) -> Self {
        error.stuck.iter().fold(error.error.into(), |failure: Self, stuck| {
            failure.hint(format!("A former step could not be undone: {stuck}"))
        })
    }
}

//! Taking back what was set up: byte for byte where nobody else changed the file, and else our own values alone.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use entra_proto::error::exit;
use serde_json::Value;
use zeroize::Zeroizing;

use super::apply::{is_lease_secret, refused};
use super::change::{Change, carry_out};
use super::edit::{self, Format, Put};
use super::file::{self, Content};
use super::links;
use super::places::Places;
use super::record::{Kept, Record, RecordError, Records, digest};
use crate::failure::Failure;

/// What was taken back.
pub(super) struct Undone {
    /// The files that are again as they were.
    pub(super) files: Vec<PathBuf>,
    /// The links that are gone.
    pub(super) links: Vec<PathBuf>,
    /// What else there is to say.
    pub(super) words: Vec<String>,
    /// The lease that has lost its purpose.
    pub(super) lease: Option<String>,
}

/// Takes the tool's settings back. `others` are the records of the other tools that are set up.
pub(super) fn undo(
    records: &Records,
    places: &Places,
    tool: &str,
    record: Record,
    mut others: Vec<(&str, Record)>,
) -> Result<Undone, Failure> {
    let mut undone =
        Undone { files: Vec::new(), links: Vec::new(), words: Vec::new(), lease: record.lease.clone() };
    let mut changes = Vec::new();
    for kept in &record.files {
        if let Some(change) = restored(records, kept, &mut undone.words)? {
            undone.files.push(kept.path.clone());
            changes.push(change);
        }
    }
    for link in &record.links {
        if others.iter().any(|(_, other)| other.links.contains(link)) {
            continue;
        }
        if links::what_is(link).is_err_and(|error| error.kind() == ErrorKind::AlreadyExists) {
            undone.words.push(format!("{} is not entra's any more, and stays.", link.display()));
        } else {
            undone.links.push(link.clone());
            changes.push(Change::Unlink(link.clone()));
        }
    }
    carry_out(&changes)?;
    hand_over(records, &record, &changes, &mut others)?;
    records.forget(tool, &record)?;
    let mut left = Vec::new();
    for folder in record.folders.iter().rev().cloned().chain(places.own_folders()) {
        // One that holds something else, or is gone already, is no failure.
        if fs::remove_dir(&folder).is_err() && folder.exists() && record.folders.contains(&folder) {
            left.insert(0, folder);
        }
    }
    // Whoever comes last removes the folders.
    if let Some((other, heir)) = others.first_mut() {
        left.extend(std::mem::take(&mut heir.folders));
        heir.folders = left;
        records.keep(other, heir)?;
    }
    Ok(undone)
}

fn restored(records: &Records, kept: &Kept, words: &mut Vec<String>) -> Result<Option<Change>, Failure> {
    let path = &kept.path;
    let shown = path.display();
    let Some(old) = file::read(path)? else {
        if kept.original.is_some() {
            words.push(format!("{shown} is gone, and was not brought back."));
        }
        return Ok(None);
    };
    file::check_writable(path)?;
    let change = |old, new| Some(Change::File { path: path.clone(), old: Some(old), new });
    if records.is_as_before(kept, Some(&old)) {
        // Its mode may still be ours.
        let then = records.original(kept)?;
        return Ok(if then.as_ref() == Some(&old) { None } else { change(old, then) });
    }
    if !kept.is_stale && digest(&old.bytes) == kept.written {
        return Ok(change(old, records.original(kept)?));
    }
    let with_copy = |failure: Failure| match &kept.original {
        Some(name) => {
            let copy = records.folder().join(name);
            failure.hint(format!("How it was before entra changed it is in {}.", copy.display()))
        }
        None => failure.hint("There was no such file before entra made it."),
    };
    if kept.format == Format::Whole {
        if matches!(records.original(kept), Err(RecordError::Gone(_))) {
            // Copies go after what they are of is restored, so this may be the rest of an undo that was killed.
            words.push(format!("{shown} stays as it is: the copy of how it was is gone."));
            return Ok(None);
        }
        let sentence = format!("{shown} was changed since, and entra cannot take its own part out.");
        return Err(with_copy(Failure::new(exit::MISCONFIGURED, "settings_changed", sentence)));
    }
    let text = old.text(path)?;
    let (new, foreign) = edit::withdraw(kept.format, text, &kept.puts, is_ours)
        .map_err(|fault| with_copy(refused(path, fault)))?;
    words.push(format!("{shown} was changed since; only what entra put there was taken out."));
    words.extend(foreign.into_iter().map(|key| format!("Another value stands at {key} by now, and stays.")));
    let is_gone = kept.original.is_none() && kept.format.is_bare(&new);
    let mode = kept.mode.or(old.mode);
    let new = Content { bytes: Zeroizing::new(new.into_bytes()), mode };
    if new == old {
        return Ok(None);
    }
    Ok(change(old, (!is_gone).then_some(new)))
}

fn is_ours(put: &Put, value: &Value) -> bool {
    put.value.as_ref().map_or_else(|| is_lease_secret(value), |own| own == value)
}

/// Where another tool's values stand in a file that this one had changed first, the copy of how it was is now that tool's.
fn hand_over(
    records: &Records,
    record: &Record,
    changes: &[Change],
    others: &mut [(&str, Record)],
) -> Result<(), RecordError> {
    for kept in &record.files {
        let new = changes.iter().find_map(|change| match change {
            Change::File { path, old: Some(old), new } if *path == kept.path => Some((old, new.as_ref())),
            _ => None,
        });
        let Some((old, Some(new))) = new else { continue };
        for (tool, other) in others.iter_mut() {
            let Some(number) = other.files.iter().position(|theirs| theirs.path == kept.path) else {
                continue;
            };
            let theirs = &mut other.files[number];
            if theirs.is_stale || theirs.written != digest(&old.bytes) {
                continue;
            }
            let began = records.original(theirs)?.map(|content| digest(&content.bytes));
            if began.as_deref() != Some(kept.written.as_str()) || kept.is_stale {
                continue;
            }
            theirs.original = match records.original(kept)? {
                Some(content) => Some(records.keep_original(tool, number, &content)?),
                None => {
                    theirs.original.as_deref().inspect(|name| records.drop_original(name));
                    None
                }
            };
            theirs.mode = kept.mode;
            theirs.written = digest(&new.bytes);
            records.keep(tool, other)?;
        }
    }
    Ok(())
}

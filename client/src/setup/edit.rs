//! Changes to settings files as data: which value at which path, in which format.
//!
//! The hard idea: a file is changed at the places that matter and nowhere else. Every format can say what stands at a path,
//! put a value there and take it out again as an edit of the text, so comments, order and line ends stay as they are.
//! What is written is read back, and taken out again for a trial, before anybody sees it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ini::{self, Dialect};
use super::{json, toml};

/// A value that is to stand at a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Want {
    /// The keys from the outermost to the innermost.
    pub(super) path: Vec<String>,
    /// What is to stand there.
    pub(super) value: Value,
}

impl Want {
    /// The value at this path.
    pub(super) fn new(path: &[&str], value: impl Into<Value>) -> Self {
        Self { path: path.iter().map(|&key| key.to_owned()).collect(), value: value.into() }
    }
}

/// A value that was put, and what is needed to take it out again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Put {
    /// The keys from the outermost to the innermost.
    pub(super) path: Vec<String>,
    /// What was put there; nothing for a secret, which is told by how it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<Value>,
    /// What stood there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) was: Option<Value>,
    /// How many tables around it had to be made, which go when they are empty.
    #[serde(default)]
    pub(super) made: usize,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    /// git's configuration (git-config(1), "Syntax").
    Git,
    /// RFC 8259.
    Json,
    /// npm's `.npmrc`.
    Npm,
    /// pip's configuration, as Python's configparser reads it.
    Pip,
    /// TOML 1.
    Toml,
    /// Written by the tool's own program; only the whole can be brought back.
    Whole,
}

impl Format {
    /// What stands at the path. A table is an object.
    pub(super) fn value(self, text: &str, path: &[String]) -> Result<Option<Value>, Fault> {
        match self {
            Self::Git => ini::value(Dialect::Git, text, path),
            Self::Json => json::value(text, path),
            Self::Npm => ini::value(Dialect::Npm, text, path),
            Self::Pip => ini::value(Dialect::Pip, text, path),
            Self::Toml => toml::value(text, path),
            Self::Whole => Ok(None),
        }
    }

    fn put(self, text: &str, want: &Want) -> Result<String, Fault> {
        match self {
            Self::Git => ini::put(Dialect::Git, text, want),
            Self::Json => json::put(text, want),
            Self::Npm => ini::put(Dialect::Npm, text, want),
            Self::Pip => ini::put(Dialect::Pip, text, want),
            Self::Toml => toml::put(text, want),
            Self::Whole => Err(Fault::Whole),
        }
    }

    fn remove(self, text: &str, path: &[String]) -> Result<String, Fault> {
        match self {
            Self::Git => ini::remove(Dialect::Git, text, path),
            Self::Json => json::remove(text, path),
            Self::Npm => ini::remove(Dialect::Npm, text, path),
            Self::Pip => ini::remove(Dialect::Pip, text, path),
            Self::Toml => toml::remove(text, path),
            Self::Whole => Err(Fault::Whole),
        }
    }

    /// Whether the file says nothing, so that one that we made can go.
    pub(super) fn is_bare(self, text: &str) -> bool {
        let text = text.trim_start_matches(BOM).trim();
        text.is_empty()
            || (self == Self::Json && text.strip_prefix('{').is_some_and(|rest| rest.trim() == "}"))
    }
}

/// The text with every wanted value in it, and what was put to that end. Values that stand there already are left alone.
pub(super) fn apply(format: Format, text: &str, wants: &[Want]) -> Result<(String, Vec<Put>), Fault> {
    let (mark, body) = split_mark(text);
    let (mut body, mut puts) = (body.to_owned(), Vec::new());
    if body.trim().is_empty() && format == Format::Json {
        body = "{}\n".to_owned();
    }
    // A file that does not parse is refused although it may want nothing.
    let before = format.value(&body, &[])?;
    for want in wants {
        let was = format.value(&body, &want.path)?;
        if was.as_ref() == Some(&want.value) {
            continue;
        }
        let mut made = 0;
        for length in 1..want.path.len() {
            made += usize::from(format.value(&body, &want.path[..length])?.is_none());
        }
        body = format.put(&body, want)?;
        if format.value(&body, &want.path)?.as_ref() != Some(&want.value) {
            return Err(Fault::NotKept(want.path.join(".")));
        }
        puts.push(Put { path: want.path.clone(), value: Some(want.value.clone()), was, made });
    }
    if puts.is_empty() {
        return Ok((text.to_owned(), puts));
    }
    let (back, _) = withdraw(format, &body, &puts, |_, _| true)?;
    if format.value(&back, &[])? != before {
        return Err(Fault::NotReversible);
    }
    Ok((format!("{mark}{body}"), puts))
}

/// The text without what was put, and the paths at which another value stands by now, which stays.
pub(super) fn withdraw(
    format: Format,
    text: &str,
    puts: &[Put],
    is_ours: impl Fn(&Put, &Value) -> bool,
) -> Result<(String, Vec<String>), Fault> {
    let (mark, body) = split_mark(text);
    let (mut body, mut foreign) = (body.to_owned(), Vec::new());
    format.value(&body, &[])?;
    for put in puts.iter().rev() {
        let Some(value) = format.value(&body, &put.path)? else { continue };
        if !is_ours(put, &value) {
            match others_of(put, &value) {
                None => foreign.push(put.path.join(".")),
                Some(others) => body = format.put(&body, &Want { path: put.path.clone(), value: others })?,
            }
            continue;
        }
        if let Some(was) = &put.was {
            body = format.put(&body, &Want { path: put.path.clone(), value: was.clone() })?;
            continue;
        }
        body = format.remove(&body, &put.path)?;
        for length in (put.path.len() - put.made.min(put.path.len() - 1)..put.path.len()).rev() {
            let table = format.value(&body, &put.path[..length])?;
            if table.as_ref().and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
                body = format.remove(&body, &put.path[..length])?;
            }
        }
    }
    Ok((format!("{mark}{body}"), foreign))
}

/// What others have added to a list to which we had added, without what is ours of it: a list that is left as it is would
/// name what is gone.
fn others_of(put: &Put, now: &Value) -> Option<Value> {
    let (Some(Value::Array(with_ours)), Value::Array(now)) = (&put.value, now) else { return None };
    let before = match &put.was {
        Some(Value::Array(before)) => before.as_slice(),
        Some(_) => return None,
        None => &[],
    };
    let is_ours = |item: &Value| with_ours.contains(item) && !before.contains(item);
    let others: Vec<Value> = now.iter().filter(|item| !is_ours(item)).cloned().collect();
    let is_told = before.iter().all(|item| with_ours.contains(item)) && !others.is_empty();
    (is_told && others.len() < now.len()).then_some(Value::Array(others))
}

/// How the file ends its lines.
pub(super) fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Where the byte at `offset` stands, both counted from 1.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

/// Some editors of Windows begin a file with this mark; parsers take it for a fault.
fn split_mark(text: &str) -> (&str, &str) {
    text.split_at(if text.starts_with(BOM) { BOM.len_utf8() } else { 0 })
}

const BOM: char = '\u{feff}';

/// Why a text cannot be edited.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum Fault {
    /// What was put did not stand there afterwards: another line of the file decides over it.
    #[error("another part of the file decides over `{0}`")]
    NotKept(String),
    /// A value stands where tables are needed.
    #[error("`{0}` is not a table")]
    NotATable(String),
    /// Taking it out again would not lead back: the file is written in a way that entra does not know.
    #[error("entra could not take its part out again")]
    NotReversible,
    /// It does not parse.
    #[error("line {line}, column {column}: {words}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What is wrong, without the text itself, which may hold secrets.
        words: String,
    },
    /// Only its tool writes it.
    #[error("entra does not edit this format")]
    Whole,
}

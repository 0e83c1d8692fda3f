//! A layer from TOML, with the line of each value.

use std::io::Read;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, LayerError};
use super::layer::{Layer, shown};
use super::source::Source;
use super::values::{self, Given};
use super::{Owner, owner};

/// A file that somebody keeps settings in; `None` where it is not there.
pub(super) fn read(path: &Path, owner: Owner) -> Result<Option<Layer>, LayerError> {
    let unreadable = |reason: std::io::Error| LayerError::Unreadable { path: path.to_owned(), reason };
    let opened = match owner {
        Owner::Administrator => owner::open_administrators(path),
        Owner::User => owner::open_users(path).map(Some),
    };
    match opened {
        Ok(Some(file)) => {
            let source = |line| Source::File { path: path.to_owned(), line, owner };
            parse(&text_of(file).map_err(unreadable)?, path, &source).map(Some)
        }
        Ok(None) => Err(LayerError::NotAdministrators(path.to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(error)),
    }
}

/// Whether a file of which nothing can be used may hold this key. Where that cannot be told, it may.
pub(super) fn may_hold(path: &Path, key: &str) -> bool {
    match owner::open_users(path).and_then(text_of) {
        // TOML's escapes could spell any key.
        Ok(text) => text.contains(key) || text.contains("\\u") || text.contains("\\U"),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

/// A file as if an administrator had put it among the managed ones.
pub(super) fn draft(path: &Path) -> Result<Layer, LayerError> {
    parse(&text_at(path)?, path, &|line| Source::Managed(format!("{}:{line}", shown(path))))
}

/// The text of a file that is to be checked.
///
/// # Errors
/// When it cannot be read, or is longer than any settings are.
pub fn draft_text(path: &Path) -> Result<String, ConfigError> {
    Ok(text_at(path)?)
}

fn text_at(path: &Path) -> Result<String, LayerError> {
    let unreadable = |reason| LayerError::Unreadable { path: path.to_owned(), reason };
    owner::open_users(path).and_then(text_of).map_err(unreadable)
}

/// The text of a file, which is refused where it is longer than any settings are: half of them would be worse than none.
pub(super) fn text_of(file: std::fs::File) -> std::io::Result<String> {
    String::from_utf8(bytes_of(file)?).map_err(|_| std::io::Error::other("it is not UTF-8"))
}

/// The same of a file that is no text.
pub(super) fn bytes_of(file: std::fs::File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(std::io::Error::other(format!("it is longer than {MAX_FILE} bytes")));
    }
    Ok(bytes)
}

/// The settings of a text, each with the source of its line.
pub(super) fn parse(text: &str, path: &Path, source: &dyn Fn(usize) -> Source) -> Result<Layer, LayerError> {
    let line_of = |offset: usize| text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(span.start));
        LayerError::Syntax { place: format!("{}:{line}", shown(path)), reason: error.message().to_owned() }
    })?;
    let mut layer = Layer::default();
    let at = |span: std::ops::Range<usize>| source(line_of(span.start));
    for (key, value) in table.get_ref() {
        match value.get_ref() {
            DeValue::Table(profiles) if key.get_ref() == "profile" => {
                for (name, profile) in profiles {
                    let full = format!("profile.{}", name.get_ref());
                    let DeValue::Table(profile) = profile.get_ref() else {
                        let (source_, found) = (at(name.span()), found(profile.get_ref()));
                        let key = values::shown(&full);
                        return Err(LayerError::Type { key, source_, found, expected: "a table" });
                    };
                    for (key, value) in profile {
                        let full = format!("{full}.{}", key.get_ref());
                        layer.take(&full, given(value.get_ref()), at(key.span()))?;
                    }
                }
            }
            value => layer.take(key.get_ref(), given(value), at(key.span()))?,
        }
    }
    Ok(layer)
}

fn given(value: &DeValue<'_>) -> Given {
    match value {
        DeValue::String(text) => Given::Text(text.to_string()),
        DeValue::Integer(number) => {
            number.as_str().parse().map_or(Given::Other("a number out of range"), Given::Number)
        }
        DeValue::Boolean(is_on) => Given::Switch(*is_on),
        DeValue::Array(list) => {
            let words = list.iter().map(|word| word.get_ref().as_str().map(str::to_owned));
            words
                .collect::<Option<Vec<_>>>()
                .map_or(Given::Other("a list of other things than strings"), Given::List)
        }
        other => Given::Other(found(other)),
    }
}

fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// Far more than any configuration needs.
const MAX_FILE: u64 = 256 * 1024;

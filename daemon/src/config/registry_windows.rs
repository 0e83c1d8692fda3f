//! Settings in the registry: texts, numbers and lists of texts; subkeys are tables.

use std::io;

use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE, Type};

use super::error::LayerError;
use super::managed_values::{Node, Values};
use super::places::{Hive, Place};
use super::values::Given;

/// The values of a key and of those below it; `None` where there is no such key.
pub(super) fn values(hive: Hive, path: &'static str) -> Result<Option<Values>, LayerError> {
    let root = match hive {
        Hive::Machine => LOCAL_MACHINE,
        Hive::User => CURRENT_USER,
    };
    let unreadable = |error: io::Error| LayerError::Syntax {
        place: Place::Registry { hive, path }.to_string(),
        reason: format!("it cannot be read: {error}"),
    };
    match root.open(path).map_err(io::Error::from) {
        Ok(key) => below(&key, DEEPEST).map(Some).map_err(io::Error::from).map_err(unreadable),
        Err(error) if error.raw_os_error() == Some(NOT_FOUND) => Ok(None),
        Err(error) => Err(unreadable(error)),
    }
}

fn below(key: &Key, depth: u32) -> windows_registry::Result<Values> {
    let mut values = Values::new();
    for (name, value) in key.values()? {
        let given = match value.ty() {
            Type::String | Type::ExpandString => String::try_from(value).map(Given::Text),
            Type::U32 => u32::try_from(value).map(|number| Given::Number(number.into())),
            Type::U64 => u64::try_from(value).map(|number| {
                i64::try_from(number).map_or(Given::Other("a number out of range"), Given::Number)
            }),
            // The list ends with an empty text.
            Type::MultiString => Vec::<String>::try_from(value)
                .map(|list| Given::List(list.into_iter().filter(|text| !text.is_empty()).collect())),
            _ => Ok(Given::Other("binary data")),
        };
        values.insert(name, Node::Value(given.unwrap_or(Given::Other("no text"))));
    }
    for name in key.keys()? {
        // What is too deep for any setting is still seen to be there, and refused.
        let table = if depth > 0 { below(&key.open(&name)?, depth - 1)? } else { Values::new() };
        values.insert(name, Node::Table(table));
    }
    Ok(values)
}

/// `profile\NAME`.
const DEEPEST: u32 = 2;

/// There is no such key: `ERROR_FILE_NOT_FOUND` as an HRESULT (winerror.h: `HRESULT_FROM_WIN32`).
pub(super) const NOT_FOUND: i32 = 0x8007_0002_u32.cast_signed();

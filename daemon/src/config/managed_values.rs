//! Managed settings that are values by name and no text of ours: property lists and the registry.
//!
//! Profiles stand below `profile`, by their names: dictionaries in a property list, subkeys in the registry. What payloads
//! carry besides settings (`PayloadUUID` and its like) is not ours and is passed over.

use std::collections::BTreeMap;
use std::path::Path;

use plist::Value;

use super::error::LayerError;
use super::layer::{Layer, shown};
use super::places::Place;
use super::source::Source;
use super::values::{self, Given};
use super::{owner, registry};

/// Values by name, and tables of them.
pub(super) type Values = BTreeMap<String, Node>;

/// A value, or values below a name.
#[derive(Clone)]
pub(super) enum Node {
    Value(Given),
    Table(Values),
}

/// The settings of a place; `None` where it is not there.
pub(super) fn layer(place: &Place) -> Result<Option<Layer>, LayerError> {
    match read(place)? {
        Some(values) => settings(&values, &place.to_string()).map(Some),
        None => Ok(None),
    }
}

/// The values of a place; `None` where it is not there. Only an administrator can have written them.
pub(super) fn read(place: &Place) -> Result<Option<Values>, LayerError> {
    match place {
        Place::PropertyList(path) => bytes(path)?.map(|bytes| property_list(&bytes, path)).transpose(),
        Place::Json(path) => bytes(path)?.map(|bytes| json(&bytes, path)).transpose(),
        Place::Registry { hive, path } => registry::values(*hive, path),
        Place::Draft(_) | Place::Folder(_) => Ok(None),
    }
}

pub(super) fn settings(values: &Values, place: &str) -> Result<Layer, LayerError> {
    let mut layer = Layer::default();
    let source = |name: &str| Source::Managed(format!("{place} ({})", values::shown(name)));
    for (name, node) in values.iter().filter(|(name, _)| !is_payloads(name)) {
        match node {
            Node::Value(given) => layer.take(name, given.clone(), source(name))?,
            Node::Table(profiles) if name == "profile" => {
                for (profile, node) in profiles {
                    let full = format!("profile.{profile}");
                    let Node::Table(settings) = node else {
                        let (source_, found) = (source(&full), "a single value");
                        let key = values::shown(&full);
                        return Err(LayerError::Type { key, source_, found, expected: "a table" });
                    };
                    for (name, node) in settings {
                        let full = format!("{full}.{name}");
                        layer.take(&full, flat(node), source(&full))?;
                    }
                }
            }
            Node::Table(_) => layer.take(name, Given::Other("a table"), source(name))?,
        }
    }
    Ok(layer)
}

pub(super) fn flat(node: &Node) -> Given {
    match node {
        Node::Value(given) => given.clone(),
        Node::Table(_) => Given::Other("a table"),
    }
}

/// What a configuration profile says of itself (Apple: "Configuration Profile Reference", keys common to all payloads).
fn is_payloads(name: &str) -> bool {
    name.starts_with("Payload") || name.starts_with("PFC_")
}

fn bytes(path: &Path) -> Result<Option<Vec<u8>>, LayerError> {
    let unreadable = |reason| LayerError::Unreadable { path: path.to_owned(), reason };
    match owner::open_administrators(path) {
        Ok(Some(file)) => super::file::bytes_of(file).map(Some).map_err(unreadable),
        Ok(None) => Err(LayerError::NotAdministrators(path.to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(error)),
    }
}

/// A property list in either of its forms. Deep ones are refused by their reader.
pub(super) fn property_list(bytes: &[u8], path: &Path) -> Result<Values, LayerError> {
    let wrong = |reason: String| LayerError::Syntax { place: shown(path), reason };
    let value = Value::from_reader(std::io::Cursor::new(bytes));
    // The reader's own words may hold what stands there.
    let value = value.map_err(|_| wrong("it is no property list".to_owned()))?;
    let dictionary = value.into_dictionary().ok_or_else(|| wrong("it is no dictionary".to_owned()))?;
    Ok(dictionary.into_iter().map(|(name, value)| (name, of_property(value))).collect())
}

fn of_property(value: Value) -> Node {
    Node::Value(match value {
        Value::Boolean(is_on) => Given::Switch(is_on),
        Value::Integer(number) => {
            number.as_signed().map_or(Given::Other("a number out of range"), Given::Number)
        }
        Value::String(text) => Given::Text(text),
        Value::Array(list) => {
            let words = list.into_iter().map(Value::into_string).collect::<Option<Vec<_>>>();
            words.map_or(Given::Other("a list of other things than strings"), Given::List)
        }
        Value::Dictionary(table) => {
            return Node::Table(table.into_iter().map(|(name, value)| (name, of_property(value))).collect());
        }
        Value::Real(_) => Given::Other("a fraction"),
        Value::Date(_) => Given::Other("a date"),
        _ => Given::Other("binary data"),
    })
}

pub(super) fn json(bytes: &[u8], path: &Path) -> Result<Values, LayerError> {
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| LayerError::Syntax {
        place: format!("{}:{}", shown(path), error.line()),
        reason: "it is no JSON".to_owned(),
    })?;
    match value {
        serde_json::Value::Object(object) => {
            Ok(object.into_iter().map(|(name, value)| (name, of_json(value))).collect())
        }
        _ => Err(LayerError::Syntax { place: shown(path), reason: "it is no JSON object".to_owned() }),
    }
}

fn of_json(value: serde_json::Value) -> Node {
    use serde_json::Value;
    Node::Value(match value {
        Value::Null => Given::Other("nothing"),
        Value::Bool(is_on) => Given::Switch(is_on),
        Value::Number(number) => number.as_i64().map_or(Given::Other("a fraction"), Given::Number),
        Value::String(text) => Given::Text(text),
        Value::Array(list) => {
            let words = list.into_iter().map(|word| match word {
                Value::String(word) => Some(word),
                _ => None,
            });
            let words = words.collect::<Option<Vec<_>>>();
            words.map_or(Given::Other("a list of other things than strings"), Given::List)
        }
        Value::Object(table) => {
            return Node::Table(table.into_iter().map(|(name, value)| (name, of_json(value))).collect());
        }
    })
}

#[cfg(test)]
#[path = "managed_values_tests.rs"]
mod tests;

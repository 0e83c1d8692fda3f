//! How the Azure CLI prints: `--output`, and of `--query` a path of names.
//!
//! Answers are trees that borrow their text, so that a token is copied once only, into the bytes that are written and
//! then wiped. JMESPath beyond a path is the next `az`'s.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use zeroize::Zeroizing;

use crate::dialects::words::{Given, Known, Takes};
use crate::failure::Failure;
use crate::print::write_output;
use entra_proto::error::exit;

/// An answer, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node<'a> {
    Flag(bool),
    List(Vec<Self>),
    Number(u64),
    Object(Vec<(&'static str, Self)>),
    Text(Cow<'a, str>),
}

impl<'a> Node<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// What stands under these names; `None` is JMESPath's null.
    fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| match node {
            Self::Object(members) => members.iter().find(|(member, _)| member == name).map(|(_, node)| node),
            _ => None,
        })
    }

    /// The most bytes it takes on a line of its own, with room for quotes, breaks and indents.
    fn room(&self) -> usize {
        match self {
            Self::Flag(_) | Self::Number(_) => NUMBER_ROOM,
            Self::List(nodes) => nodes.iter().map(Self::room).sum::<usize>() + NODE_ROOM,
            Self::Object(members) => {
                let room = |(name, node): &(&str, Self)| name.len() + node.room() + NODE_ROOM;
                members.iter().map(room).sum::<usize>() + NODE_ROOM
            }
            // Each character may become an escape of six.
            Self::Text(text) => 6 * text.len() + NODE_ROOM,
        }
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::List(nodes) => {
                let mut list = serializer.serialize_seq(Some(nodes.len()))?;
                nodes.iter().try_for_each(|node| list.serialize_element(node))?;
                list.end()
            }
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(name, node)| map.serialize_entry(name, node))?;
                map.end()
            }
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// How the caller wants the answer.
#[derive(Debug, PartialEq)]
pub(super) struct Wanted<'a> {
    form: Form,
    query: Vec<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Json,
    Nothing,
    Tsv,
}

/// The options of every command.
pub(super) const FORM_OPTIONS: [Known; 3] = [
    Known { name: "output", spellings: &["--output", "-o"], takes: Takes::One },
    Known { name: "query", spellings: &["--query"], takes: Takes::One },
    Known { name: "talk", spellings: &["--only-show-errors", "--verbose", "--debug"], takes: Takes::Nothing },
];

impl<'a> Wanted<'a> {
    /// From the options; without one, `AZURE_CORE_OUTPUT` decides as it does for the Azure CLI. `None` where the form or
    /// the query is not ours.
    pub(super) fn of(given: &[Given<'a>]) -> Option<Self> {
        let last = |name| {
            given.iter().rfind(|given| given.name == name).and_then(|given| given.values.first().copied())
        };
        let form = match last("output") {
            Some(form) => Form::named(form)?,
            None => match std::env::var("AZURE_CORE_OUTPUT") {
                Ok(form) if !form.is_empty() => Form::named(&form)?,
                _ => Form::Json,
            },
        };
        let query = last("query").map_or(Some(Vec::new()), path)?;
        Some(Self { form, query })
    }

    /// Prints the answer, or what the query finds in it: nothing where that is null.
    pub(super) fn print(&self, answer: &Node<'_>) -> Result<(), Failure> {
        match answer.at(&self.query) {
            Some(found) => write_output(&self.form.bytes(found)?),
            None => Ok(()),
        }
    }
}

impl Form {
    fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            // The second one is the first in colours, for terminals.
            "json" | "jsonc" => Some(Self::Json),
            "none" => Some(Self::Nothing),
            "tsv" => Some(Self::Tsv),
            _ => None,
        }
    }

    fn bytes(self, node: &Node<'_>) -> Result<Zeroizing<Vec<u8>>, Failure> {
        // Text that fits is never moved while it is built, which would leave an unwiped copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(node.room()));
        match self {
            Self::Json => {
                serde_json::to_writer_pretty(&mut *bytes, node).map_err(|error| {
                    Failure::new(exit::INTERNAL, "output_failed", "The answer cannot be written as JSON.")
                        .because(&error)
                })?;
                bytes.push(b'\n');
            }
            Self::Nothing => {}
            Self::Tsv => match node {
                Node::List(rows) => rows.iter().for_each(|row| push_row(&mut bytes, row)),
                row => push_row(&mut bytes, row),
            },
        }
        Ok(bytes)
    }
}

/// One line of tab-separated values. As in the Azure CLI, a list within a row shows as its length and an object as
/// nothing.
fn push_row(bytes: &mut Vec<u8>, row: &Node<'_>) {
    let mut cell = |at: usize, node: &Node<'_>| {
        if at > 0 {
            bytes.push(b'\t');
        }
        match node {
            Node::Flag(flag) => bytes.extend_from_slice(if *flag { b"true" } else { b"false" }),
            Node::List(nodes) => bytes.extend_from_slice(nodes.len().to_string().as_bytes()),
            Node::Number(number) => bytes.extend_from_slice(number.to_string().as_bytes()),
            Node::Object(_) => {}
            Node::Text(text) => bytes.extend_from_slice(text.as_bytes()),
        }
    };
    match row {
        Node::List(nodes) => nodes.iter().enumerate().for_each(|(at, node)| cell(at, node)),
        Node::Object(members) => members.iter().enumerate().for_each(|(at, (_, node))| cell(at, node)),
        node => cell(0, node),
    }
    bytes.push(b'\n');
}

/// The names of `a.b."c-d"` (JMESPath, "Identifiers" and "SubExpressions").
fn path(query: &str) -> Option<Vec<&str>> {
    let name = |part: &'_ str| -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        part.chars().all(plain) && part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    };
    let quoted = |part: &str| !part.is_empty() && !part.contains(['"', '\\']);
    let part = |part| match str::strip_prefix(part, '"') {
        Some(rest) => rest.strip_suffix('"').filter(|inner| quoted(inner)),
        None => Some(part).filter(|part| name(part)),
    };
    query.split('.').map(part).collect()
}

/// Bytes of the longest number.
const NUMBER_ROOM: usize = 20;

/// Bytes around a node: quotes, brackets, a colon, a comma, a break and the indents of three levels.
const NODE_ROOM: usize = 24;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn answer() -> Node<'static> {
        Node::Object(vec![
            ("name", Node::text("a \"b\"\u{fc}")),
            ("on", Node::Number(7)),
            ("user", Node::Object(vec![("type", Node::text("user"))])),
            ("with", Node::List(Vec::new())),
            ("yes", Node::Flag(true)),
        ])
    }

    fn printed(form: Form, node: &Node<'_>) -> String {
        let bytes = form.bytes(node).unwrap();
        assert!(bytes.len() <= node.room());
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn json_is_indented_and_in_order() {
        let text = "{\n  \"name\": \"a \\\"b\\\"\u{fc}\",\n  \"on\": 7,\n  \"user\": {\n    \"type\": \"user\"\n  },\n  \"with\": [],\n  \"yes\": true\n}\n";
        assert_eq!(printed(Form::Json, &answer()), text);
    }

    #[test]
    fn tsv_is_a_line_a_row() {
        assert_eq!(printed(Form::Tsv, &answer()), "a \"b\"\u{fc}\t7\t\t0\ttrue\n");
        let rows = Node::List(vec![answer(), Node::Number(1)]);
        assert_eq!(printed(Form::Tsv, &rows).lines().count(), 2);
        assert_eq!(printed(Form::Nothing, &answer()), "");
    }

    #[rstest]
    #[case("name", Some("a \"b\"\u{fc}\n"))]
    #[case("user.type", Some("user\n"))]
    #[case("\"on\"", Some("7\n"))]
    #[case("user.none", None)]
    #[case("name.type", None)]
    #[case("Name", None)]
    fn a_path_finds_its_member(#[case] query: &str, #[case] found: Option<&str>) {
        let path = path(query).unwrap();
        assert_eq!(answer().at(&path).map(|node| printed(Form::Tsv, node)).as_deref(), found);
    }

    #[rstest]
    #[case("")]
    #[case("a b")]
    #[case("[0]")]
    #[case("[].id")]
    #[case("a.")]
    #[case("a || b")]
    #[case("length(@)")]
    #[case("{a:b}")]
    #[case("\"a\\u0020\"")]
    #[case("\"a.b\"")]
    #[case("1a")]
    fn more_of_jmespath_is_not_ours(#[case] query: &str) {
        assert_eq!(path(query), None);
    }

    #[rstest]
    #[case("JSON", Some(Form::Json))]
    #[case("jsonc", Some(Form::Json))]
    #[case("tsv", Some(Form::Tsv))]
    #[case("none", Some(Form::Nothing))]
    #[case("table", None)]
    #[case("yaml", None)]
    #[case("", None)]
    fn three_forms_are_ours(#[case] name: &str, #[case] form: Option<Form>) {
        assert_eq!(Form::named(name), form);
    }
}

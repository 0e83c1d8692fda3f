//! Edits of TOML text.
//!
//! `toml_edit` knows where a key goes; its text has line feeds only. So what it changed is found by comparison and put into the
//! original text, in which everything else stays, carriage returns too.

use serde_json::Value;
use toml_edit::{Array, DocumentMut, Item, Table};

use super::edit::{Fault, Want, line_end, position};

/// What stands at the path.
pub(super) fn value(text: &str, path: &[String]) -> Result<Option<Value>, Fault> {
    let document = parse(&unix(text))?;
    let mut at = document.as_item();
    for key in path {
        match at.as_table_like().and_then(|table| table.get(key)) {
            Some(inner) => at = inner,
            None => return Ok(None),
        }
    }
    Ok(Some(plain(at)))
}

/// The text with the value, a string or an array of strings, at its path.
pub(super) fn put(text: &str, want: &Want) -> Result<String, Fault> {
    let old = unix(text);
    let mut document = parse(&old)?;
    let Some((last, tables)) = want.path.split_last() else { return Ok(text.to_owned()) };
    let mut at = document.as_item_mut();
    for (depth, key) in tables.iter().enumerate() {
        let table = at.as_table_like_mut().ok_or_else(|| Fault::NotATable(want.path[..depth].join(".")))?;
        at = table.entry(key).or_insert_with(|| {
            let mut table = Table::new();
            // Only the innermost gets a header.
            table.set_implicit(depth + 1 < tables.len());
            Item::Table(table)
        });
    }
    let table = at.as_table_like_mut().ok_or_else(|| Fault::NotATable(tables.join(".")))?;
    let mut new = written(&want.value);
    match table.get_mut(last) {
        Some(Item::Value(old)) => {
            // A comment behind the value stays.
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        Some(_) => return Err(Fault::NotATable(want.path.join("."))),
        None => {
            table.insert(last, Item::Value(new));
        }
    }
    Ok(merged(text, &old, &document.to_string()))
}

/// The text without what stands at the path.
pub(super) fn remove(text: &str, path: &[String]) -> Result<String, Fault> {
    let old = unix(text);
    let mut document = parse(&old)?;
    let Some((last, tables)) = path.split_last() else { return Ok(text.to_owned()) };
    let mut at = Some(document.as_item_mut());
    for key in tables {
        at = at.and_then(|item| item.as_table_like_mut()).and_then(|table| table.get_mut(key));
    }
    if let Some(table) = at.and_then(Item::as_table_like_mut) {
        table.remove(last);
    }
    Ok(merged(text, &old, &document.to_string()))
}

fn parse(text: &str) -> Result<DocumentMut, Fault> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        let (line, column) = position(text, error.span().map_or(0, |span| span.start));
        Fault::Syntax { line, column, words: error.message().replace('\n', ", ") }
    })
}

fn written(value: &Value) -> toml_edit::Value {
    match value {
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().unwrap_or_default()).collect::<Array>().into()
        }
        value => value.as_str().unwrap_or_default().into(),
    }
}

fn plain(item: &Item) -> Value {
    if let Some(table) = item.as_table_like() {
        return table.iter().map(|(key, item)| (key.to_owned(), plain(item))).collect();
    }
    if let Some(items) = item.as_array() {
        return items.iter().map(|value| plain(&Item::Value(value.clone()))).collect();
    }
    match item.as_str() {
        Some(text) => text.into(),
        // Of no other kind is anything asked but whether it is the wanted one.
        None => item.to_string().trim().into(),
    }
}

fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// The original text with the one stretch changed in which `old` and `new` differ; `old` is the original without its
/// carriage returns.
fn merged(text: &str, old: &str, new: &str) -> String {
    let same = |(a, b): &(u8, u8)| a == b;
    let mut start = old.bytes().zip(new.bytes()).take_while(same).count();
    while !old.is_char_boundary(start) {
        start -= 1;
    }
    let longest = old.len().min(new.len()) - start;
    let mut end = old.bytes().rev().zip(new.bytes().rev()).take(longest).take_while(same).count();
    while !old.is_char_boundary(old.len() - end) {
        end -= 1;
    }
    let middle = new[start..new.len() - end].replace('\n', line_end(text));
    let offset = |wanted: usize| {
        let mut passed = 0;
        let returns = text.as_bytes().windows(2).enumerate().filter(|(_, pair)| *pair == b"\r\n");
        for (at, _) in returns {
            if at - passed >= wanted {
                break;
            }
            passed += 1;
        }
        wanted + passed
    };
    [&text[..offset(start)], &middle, &text[offset(old.len() - end)..]].concat()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::edit::{Format, apply, withdraw};
    use super::*;

    fn wants() -> [Want; 2] {
        [Want::new(&["keyring-provider"], "subprocess"), Want::new(&["registries", "a", "p"], vec!["/x y"])]
    }

    #[rstest]
    #[case("", "keyring-provider = \"subprocess\"\n\n[registries.a]\np = [\"/x y\"]\n")]
    #[case(
        "# mine\r\n[registries.a] # here\r\nindex = \"i\" # there\r\n\r\n[z]\r\n",
        "keyring-provider = \"subprocess\"\r\n# mine\r\n[registries.a] # here\r\nindex = \"i\" # there\r\np = [\"/x y\"]\r\n\r\n[z]\r\n"
    )]
    #[case(
        "registries = { a = { index = \"i\" } }",
        "registries = { a = { index = \"i\" , p = [\"/x y\"] } }\nkeyring-provider = \"subprocess\"\n"
    )]
    fn keys_go_where_they_belong(#[case] text: &str, #[case] expected: &str) {
        let (new, puts) = apply(Format::Toml, text, &wants()).unwrap();
        assert_eq!(new, expected);
        assert_eq!(apply(Format::Toml, &new, &wants()).unwrap().0, new);
        let (back, foreign) =
            withdraw(Format::Toml, &new, &puts, |put, value| put.value.as_ref() == Some(value)).unwrap();
        let trimmed = |text: &str| text.trim_end().replace("\" }", "\"}").replace("\" }", "\"}");
        assert_eq!((trimmed(&back), foreign.len()), (trimmed(text), 0));
    }

    #[test]
    fn a_value_is_replaced_and_its_comment_stays() {
        let text = "keyring-provider = 'disabled'  # never\n";
        let (new, puts) = apply(Format::Toml, text, &wants()[..1]).unwrap();
        assert_eq!(new, "keyring-provider = \"subprocess\"  # never\n");
        assert_eq!(puts[0].was, Some("disabled".into()));
    }

    #[test]
    fn a_fault_has_a_place() {
        let fault = apply(Format::Toml, "a = 1\nb = = 2\n", &[]).unwrap_err();
        assert!(matches!(fault, Fault::Syntax { line: 2, .. }), "{fault:?}");
        let fault = apply(Format::Toml, "registries = 1\n", &wants()).unwrap_err();
        assert_eq!(fault, Fault::NotATable("registries".to_owned()));
    }
}

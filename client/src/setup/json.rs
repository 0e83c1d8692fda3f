//! Edits of JSON text: a member is put into an object or taken out, and every other byte stays.
//!
//! The text is parsed once by `serde_json`, which finds every fault; after that the small scanner below may rely on it being
//! JSON. A new member is written as its neighbours are: on a line of its own with their indentation, or beside them.

use std::ops::Range;

use serde_json::Value;

use super::edit::{Fault, Want, line_end};

/// What stands at the path.
pub(super) fn value(text: &str, path: &[String]) -> Result<Option<Value>, Fault> {
    let mut at = &parse(text)?;
    for key in path {
        match at.get(key) {
            Some(inner) => at = inner,
            None => return Ok(None),
        }
    }
    Ok(Some(at.clone()))
}

/// The text with the value at its path. Objects around it are made.
pub(super) fn put(text: &str, want: &Want) -> Result<String, Fault> {
    parse(text)?;
    let mut object = whole(text);
    for (depth, key) in want.path.iter().enumerate() {
        if !text[object.clone()].starts_with('{') {
            return Err(Fault::NotATable(want.path[..depth].join(".")));
        }
        let Some(member) = member(text, object.start, key) else {
            let rest = want.path[depth + 1..].iter().rev();
            let value = rest.fold(want.value.clone(), |value, key| Value::from_iter([(key.clone(), value)]));
            return Ok(insert(text, &object, key, &value));
        };
        object = member.value;
    }
    let (line_end, unit) = (line_end(text), unit(text));
    let is_tall = text[object.clone()].contains('\n') || !want.value.is_array();
    let written = write(&want.value, is_tall.then_some((line_end, &unit, indentation(text, object.start))));
    Ok(spliced(text, object, &written))
}

/// The text without the member at the path.
pub(super) fn remove(text: &str, path: &[String]) -> Result<String, Fault> {
    parse(text)?;
    let mut object = whole(text);
    let Some((last, tables)) = path.split_last() else { return Ok(text.to_owned()) };
    for key in tables {
        match member(text, object.start, key) {
            Some(member) => object = member.value,
            None => return Ok(text.to_owned()),
        }
    }
    let members = members(text, object.start);
    let Some(at) = members.iter().rposition(|member| member.key == *last) else { return Ok(text.to_owned()) };
    let gone = match (at.checked_sub(1), members.get(at + 1)) {
        (Some(before), _) => members[before].value.end..members[at].value.end,
        (None, Some(after)) => members[at].start..after.start,
        (None, None) => object.start + 1..object.end - 1,
    };
    Ok(spliced(text, gone, ""))
}

fn parse(text: &str) -> Result<Value, Fault> {
    serde_json::from_str(text).map_err(|error| {
        let words = error.to_string();
        // It ends in " at line 1 column 2", which the fault says in its own words.
        let words = words.split(" at line ").next().unwrap_or_default().to_owned();
        Fault::Syntax { line: error.line(), column: error.column(), words }
    })
}

/// A member of an object: from its key's quote to its value's end.
struct Member {
    start: usize,
    key: String,
    value: Range<usize>,
}

fn insert(text: &str, object: &Range<usize>, key: &str, value: &Value) -> String {
    let key = Value::from(key).to_string();
    let (line_end, unit) = (line_end(text), unit(text));
    let members = members(text, object.start);
    let Some(last) = members.last() else {
        let is_flat = text.trim().len() > 2 && !text.trim().contains('\n');
        let inner = if is_flat {
            format!("{key}: {}", write(value, None))
        } else {
            let outer = indentation(text, object.start);
            let own = format!("{outer}{unit}");
            format!("{line_end}{own}{key}: {}{line_end}{outer}", write(value, Some((line_end, &unit, &own))))
        };
        return spliced(text, object.start + 1..object.end - 1, &inner);
    };
    // What stands before the last key: the end of a line and its indentation, or a space, or nothing.
    let before = &text[..last.start];
    let gap = &before[before.trim_end_matches([' ', '\t', '\r', '\n']).len()..];
    let gap = gap.rfind('\n').map_or(gap.to_owned(), |newline| format!("{line_end}{}", &gap[newline + 1..]));
    let gap = if gap.is_empty() && members.len() == 1 { " ".to_owned() } else { gap };
    let tall = gap.contains('\n').then(|| (line_end, unit.as_str(), gap.trim_start_matches(['\r', '\n'])));
    let written = write(value, tall);
    spliced(text, last.value.end..last.value.end, &format!(",{gap}{key}: {written}"))
}

/// The value, over several lines where the end of a line, the unit of indentation and the indentation of its own line are given.
fn write(value: &Value, tall: Option<(&str, &str, &str)>) -> String {
    let Some((line_end, unit, own)) = tall else { return value.to_string() };
    let inner = format!("{own}{unit}");
    let lines: Vec<String> = match value {
        Value::Array(items) => items.iter().map(|item| write(item, Some((line_end, unit, &inner)))).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, item)| {
                let key = Value::from(key.as_str());
                format!("{key}: {}", write(item, Some((line_end, unit, &inner))))
            })
            .collect(),
        _ => return value.to_string(),
    };
    let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
    if lines.is_empty() {
        return format!("{open}{close}");
    }
    let between = format!(",{line_end}{inner}");
    format!("{open}{line_end}{inner}{}{line_end}{own}{close}", lines.join(&between))
}

/// By how much the file indents: the first indented line tells.
fn unit(text: &str) -> String {
    let indents = text.lines().map(|line| &line[..line.len() - line.trim_start().len()]);
    indents.into_iter().find(|indent| !indent.is_empty()).unwrap_or("  ").to_owned()
}

/// The indentation of the line in which `offset` stands.
fn indentation(text: &str, offset: usize) -> &str {
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let line = &text[start..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

fn spliced(text: &str, gone: Range<usize>, new: &str) -> String {
    [&text[..gone.start], new, &text[gone.end..]].concat()
}

fn whole(text: &str) -> Range<usize> {
    text.len() - text.trim_start().len()..text.trim_end().len()
}

/// The last member of this key, which is the one that counts.
fn member(text: &str, object: usize, key: &str) -> Option<Member> {
    members(text, object).into_iter().rfind(|member| member.key == key)
}

fn members(text: &str, object: usize) -> Vec<Member> {
    let mut found = Vec::new();
    let mut at = skip_space(text, object + 1);
    while text[at..].starts_with('"') {
        let key_end = skip_value(text, at);
        let colon = skip_space(text, key_end);
        let start = skip_space(text, colon + 1);
        let end = skip_value(text, start);
        let key = serde_json::from_str(&text[at..key_end]).unwrap_or_default();
        found.push(Member { start: at, key, value: start..end });
        at = skip_space(text, end);
        if text[at..].starts_with(',') {
            at = skip_space(text, at + 1);
        }
    }
    found
}

fn skip_space(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches([' ', '\t', '\r', '\n']).len()
}

/// Where the value that begins at `at` ends.
fn skip_value(text: &str, at: usize) -> usize {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for (index, byte) in text.bytes().enumerate().skip(at) {
        if is_text {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => {
                    is_text = false;
                    if depth == 0 {
                        return index + 1;
                    }
                }
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => is_text = true,
            b'{' | b'[' => depth += 1,
            // The end of the object around a number or a word.
            b'}' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return index,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return index + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::edit::{Format, apply, withdraw};
    use super::*;

    fn set(text: &str, path: &[&str], value: impl Into<Value>) -> String {
        apply(Format::Json, text, &[Want::new(path, value)]).unwrap().0
    }

    #[rstest]
    #[case("", &["a"], "{\n  \"a\": \"1\"\n}\n")]
    #[case("{}", &["a"], "{\n  \"a\": \"1\"\n}")]
    #[case("{ \"b\": 2 }", &["a"], "{ \"b\": 2, \"a\": \"1\" }")]
    #[case("{\"b\":2}", &["a"], "{\"b\":2, \"a\": \"1\"}")]
    #[case("{\"b\":2}", &["a", "c"], "{\"b\":2, \"a\": {\"c\":\"1\"}}")]
    #[case("{\n\t\"b\": [\n\t\t1\n\t]\n}\n", &["a", "c"], "{\n\t\"b\": [\n\t\t1\n\t],\n\t\"a\": {\n\t\t\"c\": \"1\"\n\t}\n}\n")]
    #[case("{\r\n    \"a\": {},\r\n    \"b\": \"}\\\"{\"\r\n}", &["a", "c"], "{\r\n    \"a\": {\r\n        \"c\": \"1\"\r\n    },\r\n    \"b\": \"}\\\"{\"\r\n}")]
    #[case("{\"a\": 2 , \"b\": null}", &["a"], "{\"a\": \"1\" , \"b\": null}")]
    #[case("{\"a\": 1, \"a\": 2}", &["a"], "{\"a\": 1, \"a\": \"1\"}")]
    #[case("\u{feff}{\n  \"b\": true\n}", &["a"], "\u{feff}{\n  \"b\": true,\n  \"a\": \"1\"\n}")]
    #[case("{\"\\u0061\": 2}", &["a"], "{\"\\u0061\": \"1\"}")]
    fn a_member_is_written_as_its_neighbours_are(
        #[case] text: &str,
        #[case] path: &[&str],
        #[case] new: &str,
    ) {
        assert_eq!(set(text, path, "1"), new);
        assert_eq!(set(new, path, "1"), new, "a second time changes nothing");
    }

    #[rstest]
    #[case("{\n  \"b\": 2\n}\n")]
    #[case("{\"a\": {\"x\": 1}, \"b\": 2}")]
    #[case("{\n\t\"a\": {\n\t\t\"x\": [1, 2]\n\t}\n}")]
    fn what_was_put_can_be_taken_out(#[case] text: &str) {
        let wants = [Want::new(&["a", "c"], "1"), Want::new(&["a", "d"], "2"), Want::new(&["b"], "3")];
        let (new, puts) = apply(Format::Json, text, &wants).unwrap();
        let (back, foreign) =
            withdraw(Format::Json, &new, &puts, |put, value| put.value.as_ref() == Some(value)).unwrap();
        assert_eq!((back.as_str(), foreign.len()), (text, 0));
    }

    #[test]
    fn what_another_changed_stays() {
        let (new, puts) = apply(Format::Json, "{}", &[Want::new(&["env", "A"], "1")]).unwrap();
        let theirs = new.replace("\"1\"", "\"theirs\"");
        let (back, foreign) =
            withdraw(Format::Json, &theirs, &puts, |put, value| put.value.as_ref() == Some(value)).unwrap();
        assert_eq!((back, foreign), (theirs, vec!["env.A".to_owned()]));
    }

    #[test]
    fn a_fault_has_a_place() {
        let fault = apply(Format::Json, "{\n  \"a\": 1,\n}", &[]).unwrap_err();
        assert!(matches!(fault, Fault::Syntax { line: 3, column: 1, .. }), "{fault:?}");
        assert_eq!(
            apply(Format::Json, "{\"a\": 1}", &[Want::new(&["a", "b"], "1")]).unwrap_err(),
            Fault::NotATable("a".to_owned())
        );
    }
}

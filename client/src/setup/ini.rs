//! Edits of the files of lines: git's configuration, pip's and npm's.
//!
//! They look alike and are not: in git's a key may stand several times and each counts, in pip's a line that is indented
//! more than the one above belongs to it, npm's has no sections. Only whole lines are put in and taken out. A value is a
//! string, or an array of them where a key is to stand several times.

use serde_json::Value;

use super::edit::{Fault, Want, line_end};

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// git-config(1), "Syntax".
    Git,
    /// npm's `ini` package, without sections.
    Npm,
    /// Python's configparser: no section and no key twice.
    Pip,
}

/// What stands at the path, which is a section and a key, a section alone, or npm's key alone.
pub(super) fn value(dialect: Dialect, text: &str, path: &[String]) -> Result<Option<Value>, Fault> {
    let lines = read(dialect, text)?;
    let Some((section, key)) = place(dialect, path) else {
        let section = path.first().cloned().unwrap_or_default();
        let keys = lines.iter().filter(|line| line.section == section);
        let is_there = keys.clone().any(|line| line.is_header) || path.is_empty();
        let map =
            keys.filter(|line| !line.key.is_empty()).map(|line| (line.key.clone(), Value::Null)).collect();
        return Ok(is_there.then_some(Value::Object(map)));
    };
    let mut values: Vec<Value> =
        lines.iter().filter(|line| line.is(section, &key)).map(|line| line.value.clone().into()).collect();
    Ok(match values.len() {
        0 => None,
        1 => values.pop(),
        _ => Some(Value::Array(values)),
    })
}

/// The text with the value at its path, in place of every line of that key.
pub(super) fn put(dialect: Dialect, text: &str, want: &Want) -> Result<String, Fault> {
    let lines = read(dialect, text)?;
    let Some((section, key)) = place(dialect, &want.path) else { return Ok(text.to_owned()) };
    let name = want.path.last().map(String::as_str).unwrap_or_default();
    let values: Vec<&str> = match &want.value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().into_iter().collect(),
    };
    let mut new: Vec<String> = values.iter().map(|value| assignment(dialect, name, value)).collect();
    let old: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].is(section, &key)).collect();
    let is_free = |line: &&Line| line.key.is_empty() && !line.is_header;
    let mut neighbour = old.first().map(|&first| lines[first].text);
    let at = match old.first() {
        Some(&first) => first,
        // Behind the section's last line that says something; npm's before any section that there may be.
        None if dialect == Dialect::Npm => {
            lines.iter().position(|line| line.is_header).unwrap_or(lines.len())
        }
        None => match lines.iter().rposition(|line| line.section == section && !is_free(&line)) {
            Some(last) => {
                neighbour = Some(lines[last].text);
                last + 1
            }
            None => {
                new.insert(0, format!("[{section}]"));
                lines.len()
            }
        },
    };
    if dialect == Dialect::Pip {
        // Deeper than its neighbours it would belong to the one above, and less deep the one below to it.
        let indent = neighbour.map(indentation).unwrap_or_default();
        new.iter_mut().for_each(|line| line.insert_str(0, indent));
    }
    let kept: Vec<&str> = lines.iter().map(|line| line.text).collect();
    let mut parts: Vec<&str> = kept[..at].to_vec();
    let new: Vec<String> = new.into_iter().map(|line| line + line_end(text)).collect();
    parts.extend(new.iter().map(String::as_str));
    parts.extend(
        kept.iter().enumerate().skip(at).filter(|(index, _)| !old.contains(index)).map(|(_, line)| *line),
    );
    Ok(joined(text, &parts))
}

/// The text without the lines of the path: those of a key, or a section's header.
pub(super) fn remove(dialect: Dialect, text: &str, path: &[String]) -> Result<String, Fault> {
    let lines = read(dialect, text)?;
    let is_gone = |line: &Line| match place(dialect, path) {
        Some((section, key)) => line.is(section, &key),
        None => line.is_header && path.first() == Some(&line.section),
    };
    let kept: Vec<&str> = lines.iter().filter(|line| !is_gone(line)).map(|line| line.text).collect();
    Ok(joined(text, &kept))
}

/// A line with its end, and the lines that continue it.
struct Line<'a> {
    text: &'a str,
    section: String,
    is_header: bool,
    key: String,
    value: String,
}

impl Line<'_> {
    fn is(&self, section: &str, key: &str) -> bool {
        !self.key.is_empty() && self.section == section && self.key == key
    }
}

fn read(dialect: Dialect, text: &str) -> Result<Vec<Line<'_>>, Fault> {
    let (mut lines, mut section, mut start): (Vec<Line<'_>>, _, _) = (Vec::new(), String::new(), 0);
    for (number, raw) in text.split_inclusive('\n').enumerate() {
        let end = start + raw.len();
        let content = raw.trim();
        let is_comment = content.is_empty() || content.starts_with('#') || content.starts_with(';');
        let more = holder(dialect, &lines).filter(|&at| continues(dialect, &lines[at], raw));
        if let Some(at) = more {
            let held: usize = lines[at..].iter().map(|line| line.text.len()).sum();
            lines.truncate(at + 1);
            lines[at].text = &text[start - held..end];
            if dialect == Dialect::Git {
                lines[at].value = unquoted(dialect, split(dialect, lines[at].text.trim()).1);
            } else {
                lines[at].value.push('\n');
                lines[at].value.push_str(content);
            }
        } else if content.starts_with('[')
            && (dialect != Dialect::Npm || (raw.starts_with('[') && content.ends_with(']')))
        {
            section = header(dialect, content).ok_or_else(|| Fault::Syntax {
                line: number + 1,
                column: raw.len() - raw.trim_start().len() + 1,
                words: "the header of a section must stand alone on its line, as in `[name]`".to_owned(),
            })?;
            lines.push(Line {
                text: raw,
                section: section.clone(),
                is_header: true,
                key: String::new(),
                value: String::new(),
            });
        } else {
            let (key, value) = if is_comment { ("", "") } else { split(dialect, content) };
            if dialect != Dialect::Npm && !is_comment && section.is_empty() {
                let words = "a setting stands before the first section".to_owned();
                return Err(Fault::Syntax { line: number + 1, column: 1, words });
            }
            let (key, value) = (folded(dialect, key), unquoted(dialect, value));
            lines.push(Line { text: raw, section: section.clone(), is_header: false, key, value });
        }
        start = end;
    }
    Ok(lines)
}

/// The line that the next one may continue. Python passes over empty lines and comments between the two.
fn holder(dialect: Dialect, lines: &[Line<'_>]) -> Option<usize> {
    let is_said = |line: &Line<'_>| line.is_header || !line.key.is_empty();
    if dialect == Dialect::Pip { lines.iter().rposition(is_said) } else { lines.len().checked_sub(1) }
}

fn continues(dialect: Dialect, last: &Line<'_>, raw: &str) -> bool {
    match dialect {
        Dialect::Git => !last.key.is_empty() && goes_on(last.text.trim_end_matches(['\r', '\n'])),
        Dialect::Npm => false,
        Dialect::Pip => {
            let is_deeper = indentation(raw).chars().count() > indentation(last.text).chars().count();
            let is_comment = raw.trim().is_empty() || raw.trim_start().starts_with(['#', ';']);
            !last.key.is_empty() && is_deeper && !is_comment
        }
    }
}

/// Whether a line of git's ends in a backslash that is no other's escape and in no comment.
fn goes_on(line: &str) -> bool {
    let (mut is_quoted, mut rest) = (false, line.chars());
    while let Some(c) = rest.next() {
        match c {
            '"' => is_quoted = !is_quoted,
            '\\' if rest.next().is_none() => return true,
            '#' | ';' if !is_quoted => return false,
            _ => {}
        }
    }
    false
}

/// The space before the text of a line; each character of it counts as one.
fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

/// The name between the brackets, as it is compared: git tells capitals apart in the quoted part alone.
fn header(dialect: Dialect, content: &str) -> Option<String> {
    let name = content.strip_prefix('[')?;
    // In quotes it may have a bracket of its own.
    let mut is_quoted = false;
    let (end, _) = name.char_indices().find(|(_, c)| {
        is_quoted ^= *c == '"' && dialect == Dialect::Git;
        *c == ']' && !is_quoted
    })?;
    let (name, rest) = (&name[..end], &name[end + 1..]);
    let is_alone = rest.trim().is_empty() || rest.trim().starts_with(['#', ';']);
    let folded = match name.split_once(' ') {
        Some((section, quoted)) => format!("{} {}", section.to_ascii_lowercase(), quoted.trim()),
        None => name.to_owned(),
    };
    (is_alone && !name.is_empty()).then_some(folded)
}

fn split(dialect: Dialect, content: &str) -> (&str, &str) {
    let at = match dialect {
        Dialect::Pip => content.find(['=', ':']),
        Dialect::Git | Dialect::Npm => content.find('='),
    };
    at.map_or((content, ""), |at| (content[..at].trim_end(), content[at + 1..].trim_start()))
}

fn folded(dialect: Dialect, key: &str) -> String {
    match dialect {
        Dialect::Git => key.to_ascii_lowercase(),
        Dialect::Npm => {
            let quoted = key.strip_prefix('"').and_then(|key| key.strip_suffix('"'));
            quoted.unwrap_or(key).to_owned()
        }
        Dialect::Pip => key.to_lowercase().replace('_', "-"),
    }
}

fn unquoted(dialect: Dialect, value: &str) -> String {
    if dialect != Dialect::Git {
        return value.to_owned();
    }
    let (mut text, mut is_quoted, mut rest, mut kept) = (String::new(), false, value.chars(), 0);
    while let Some(c) = rest.next() {
        match c {
            '"' => is_quoted = !is_quoted,
            '\\' => match rest.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                // The end of a line that goes on in the next one.
                Some('\r' | '\n') | None => rest = rest.as_str().trim_start_matches('\n').chars(),
                Some(c) => text.push(c),
            },
            '#' | ';' if !is_quoted => break,
            c => text.push(c),
        }
        if is_quoted || !c.is_whitespace() {
            kept = text.len();
        }
    }
    text.truncate(kept);
    text
}

fn assignment(dialect: Dialect, key: &str, value: &str) -> String {
    match dialect {
        Dialect::Git if value.is_empty() => format!("\t{key} ="),
        Dialect::Git if value.contains(['"', '\\', '#', ';', '\n', '\t']) || value.trim() != value => {
            let escaped =
                value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t");
            format!("\t{key} = \"{escaped}\"")
        }
        Dialect::Git => format!("\t{key} = {value}"),
        Dialect::Npm => format!("{key}={value}"),
        Dialect::Pip => format!("{key} = {value}"),
    }
}

fn place(dialect: Dialect, path: &[String]) -> Option<(&str, String)> {
    match path {
        [key] if dialect == Dialect::Npm => Some(("", folded(dialect, key))),
        [section, key] => Some((section, folded(dialect, key))),
        _ => None,
    }
}

/// The lines as one text, which ends in a line's end where the former one did.
fn joined(former: &str, lines: &[&str]) -> String {
    let end = line_end(former);
    let mut text = String::new();
    for line in lines {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str(end);
        }
        text.push_str(line);
    }
    if !former.is_empty() && !former.ends_with('\n') && text.ends_with(end) {
        text.truncate(text.len() - end.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::super::edit::{Format, apply, withdraw};
    use super::*;

    fn want(format: Format) -> Vec<Want> {
        match format {
            Format::Git => vec![Want::new(&["credential \"https://x\"", "helper"], json!(["", "!'/a b'"]))],
            Format::Pip => vec![Want::new(&["global", "keyring-provider"], "subprocess")],
            _ => vec![Want::new(&["//h/p/:_authToken"], "${T}")],
        }
    }

    #[rstest]
    #[case(
        Format::Git,
        "[credential \"https://x\"] # see [1]\n[a \"]\"] # b\n\tname = A # C \\\n[z]\n",
        "[credential \"https://x\"] # see [1]\n\thelper =\n\thelper = !'/a b'\n[a \"]\"] # b\n\tname = A # C \\\n[z]\n"
    )]
    #[case(
        Format::Git,
        "[a]\n\tname = A # C \\\n[credential \"https://x\"]\n[z]\n",
        "[a]\n\tname = A # C \\\n[credential \"https://x\"]\n\thelper =\n\thelper = !'/a b'\n[z]\n"
    )]
    #[case(Format::Git, "", "[credential \"https://x\"]\n\thelper =\n\thelper = !'/a b'\n")]
    #[case(
        Format::Git,
        "; c\n[Credential \"https://x\"]\n  Helper = \"a;b\" ; old\n\n[user]\n\tname = A \\\n [no]",
        "; c\n[Credential \"https://x\"]\n\thelper =\n\thelper = !'/a b'\n\n[user]\n\tname = A \\\n [no]"
    )]
    #[case(
        Format::Git,
        "[credential \"https://x\"]\r\n\tuseHttpPath = true\r\n\r\n[user]\r\n",
        "[credential \"https://x\"]\r\n\tuseHttpPath = true\r\n\thelper =\r\n\thelper = !'/a b'\r\n\r\n[user]\r\n"
    )]
    #[case(
        Format::Git,
        "[user]\n\tname = A",
        "[user]\n\tname = A\n[credential \"https://x\"]\n\thelper =\n\thelper = !'/a b'"
    )]
    #[case(
        Format::Pip,
        "[global]\nindex-url =\n    https://a\n    https://b\n[install]\nx = 1\n",
        "[global]\nindex-url =\n    https://a\n    https://b\nkeyring-provider = subprocess\n[install]\nx = 1\n"
    )]
    #[case(
        Format::Pip,
        "[global]\n  keyring-provider = auto\n  timeout = 60\n",
        "[global]\n  keyring-provider = subprocess\n  timeout = 60\n"
    )]
    #[case(
        Format::Pip,
        "  [global]\n  timeout =\n    60\n\n  [install]\n  x = 1\n",
        "  [global]\n  timeout =\n    60\n  keyring-provider = subprocess\n\n  [install]\n  x = 1\n"
    )]
    #[case(
        Format::Pip,
        "[global]\nindex-url =\n    https://a\n# c\n\n    https://b\n    # d\n",
        "[global]\nindex-url =\n    https://a\n# c\n\n    https://b\nkeyring-provider = subprocess\n    # d\n"
    )]
    #[case(
        Format::Pip,
        "[global]\nkeyring-provider = auto\n    # mine\n",
        "[global]\nkeyring-provider = subprocess\n    # mine\n"
    )]
    #[case(Format::Pip, "[global]\nKeyring_Provider: auto\n", "[global]\nkeyring-provider = subprocess\n")]
    #[case(Format::Npm, "\"//h/p/:_authToken\"=x\n", "//h/p/:_authToken=${T}\n")]
    #[case(Format::Npm, "  [s]\n//h/p/:_authToken = x\n", "  [s]\n//h/p/:_authToken=${T}\n")]
    #[case(Format::Npm, "a=b", "a=b\n//h/p/:_authToken=${T}")]
    #[case(Format::Npm, "; c\r\na = b\r\n", "; c\r\na = b\r\n//h/p/:_authToken=${T}\r\n")]
    fn lines_go_where_they_belong(#[case] format: Format, #[case] text: &str, #[case] expected: &str) {
        let (new, puts) = apply(format, text, &want(format)).unwrap();
        assert_eq!(new, expected);
        assert_eq!(apply(format, &new, &want(format)).unwrap().0, new, "a second time changes nothing");
        let (back, foreign) =
            withdraw(format, &new, &puts, |put, value| put.value.as_ref() == Some(value)).unwrap();
        assert!(foreign.is_empty());
        if puts[0].was.is_none() {
            assert_eq!(back, text);
        } else {
            assert_eq!(format.value(&back, &puts[0].path).unwrap(), puts[0].was);
        }
    }

    #[rstest]
    #[case(Format::Git, "[user]\n[oops\n", 2)]
    #[case(Format::Git, "[user] name = A\n", 1)]
    #[case(Format::Pip, "# c\nkey = 1\n", 2)]
    fn a_fault_has_a_place(#[case] format: Format, #[case] text: &str, #[case] place: usize) {
        let fault = apply(format, text, &want(format)).unwrap_err();
        assert!(matches!(fault, Fault::Syntax { line, .. } if line == place), "{fault:?}");
    }

    #[test]
    fn git_values_are_read_as_git_reads_them() {
        let text = "[a]\n\tb = \"x # y\" z ; c\n\tc = \"q\\\"\\\\\"\n";
        let read = |key: &str| Format::Git.value(text, &["a".to_owned(), key.to_owned()]).unwrap();
        assert_eq!(read("b"), Some("x # y z".into()));
        assert_eq!(read("c"), Some("q\"\\".into()));
        let text = "[a]\n\tb = \"!f() { \\\n  echo \\\"x\\\"; \\\r\n\t}; f\" # d\n";
        let value = Format::Git.value(text, &["a".to_owned(), "b".to_owned()]).unwrap();
        assert_eq!(value, Some("!f() {   echo \"x\"; \t}; f".into()));
    }
}

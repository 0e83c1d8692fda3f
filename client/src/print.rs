//! All writing: standard output and standard error, plain or on a terminal.
//!
//! Bytes go to the system in as few writes as it takes and past the standard library's buffer, which
//! would keep an unwiped copy of a token. Colour is for terminals and honours `NO_COLOR` (no-color.org). A
//! reader that closes the pipe ends the program quietly.

use std::io::ErrorKind;

use entra_proto::error::exit;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::platform::Outlet;
use crate::text::{plain, wrap};

/// Standard output or standard error, and how it may be written to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    outlet: Outlet,
    is_terminal: bool,
    has_colour: bool,
}

impl Stream {
    /// Standard output.
    pub(crate) fn output() -> Self {
        Self::of(Outlet::output())
    }

    /// Standard error.
    pub(crate) fn errors() -> Self {
        Self::of(Outlet::errors())
    }

    /// Standard output as if it were no terminal, for text that must not depend on it.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self { outlet: Outlet::output(), is_terminal: false, has_colour: false }
    }

    /// Standard output as if it were a terminal without colour.
    #[cfg(test)]
    pub(crate) fn monochrome() -> Self {
        Self { is_terminal: true, ..Self::plain() }
    }

    fn of(outlet: Outlet) -> Self {
        let is_terminal = outlet.is_terminal();
        let has_colour =
            is_terminal && may_colour(|name| std::env::var_os(name)) && outlet.obeys_escape_sequences();
        Self { outlet, is_terminal, has_colour }
    }

    /// Whether a person watches it.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Whether colour is wanted.
    pub(crate) fn has_colour(&self) -> bool {
        self.has_colour
    }

    /// Its width in characters: the terminal's, else 80.
    pub(crate) fn width(&self) -> usize {
        if self.is_terminal { self.outlet.width().unwrap_or(80) } else { 80 }
    }

    /// The text as lines with their ends: broken at spaces on a terminal, whole elsewhere, so that a program
    /// can read it. All begin after `indent` columns, and those that follow the first after two more.
    pub(crate) fn flow(&self, indent: usize, text: &str) -> String {
        if !self.is_terminal {
            return format!("{:indent$}{text}\n", "");
        }
        let lines = wrap(text, self.width().saturating_sub(indent + 2));
        let indented = lines.iter().enumerate().map(|(number, line)| {
            let indent = if number == 0 { indent } else { indent + 2 };
            format!("{:indent$}{line}\n", "")
        });
        indented.collect()
    }

    /// Writes all of it.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        self.outlet.write_all(bytes).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Failure::reader_gone(),
            _ => Failure::new(exit::INTERNAL, "output_failed", "The output could not be written.")
                .because(&error),
        })
    }

    /// The text in bold, where there is colour.
    pub(crate) fn bold(&self, text: &str) -> String {
        self.painted("1", text)
    }

    /// The text dimmed, where there is colour.
    pub(crate) fn dim(&self, text: &str) -> String {
        self.painted("2", text)
    }

    /// The text in bold red, where there is colour.
    pub(crate) fn alarm(&self, text: &str) -> String {
        self.painted("1;31", text)
    }

    /// The text in bold yellow, where there is colour.
    pub(crate) fn caution(&self, text: &str) -> String {
        self.painted("1;33", text)
    }

    /// The text in bold green, where there is colour.
    pub(crate) fn success(&self, text: &str) -> String {
        self.painted("1;32", text)
    }

    fn painted(&self, style: &str, text: &str) -> String {
        if self.has_colour { format!("\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Writes bytes to standard output without asking what it is, which would cost a system call.
pub(crate) fn write_output(bytes: &[u8]) -> Result<(), Failure> {
    Stream { outlet: Outlet::output(), is_terminal: false, has_colour: false }.write(bytes)
}

/// Prints one object on one line of standard output. `room` is the expected size in bytes: text that fits is
/// never moved while it is built, which would leave an unwiped copy behind.
pub(crate) fn write_json(value: &impl Serialize, room: usize) -> Result<(), Failure> {
    write_output(&json_line(value, room)?)
}

/// The token, if it can stand in a header and on a line of its own: no spaces and no control characters (RFC 6750 §2.1).
/// One that could not would let whoever issued it write further lines.
pub(crate) fn sendable(token: &str) -> Result<&str, Failure> {
    if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(token);
    }
    Err(Failure::new(exit::INTERNAL, "foreign_answer", "entrad's answer holds no token that can be sent.")
        .hint("A token has no spaces and no control characters (RFC 6750 section 2.1); `entra token --output json` shows what came."))
}

/// Prints a sentence with a heading on standard error: `Warning: …`. A warning that nobody can read is no
/// reason to stop.
pub(crate) fn warn(sentence: &str) {
    let stream = Stream::errors();
    let warning = stream.flow(0, &format!("{} {}", stream.caution("Warning:"), plain(sentence)));
    let _ = stream.write(warning.as_bytes());
}

/// Prints a sentence on standard error that helps and is no warning.
pub(crate) fn note(sentence: &str) {
    let stream = Stream::errors();
    let note = stream.flow(0, &format!("{} {}", stream.bold("Hint:"), plain(sentence)));
    let _ = stream.write(note.as_bytes());
}

fn json_line(value: &impl Serialize, room: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut line = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer(&mut *line, value).map_err(|error| {
        Failure::new(exit::INTERNAL, "output_failed", "The answer cannot be written as JSON.").because(&error)
    })?;
    // JSON escapes the controls below space only. The others appear in strings alone, so escaping them
    // anywhere keeps the meaning.
    if line.iter().any(|&byte| byte >= 0x7f) {
        line = escape_high_controls(&line);
    }
    line.push(b'\n');
    Ok(line)
}

fn escape_high_controls(line: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut escaped = Zeroizing::new(Vec::with_capacity(line.len() * 6 + 1));
    for c in String::from_utf8_lossy(line).chars() {
        if c.is_control() {
            escaped.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
        } else {
            escaped.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    escaped
}

fn may_colour(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> bool {
    variable("NO_COLOR").is_none_or(|value| value.is_empty())
        && variable("TERM").is_none_or(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn json_is_one_line_that_no_terminal_obeys() {
        let value = serde_json::json!({ "text": "a\u{1b}[2J\u{9b}2J\u{7f}\u{fc}\n" });
        let line = json_line(&value, 64).unwrap();
        let text = std::str::from_utf8(&line).unwrap();
        assert_eq!(text, "{\"text\":\"a\\u001b[2J\\u009b2J\\u007f\u{fc}\\n\"}\n");
        assert_eq!(serde_json::from_str::<serde_json::Value>(text).unwrap(), value);
    }

    #[test]
    fn only_a_token_of_one_word_is_sent() {
        assert_eq!(sendable("ey.J'x=").unwrap(), "ey.J'x=");
        for token in ["", "a b", "a\r\nX-Injected: 1", "t\u{f6}ken", "a\u{7f}"] {
            assert_eq!(sendable(token).unwrap_err().exit(), exit::INTERNAL, "{token:?}");
        }
    }

    #[test]
    fn colour_is_for_terminals_that_want_it() {
        let with = |pairs: &'static [(&str, &str)]| {
            may_colour(move |name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
            })
        };
        assert!(with(&[("TERM", "xterm")]));
        assert!(with(&[("NO_COLOR", "")]));
        assert!(!with(&[("NO_COLOR", "1")]));
        assert!(!with(&[("TERM", "dumb")]));
        assert_eq!(Stream::monochrome().bold("x"), "x");
    }

    #[test]
    fn text_flows_on_a_terminal_alone() {
        let text = format!("{} end", "word ".repeat(20).trim());
        assert_eq!(Stream::plain().flow(2, &text), format!("  {text}\n"));
        let flowed = Stream::monochrome().flow(2, &text);
        assert_eq!(flowed.lines().count(), 2, "{flowed}");
        assert!(
            flowed.starts_with("  word") && flowed.ends_with("\n    word word word word word end\n"),
            "{flowed}"
        );
    }
}

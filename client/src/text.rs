//! Text from elsewhere made safe to show, and text laid out for a terminal.
//!
//! What the daemon relays was written by Entra, by a tenant or by a person. On a terminal it could move the
//! cursor, hide words or forge ours, so each such string passes [`plain`] before it is printed.

use std::borrow::Cow;

/// The text without escape sequences, control characters and invisible direction marks, on one line.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => match rest.next() {
                Some('[') => skip_control_sequence(&mut rest),
                Some(']' | 'P' | 'X' | '^' | '_') => skip_control_string(&mut rest),
                _ => {}
            },
            '\u{9b}' => skip_control_sequence(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_control_string(&mut rest),
            '\n' | '\r' | '\t' => {
                if !shown.ends_with(' ') {
                    shown.push(' ');
                }
            }
            c if c.is_control() || is_invisible_mark(c) => {}
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Breaks the text at spaces into lines of at most `width` characters. A longer word stands alone and whole,
/// so that an address can still be copied. Our own colours take no width.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut filled = 0;
    for word in text.split_whitespace() {
        let long = shown_width(word);
        match lines.last_mut() {
            Some(line) if filled + 1 + long <= width => {
                line.push(' ');
                line.push_str(word);
                filled += 1 + long;
            }
            _ => {
                lines.push(word.to_owned());
                filled = long;
            }
        }
    }
    lines
}

fn shown_width(word: &str) -> usize {
    let mut rest = word.chars().peekable();
    let mut width = 0;
    while let Some(c) = rest.next() {
        if c == '\u{1b}' && rest.next_if_eq(&'[').is_some() {
            skip_control_sequence(&mut rest);
        } else {
            width += 1;
        }
    }
    width
}

/// Whether the text is a GUID, as Entra writes the id of an app registration or tenant.
pub(crate) fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Skips the rest of a control sequence: up to its final byte (ECMA-48 §5.4).
fn skip_control_sequence(rest: &mut impl Iterator<Item = char>) {
    let _ = rest.find(|c| !('\u{20}'..='\u{3f}').contains(c));
}

/// Skips the rest of a control string: up to BEL or the string terminator (ECMA-48 §5.6). One without an
/// end takes the remaining text with it, as it would on the terminal.
fn skip_control_string(rest: &mut std::iter::Peekable<impl Iterator<Item = char>>) {
    while let Some(c) = rest.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                let _ = rest.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

/// Marks that reorder or hide text (Unicode TR 36 §2.5): direction marks, zero-width ones, line separators.
fn is_invisible_mark(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("nothing to do", "nothing to do")]
    #[case("gr\u{fc}n", "gr\u{fc}n")]
    #[case("a\u{1b}[31;1mred\u{1b}[0m b", "ared b")]
    #[case("\u{1b}]0;a title\u{7}after", "after")]
    #[case("\u{1b}]52;c;QQ==\u{1b}\\after", "after")]
    #[case("\u{9b}2Jcleared\u{9d}52;c;x\u{9c}.", "cleared.")]
    #[case("two\r\nlines\tand", "two lines and")]
    #[case("bell\u{7} back\u{8}space \u{7f}", "bell backspace ")]
    #[case("moc.\u{202e}live\u{200b}", "moc.live")]
    #[case("cut\u{1b}]off for good", "cut")]
    #[case("lone\u{1b}", "lone")]
    fn nothing_that_moves_a_cursor_survives(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(plain(text), shown);
    }

    #[test]
    fn lines_break_at_spaces_only() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a https://a.very.long/address b", 8), ["a", "https://a.very.long/address", "b"]);
        assert_eq!(wrap("\u{1b}[1;31mone\u{1b}[0m two three", 7).len(), 2);
        assert!(wrap("  ", 8).is_empty());
    }

    #[rstest]
    #[case("04b07795-8ddb-461a-bbee-02f9e1bf7b46", true)]
    #[case("04B07795-8DDB-461A-BBEE-02F9E1BF7B46", true)]
    #[case("04b07795-8ddb-461a-bbee-02f9e1bf7b4", false)]
    #[case("04b077958ddb461abbee02f9e1bf7b46", false)]
    #[case("g4b07795-8ddb-461a-bbee-02f9e1bf7b46", false)]
    #[case("", false)]
    fn guids_are_told_from_other_text(#[case] text: &str, #[case] is: bool) {
        assert_eq!(is_guid(text), is);
    }
}

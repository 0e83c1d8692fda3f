//! Text from outside, made fit to be shown in a terminal and a log line.

/// The text without escape sequences, control characters and marks that reorder it, white space runs folded
/// into single spaces, cut at a character to at most `limit` bytes.
pub(super) fn plain(text: &str, limit: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(limit));
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let char = match char {
            '\u{1b}' => {
                skip_escape(&mut chars);
                continue;
            }
            '\u{9b}' => {
                skip_control_sequence(&mut chars);
                continue;
            }
            char if char.is_whitespace() => ' ',
            char if char.is_control() || is_reordering(char) => continue,
            char => char,
        };
        if char == ' ' && (kept.is_empty() || kept.ends_with(' ')) {
            continue;
        }
        if kept.len() + char.len_utf8() > limit {
            break;
        }
        kept.push(char);
    }
    kept.truncate(kept.trim_end().len());
    kept
}

/// What follows `ESC`: a control sequence, an operating system command, or one character (ECMA-48 §5.3-5.6).
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_control_sequence(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            for char in chars.by_ref() {
                if matches!(char, '\u{7}' | '\u{1b}' | '\u{9c}') {
                    break;
                }
            }
        }
        Some(_) => {
            chars.next();
        }
        None => {}
    }
}

/// Parameters and intermediates up to the final byte (ECMA-48 §5.4).
fn skip_control_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while chars.next_if(|char| ('\u{20}'..='\u{3f}').contains(char)).is_some() {}
    chars.next_if(|char| ('\u{40}'..='\u{7e}').contains(char));
}

/// Bidirectional controls and invisible marks, with which a text can show something other than it says.
fn is_reordering(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("AADSTS50076: x.\r\nTrace ID: 1", "AADSTS50076: x. Trace ID: 1")]
    #[case("\u{1b}[31mred\u{1b}[0m", "red")]
    #[case("\u{1b}]0;title\u{7}after", "after")]
    #[case("\u{9b}2Jafter", "after")]
    #[case("a\u{1b}", "a")]
    #[case("a\u{1b}cb", "ab")]
    #[case("a\u{202e}b\u{0}c\u{8}", "abc")]
    #[case("  a \t\n b  ", "a b")]
    #[case("größe", "größe")]
    fn only_plain_text_stays(#[case] text: &str, #[case] kept: &str) {
        assert_eq!(plain(text, 100), kept);
    }

    #[test]
    fn the_cut_is_between_characters() {
        assert_eq!(plain("ääää", 5), "ää");
        assert_eq!(plain("abc", 0), "");
    }

    proptest::proptest! {
        #[test]
        fn any_text_becomes_plain_and_short(text in ".*", limit in 0_usize..64) {
            let kept = plain(&text, limit);
            proptest::prop_assert!(kept.len() <= limit);
            proptest::prop_assert!(!kept.chars().any(|char| char.is_control() || is_reordering(char)));
        }
    }
}

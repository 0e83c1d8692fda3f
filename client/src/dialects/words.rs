//! The options of a command line, read as argparse and cobra read them: in any order, a value apart or joined.
//!
//! Only words that are known for sure are taken. Anything else is no reading at all, so that the whole line can be left to
//! the program that knows it: half an understanding would answer another question than was asked.

use std::ffi::OsString;

/// An option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// What it is called here.
    pub(crate) name: &'static str,
    /// How it is written, dashes and all.
    pub(crate) spellings: &'static [&'static str],
    /// What follows it.
    pub(crate) takes: Takes,
}

/// What follows an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// One value or more, up to the next option.
    Many,
    /// Nothing.
    Nothing,
    /// One value.
    One,
}

/// An option as it was given, with its values.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Given<'a> {
    /// Its [`Known::name`].
    pub(crate) name: &'static str,
    /// One value or more, unless it takes nothing.
    pub(crate) values: Vec<&'a str>,
}

/// The words as text; `None` where one is not Unicode, which no word of ours is.
pub(crate) fn texts(words: &[OsString]) -> Option<Vec<&str>> {
    words.iter().map(|word| word.to_str()).collect()
}

/// The options in their order; `None` where a word is unknown or a value is missing.
pub(crate) fn read<'a>(words: &[&'a str], known: &[Known]) -> Option<Vec<Given<'a>>> {
    let mut rest = words.iter().copied().peekable();
    let mut read = Vec::new();
    while let Some(word) = rest.next() {
        let (spelling, joined) = split(word);
        let option = known.iter().find(|known| known.spellings.contains(&spelling))?;
        let mut values: Vec<&str> = joined.into_iter().collect();
        match option.takes {
            Takes::Nothing if joined.is_some() => return None,
            Takes::Nothing => {}
            Takes::One if joined.is_some() => {}
            Takes::One => values.push(rest.next_if(|next| is_value(next))?),
            Takes::Many if joined.is_some() => {}
            Takes::Many => {
                while let Some(value) = rest.next_if(|next| is_value(next)) {
                    values.push(value);
                }
            }
        }
        if values.is_empty() && option.takes != Takes::Nothing {
            return None;
        }
        read.push(Given { name: option.name, values });
    }
    Some(read)
}

/// `--long=value`, `-s=value` and `-svalue` into the option and its value.
fn split(word: &str) -> (&str, Option<&str>) {
    if let Some((spelling, value)) = word.split_once('=') {
        return (spelling, Some(value));
    }
    match word.as_bytes() {
        [b'-', letter, _, ..] if letter.is_ascii_alphabetic() => {
            let (spelling, value) = word.split_at(2);
            (spelling, Some(value))
        }
        _ => (word, None),
    }
}

fn is_value(word: &str) -> bool {
    !word.starts_with('-')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const KNOWN: &[Known] = &[
        Known { name: "output", spellings: &["--output", "-o"], takes: Takes::One },
        Known { name: "quiet", spellings: &["--quiet", "-q"], takes: Takes::Nothing },
        Known { name: "scope", spellings: &["--scope"], takes: Takes::Many },
    ];

    fn flat(line: &str) -> Option<String> {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let given = read(&words, KNOWN)?;
        let shown = given.iter().map(|given| format!("{}:{}", given.name, given.values.join(",")));
        Some(shown.collect::<Vec<_>>().join(" "))
    }

    #[rstest]
    #[case("", "")]
    #[case("--output json", "output:json")]
    #[case("--output=json", "output:json")]
    #[case("-o json", "output:json")]
    #[case("-o=json", "output:json")]
    #[case("-ojson", "output:json")]
    #[case("--output=", "output:")]
    #[case("--scope a b --quiet --scope c", "scope:a,b quiet: scope:c")]
    #[case("--scope=a=b", "scope:a=b")]
    #[case("-q -o tsv", "quiet: output:tsv")]
    fn options_are_read_in_each_spelling(#[case] line: &str, #[case] read: &str) {
        assert_eq!(flat(line).as_deref(), Some(read));
    }

    #[rstest]
    #[case("--outpu json")]
    #[case("--unknown")]
    #[case("-x")]
    #[case("-qo json")]
    #[case("--quiet=yes")]
    #[case("-o")]
    #[case("-o -q")]
    #[case("--scope")]
    #[case("--scope --quiet")]
    #[case("json")]
    #[case("--scope=a b")]
    #[case("--")]
    #[case("-")]
    #[case("--output json json")]
    #[case("-\u{f6}x")]
    fn what_is_not_known_for_sure_is_not_read(#[case] line: &str) {
        assert_eq!(flat(line), None);
    }
}

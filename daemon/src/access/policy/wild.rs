//! Patterns: `*` is any text and `?` one character. In a path neither crosses a separator; a part that is `**` is any number of
//! folders.
//!
//! A caller chooses the path that it runs from, and must not choose with it how long a match takes: a pattern goes back to its
//! last star alone, so each of its characters meets each of the path's at most once.

use std::path::{MAIN_SEPARATOR, Path, is_separator};

/// A pattern for text that is no path. Capitals make no difference, as they make none to Entra.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(String);

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(super) fn fits(&self, text: &str) -> bool {
        fits(&self.0, text, true)
    }

    /// Whether a text that begins so could fit.
    pub(super) fn may_fit_behind(&self, beginning: &str) -> bool {
        let pattern: Vec<char> = self.0.chars().collect();
        // Where in the pattern one may be by now: a star stays where it is, and is passed by for nothing.
        let passed_by = |mut at: Vec<bool>| {
            for (place, one) in pattern.iter().enumerate() {
                at[place + 1] |= at[place] && *one == '*';
            }
            at
        };
        let begun = passed_by((0..=pattern.len()).map(|place| place == 0).collect());
        let end = beginning.chars().fold(begun, |at, letter| {
            let mut next = vec![false; at.len()];
            for (place, one) in pattern.iter().enumerate().filter(|(place, _)| at[*place]) {
                match one {
                    '*' => next[place] = true,
                    '?' => next[place + 1] = true,
                    one => next[place + 1] |= one.eq_ignore_ascii_case(&letter),
                }
            }
            passed_by(next)
        });
        end.contains(&true)
    }
}

/// A pattern for paths from the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathPattern(String);

impl PathPattern {
    /// Nothing where it is no path from the root and does not begin with `**` either.
    pub(super) fn new(text: &str) -> Option<Self> {
        (is_from_root(text) || is_anywhere(text)).then(|| Self(text.to_owned()))
    }

    /// Whether it says nothing of the folder, so that whoever names a file so has one that fits.
    pub(super) fn is_anywhere(&self) -> bool {
        is_anywhere(&self.0)
    }

    /// The last part, up to its first wild character.
    pub(super) fn name(&self) -> &str {
        let last = self.0.rsplit(is_separator).next().unwrap_or_default();
        last.split(['*', '?']).next().unwrap_or_default()
    }

    /// Nothing where the path is no text, and cannot be told.
    pub(super) fn fits(&self, path: &Path) -> Option<bool> {
        let parts: Vec<&str> = path.to_str()?.split(is_separator).collect();
        let pattern: Vec<&str> = self.0.split(is_separator).collect();
        Some(wild(&pattern, &parts, |part| *part == FOLDERS, |part, text| fits(part, text, IGNORES_CASE)))
    }
}

/// Of either kind of system: rules may be checked on another one than that they are for.
fn is_from_root(text: &str) -> bool {
    let mut bytes = text.bytes();
    let is_of_drive = matches!(
        (bytes.next(), bytes.next(), bytes.next()),
        (Some(letter), Some(b':'), Some(b'\\' | b'/')) if letter.is_ascii_alphabetic()
    );
    text.starts_with(['/', '\\']) || is_of_drive
}

fn is_anywhere(text: &str) -> bool {
    text.split(['/', '\\']).next() == Some(FOLDERS)
}

fn fits(pattern: &str, text: &str, ignores_case: bool) -> bool {
    let is_same = |one: char, other: char| one == other || ignores_case && one.eq_ignore_ascii_case(&other);
    if !pattern.contains(['*', '?']) {
        let mut letters = text.chars();
        return pattern.chars().all(|one| letters.next().is_some_and(|other| is_same(one, other)))
            && letters.next().is_none();
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    wild(&pattern, &text, |one| *one == '*', |one, other| *one == '?' || is_same(*one, *other))
}

/// Whether `text` fits `pattern`, of which some parts are any number of parts.
fn wild<P, T>(pattern: &[P], text: &[T], is_any: impl Fn(&P) -> bool, fits: impl Fn(&P, &T) -> bool) -> bool {
    let (mut at, mut of) = (0, 0);
    // Behind the last part that is any number, and where in the text that number ends.
    let mut back: Option<(usize, usize)> = None;
    while of < text.len() {
        match pattern.get(at) {
            Some(part) if is_any(part) => {
                at += 1;
                back = Some((at, of));
            }
            Some(part) if fits(part, &text[of]) => (at, of) = (at + 1, of + 1),
            _ => {
                let Some((behind, end)) = back else { return false };
                (at, of) = (behind, end + 1);
                back = Some((at, of));
            }
        }
    }
    pattern[at..].iter().all(is_any)
}

/// A part of a path that is any number of them.
const FOLDERS: &str = "**";

/// Where paths have backslashes, capitals make no difference.
const IGNORES_CASE: bool = MAIN_SEPARATOR == '\\';

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/usr/bin/git", "/usr/bin/git", true)]
    #[case("/usr/bin/git", "/usr/bin/git2", false)]
    #[case("/usr/bin/*", "/usr/bin/git", true)]
    #[case("/usr/bin/*", "/usr/bin/a/git", false)]
    #[case("/usr/*/git", "/usr/bin/git", true)]
    #[case("/usr/bin/g?t", "/usr/bin/g\u{e4}t", true)]
    #[case("/usr/bin/g?t", "/usr/bin/g/t", false)]
    #[case("/opt/**", "/opt/a/b", true)]
    #[case("/opt/**", "/optional", false)]
    #[case("/opt/**/git", "/opt/git", true)]
    #[case("/opt/**/git", "/opt/a/b/git", true)]
    #[case("/opt/**/git", "/opt/a/b/git/x", false)]
    #[case("/opt/**/x/**/git", "/opt/x/x/y/git", true)]
    #[case("**/git", "/home/ada/bin/git", true)]
    #[case("/opt/a**", "/opt/ab", true)]
    #[case("/opt/a**", "/opt/a/b", false)]
    fn a_path_fits_or_does_not(#[case] pattern: &str, #[case] path: &str, #[case] expected: bool) {
        assert_eq!(PathPattern::new(pattern).unwrap().fits(Path::new(path)), Some(expected));
    }

    #[test]
    fn a_path_is_from_the_root() {
        for good in ["/a", "C:\\a", "c:/a", "\\\\server\\share", "**/a"] {
            assert!(PathPattern::new(good).is_some(), "{good}");
        }
        for bad in ["git", "~/git", "./git", "*/git", "C:git", "***/git"] {
            assert!(PathPattern::new(bad).is_none(), "{bad}");
        }
        assert!(PathPattern::new("**/a").unwrap().is_anywhere());
        assert_eq!(PathPattern::new("/usr/bin/python*").unwrap().name(), "python");
    }

    #[rstest]
    #[case("*@contoso.example", "Ada@Contoso.example", true)]
    #[case("*@contoso.example", "ada@contoso.example.evil", false)]
    #[case("a*b*c", "a/b//c", true)]
    #[case("*", "", true)]
    #[case("?", "", false)]
    fn text_has_no_separators(#[case] pattern: &str, #[case] text: &str, #[case] expected: bool) {
        assert_eq!(Pattern::new(pattern).fits(text), expected);
    }

    #[rstest]
    #[case("https://graph.microsoft.com/Mail.*", "https://graph.microsoft.com/", true)]
    #[case("https://graph.microsoft.com/Mail.*", "https://ai.azure.com/", false)]
    #[case("*/Mail.Read", "https://ai.azure.com/", true)]
    #[case("*/Mail.Read", "", true)]
    #[case("api://?/read", "API://x/", true)]
    #[case("api://x", "api://x/", false)]
    fn what_begins_so_may_fit_or_cannot(
        #[case] pattern: &str,
        #[case] beginning: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(Pattern::new(pattern).may_fit_behind(beginning), expected);
    }

    #[test]
    fn no_path_makes_a_match_long() {
        let pattern = PathPattern::new(&format!("/{}b", "*a".repeat(400))).unwrap();
        let deep = PathPattern::new(&format!("{}/b", "/**/a*a".repeat(100))).unwrap();
        let path = format!("/{}/{}", "a".repeat(2000), "a/".repeat(1000));
        let begun = Instant::now();
        assert_eq!(pattern.fits(Path::new(&path)), Some(false));
        assert_eq!(deep.fits(Path::new(&path)), Some(false));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    /// As it is defined, whatever it costs.
    fn plainly(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|at| plainly(rest, &text[at..])),
            Some((one, rest)) => text
                .split_first()
                .is_some_and(|(other, text)| (*one == '?' || one == other) && plainly(rest, text)),
        }
    }

    proptest! {
        #[test]
        fn it_is_what_its_definition_says(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let letters = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(fits(&pattern, &text, false), plainly(&letters(&pattern), &letters(&text)));
        }
    }
}

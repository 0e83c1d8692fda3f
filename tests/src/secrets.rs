//! Finds secrets in text: by the mark that the simulator puts into each, by the words that tests use as passphrases and passwords
//! (`tests/secrets.txt`), and by the shapes that Entra's, Microsoft's and our own secrets have.

use entra_sim::SECRET_MARK;

/// Something that is in no log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Find {
    /// What it is.
    pub what: &'static str,
    /// The line, from 1.
    pub line: usize,
    /// The line's text before its first secret, so that it can be found and none is repeated.
    pub before: String,
}

/// Everything in the bytes that looks like a secret, each line's first of a kind.
#[must_use]
pub fn find(bytes: &[u8]) -> Vec<Find> {
    let text = String::from_utf8_lossy(bytes);
    let mut finds = Vec::new();
    for (line, text) in text.lines().enumerate() {
        let found: Vec<_> = KINDS.iter().filter_map(|(what, seek)| Some((*what, seek(text)?))).collect();
        let Some(first) = found.iter().map(|(_, at)| *at).min() else { continue };
        let before = &text[..first];
        let start = before.char_indices().rev().nth(SHOWN - 1).map_or(0, |(at, _)| at);
        let before = &before[start..];
        finds.extend(found.iter().map(|(what, _)| Find { what, line: line + 1, before: before.to_owned() }));
    }
    finds
}

/// Where in a line it begins, if it is there.
type Seek = fn(&str) -> Option<usize>;

const KINDS: [(&str, Seek); 8] = [
    ("a secret of the simulator", |line| line.find(SECRET_MARK).or_else(|| encoded_mark(line))),
    ("a passphrase or a password of the tests", |line| words().find_map(|word| line.find(word))),
    ("a JSON Web Token", json_web_token),
    ("a refresh token or an authorization code", |line| {
        ["0.A", "1.A", "M.C"].iter().find_map(|start| run_after(line, start, 60))
    }),
    ("an opaque access token", |line| run_after(line, "EwB", 100)),
    ("a lease's secret", |line| run_after(line, "entra_lease_", 40)),
    ("a bearer token", |line| run_after(line, "Bearer ", 20)),
    ("a password in an address", password_in_address),
];

/// How much of a line is shown before a find.
const SHOWN: usize = 60;

fn words() -> impl Iterator<Item = &'static str> {
    include_str!("../secrets.txt").lines().filter(|word| !word.is_empty())
}

/// The mark in base64, wherever it stood in what was encoded, and as Rust prints bytes.
fn encoded_mark(line: &str) -> Option<usize> {
    // "entraSECRET_" behind no, one and two bytes, without the characters that its neighbours share.
    let base64 = ["ZW50cmFTRUNSRVRf", "VudHJhU0VDUkVUX", "lbnRyYVNFQ1JFVF"];
    let numbers = "101, 110, 116, 114, 97, 83, 69, 67, 82, 69, 84, 95";
    base64.iter().chain(&[numbers]).find_map(|part| line.find(part))
}

fn json_web_token(line: &str) -> Option<usize> {
    line.match_indices("eyJ").map(|(at, _)| at).find(|at| {
        let mut parts = line[*at..].splitn(3, '.');
        let mut is_long = |least| parts.next().is_some_and(|part| length_of_run(part) >= least);
        // The head ends at the dot, and the claims are a JSON object.
        let head = line[*at..].split('.').next().unwrap_or_default();
        length_of_run(head) == head.len() && is_long(10) && is_long(10)
    })
}

/// `start` at the beginning of a word, and so many characters of base64url or more right after it.
fn run_after(line: &str, start: &str, least: usize) -> Option<usize> {
    let is_word_start = |at: usize| !line[..at].ends_with(|char: char| char.is_ascii_alphanumeric());
    line.match_indices(start)
        .map(|(at, _)| at)
        .find(|at| is_word_start(*at) && length_of_run(&line[at + start.len()..]) >= least)
}

fn length_of_run(text: &str) -> usize {
    let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.as_bytes().iter().take_while(|byte| is_base64url(byte)).count()
}

/// `scheme://user:password@`, unless stars or dots stand for the password, or these very words for any.
fn password_in_address(line: &str) -> Option<usize> {
    line.match_indices("://").map(|(at, _)| at).find(|at| {
        let rest = &line[at + 3..];
        let end =
            rest.find(|char: char| char.is_whitespace() || "/\"'<>`?#".contains(char)).unwrap_or(rest.len());
        let user = rest[..end].rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
        user.filter(|words| *words != ("user", "password")).is_some_and(|(_, word)| {
            !word.is_empty() && !word.chars().all(|char| "*.\u{2026}x".contains(char))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<&'static str> {
        find(text.as_bytes()).into_iter().map(|find| find.what).collect()
    }

    #[test]
    fn each_kind_is_found() {
        let run = "aB3-_".repeat(30);
        for (text, what) in [
            (format!("token=1.Axx{SECRET_MARK}yy"), "a secret of the simulator"),
            (
                "unlocked by correct horse battery staple.".to_owned(),
                "a passphrase or a password of the tests",
            ),
            ("saw eyJhbGciOiJub25lIn0.eyJzdWIiOiJtYXJrIn0.c2ln".to_owned(), "a JSON Web Token"),
            (format!("\"0.A{run}\""), "a refresh token or an authorization code"),
            (format!("EwB{run}"), "an opaque access token"),
            (format!("entra_lease_0123456789ab_{}", "0f".repeat(32)), "a lease's secret"),
            ("Authorization: Bearer abcdefghijklmnopqrst".to_owned(), "a bearer token"),
            ("by http://ada:word@proxy.example:3128".to_owned(), "a password in an address"),
        ] {
            assert_eq!(kinds(&text), [what], "{text}");
        }
    }

    #[test]
    fn the_mark_is_found_in_base64_wherever_it_stood() {
        for encoded in ["ZW50cmFTRUNSRVRfeHl6", "eGVudHJhU0VDUkVUX3h5", "eHhlbnRyYVNFQ1JFVF94"] {
            assert_eq!(kinds(encoded), ["a secret of the simulator"], "{encoded}");
        }
    }

    #[test]
    fn the_mark_is_found_in_a_debug_print_of_bytes() {
        let bytes = format!("1.A{SECRET_MARK}xyz").into_bytes();
        assert_eq!(kinds(&format!("body: {bytes:?}")), ["a secret of the simulator"]);
    }

    #[test]
    fn what_only_looks_a_little_like_it_is_not() {
        for text in [
            "version 1.Apple and 0.A",
            "eyJ is how such a token begins: eyJ0.e30",
            "http://127.0.0.1:8080/t/oauth2/v2.0/token",
            "https://ada@example.com/",
            "http://ada:***@proxy.example:3128",
            "it is not of the form http://user:password@host:port",
            "Bearer",
            "process 42 on /run/user/7/entrad/entrad.sock",
            "11111111-2222-3333-4444-000000000001.99999999-8888-7777-6666-555555555555",
        ] {
            assert_eq!(kinds(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn a_find_says_where_and_does_not_repeat_it() {
        let finds = find(format!("well\ncode: {SECRET_MARK}more\n").as_bytes());
        let [Find { line: 2, before, .. }] = &finds[..] else { panic!("{finds:?}") };
        assert_eq!(before, "code: ");
    }

    #[test]
    fn no_find_repeats_another() {
        let finds = find(format!("sent Bearer abcdefghijklmnopqrst, got {SECRET_MARK}").as_bytes());
        assert_eq!(finds.len(), 2, "{finds:?}");
        assert!(finds.iter().all(|find| find.before == "sent "), "{finds:?}");
    }
}

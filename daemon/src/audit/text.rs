//! What may stand in an entry: bounded, without control characters, and nothing that looks like a token.
//!
//! Secrets have types that no entry takes. This is the second wall: a caller may put anything into a request's text, a token
//! too, and what a request says is written down.

use entra_proto::log::{LogCaller, LogEntry};

/// Makes the entry one that may be written. Doing it twice is as good as once.
pub(super) fn bound(entry: &mut LogEntry) {
    entry.scopes.truncate(MOST_SCOPES);
    entry.scopes.iter_mut().for_each(|scope| clean(scope, LONGEST_SCOPE));
    let LogEntry {
        lease, agent, profile, account, tenant, resource, uti, correlation_id, rule, detail, ..
    } = entry;
    let texts = [lease, agent, profile, account, tenant, resource, uti, correlation_id, rule, detail];
    texts.into_iter().flatten().for_each(|text| clean(text, LONGEST));
    if let Some(LogCaller { program, behind, became, user, .. }) = &mut entry.caller {
        [program, behind, became, user].into_iter().flatten().for_each(|text| clean(text, LONGEST));
    }
}

/// Takes out of a text what it may not hold, and cuts it to so many bytes.
fn clean(text: &mut String, longest: usize) {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if is_plain && text.len() <= SHORT && !text.contains(LEASE_SECRET) && !text.contains(JSON_OBJECT) {
        return;
    }
    let plain: String = text.chars().filter(|char| !char.is_control()).collect();
    let mut kept = String::new();
    for word in plain.split_inclusive(|char: char| !is_of_token(char)) {
        if kept.len() >= longest {
            break;
        }
        // Judged as a whole, and cut after that: the first part of a token would pass for a word.
        let run = word.trim_end_matches(|char: char| !is_of_token(char));
        if run.len() > SHORT || run.contains(LEASE_SECRET) || run.contains(JSON_OBJECT) {
            kept.push_str(LEFT_OUT);
            kept.push_str(&word[run.len()..]);
        } else {
            kept.push_str(word);
        }
    }
    kept.truncate(kept.floor_char_boundary(longest));
    *text = kept;
}

/// The letters of JSON Web Tokens, refresh tokens and leases' secrets.
fn is_of_token(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.' | '~' | '+' | '=')
}

/// No name, id (73 for an account) or host of a resource is a longer word, and every token is.
const SHORT: usize = 100;

/// Bytes of a text, which escapes may double: paths may be longer, and say enough by then.
const LONGEST: usize = 512;

/// Bytes of a scope: all that a request may name fit a line.
const LONGEST_SCOPE: usize = 256;

/// How the secret of a lease begins.
const LEASE_SECRET: &str = "entra_lease_";

/// How a JSON Web Token begins, and each part of it: `{"` in base64url. No name has these letters so.
const JSON_OBJECT: &str = "eyJ";

/// As many as a request may name.
const MOST_SCOPES: usize = entra_proto::limits::MAX_SCOPES;

const LEFT_OUT: &str = "[left out]";

#[cfg(test)]
mod tests {
    use entra_proto::log::LogEvent;

    use super::super::event::Event;
    use super::super::line::{Head, MAX_LINE, link};
    use super::*;

    fn written(text: &str) -> String {
        let mut text = text.to_owned();
        clean(&mut text, LONGEST);
        text
    }

    #[test]
    fn what_looks_like_a_token_is_left_out() {
        let token = format!("eyJ0{}.{}.sig", "a".repeat(60), "b".repeat(60));
        let secret = format!("entra_lease_0a1b2c3d4e5f_{}", "0".repeat(64));
        assert_eq!(written(&format!("https://a.example/{token}/x")), "https://a.example/[left out]/x");
        assert_eq!(written(&secret), LEFT_OUT);
        assert_eq!(written(&format!("to lease={secret}, now")), "to [left out], now");
        assert_eq!(written("for eyJhbGciOiJub25lIn0.e30. of ada"), "for [left out] of ada");
        assert_eq!(written("a\u{1b}[2J\nb"), "a[2Jb");
        for plain in ["https://cognitiveservices.azure.com/.default", "Gr\u{f6}\u{df}e", ""] {
            assert_eq!(written(plain), plain);
        }
    }

    #[test]
    fn a_token_that_would_be_cut_is_left_out_all_the_same() {
        let (before, token) = ("ab ".repeat(160), "0.AXoA".repeat(50));
        let text = written(&format!("{before}{token}"));
        assert_eq!(text, format!("{before}{LEFT_OUT}"));
        assert_eq!(written(&"ab ".repeat(1000)).len(), LONGEST);
        assert_eq!(written(&text), text);
    }

    #[test]
    fn the_longest_entry_fits_a_line() {
        let long = "\"\\/ ".repeat(1000);
        let mut entry = Event::new(LogEvent::Refused).detail(long.as_str()).into_entry();
        entry.scopes = vec![long.clone(); 200];
        let all = [&mut entry.lease, &mut entry.profile, &mut entry.account, &mut entry.tenant];
        all.into_iter()
            .chain([&mut entry.resource, &mut entry.uti, &mut entry.rule])
            .for_each(|text| *text = Some(long.clone()));
        bound(&mut entry);
        let (line, _) = link(entry, &Head::none()).unwrap();
        assert!(line.len() < MAX_LINE, "{}", line.len());
    }
}

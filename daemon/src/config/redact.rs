//! Values without the passwords that may stand in them.

/// The text with the password of each address in it replaced. What stands before the last `@` of an address's authority is
/// taken for user and password, also where the whole is no good address.
#[must_use]
pub fn redacted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    // An address without a scheme is one too: `user:password@proxy:8080`.
    loop {
        let (before, after) = match rest.find("://") {
            Some(at) => rest.split_at(at + 3),
            None if shown.is_empty() => ("", rest),
            None => break,
        };
        shown.push_str(before);
        let end =
            after.find(|char: char| matches!(char, '/' | '?' | '#' | '"' | ',') || char.is_whitespace());
        // A password may hold any of these unescaped, so an `@` behind them counts as well.
        let end = after.rfind('@').map_or(end, |at| Some(end.map_or(after.len(), |end| end.max(at + 1))));
        let (authority, next) = after.split_at(end.unwrap_or(after.len()));
        match authority.rsplit_once('@') {
            Some((user, host)) => {
                let name = user.split_once(':').map_or(user, |(name, _)| name);
                let has_password = user.contains(':');
                shown.push_str(name);
                shown.push_str(if has_password { ":***@" } else { "@" });
                shown.push_str(host);
            }
            None => shown.push_str(authority),
        }
        rest = next;
        if rest.is_empty() || !rest.contains("://") {
            break;
        }
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://ada:secret@proxy.example:8080", "http://ada:***@proxy.example:8080")]
    #[case("ada:secret@proxy.example", "ada:***@proxy.example")]
    #[case("http://ada@proxy.example/", "http://ada@proxy.example/")]
    #[case("http://ada:se/cr@secret@proxy.example", "http://ada:***@proxy.example")]
    #[case("http://proxy.example:8080", "http://proxy.example:8080")]
    #[case("organizations", "organizations")]
    #[case("socks5://:secret@[::1]:1080", "socks5://:***@[::1]:1080")]
    fn a_password_is_never_shown(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(redacted(text), shown);
        assert!(!redacted(text).contains("secret"));
    }
}

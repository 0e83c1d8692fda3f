//! Values without the passwords that may stand in them.

/// The text, an address or any other value, without its password. What stands before its last `@` is taken for user and password,
/// also where the whole is no good address.
#[must_use]
pub fn redacted(text: &str) -> String {
    // A colon before `://` is no scheme's (RFC 3986 §3.1), but that of a password: `user:pass://word@proxy:8080`.
    let is_scheme = |text: &str| !text.contains([':', '@']);
    let (scheme, rest) = match text.find("://").map(|at| text.split_at(at + 3)) {
        Some((scheme, rest)) if is_scheme(scheme.trim_end_matches("://")) => (scheme, rest),
        _ => ("", text),
    };
    // A password may hold what ends a host, unescaped, so the last `@` of all is its end.
    match rest.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) => format!("{scheme}{name}:***@{host}"),
            None => text.to_owned(),
        },
        None => text.to_owned(),
    }
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
    #[case("ada:secret@[2001:db8::1]:3128https://b.example/", "ada:***@[2001:db8::1]:3128https://b.example/")]
    #[case("ada:se://secret@proxy.example", "ada:***@proxy.example")]
    #[case("http://ada:se://secret@proxy.example", "http://ada:***@proxy.example")]
    #[case("https://login.example/a@b", "https://login.example/a@b")]
    #[case("socks5://:secret@[::1]:1080", "socks5://:***@[::1]:1080")]
    fn a_password_is_never_shown(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(redacted(text), shown);
        assert!(!redacted(text).contains("secret"));
    }
}

//! What must not leave the machine, found in text: passwords of addresses, and who the user is.
//!
//! The daemon replaces passwords before it tells a value; here nothing is taken on trust, since what is exported or pasted
//! cannot be taken back.

use std::ops::Range;

use serde_json::Value;

/// Whether the value holds the user part of an address with a password, or with what stands in place of one.
pub(super) fn holds_password(key: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => {
            user_parts(key, text).iter().any(|part| text[part.clone()].contains([':', '*', '\u{2026}']))
        }
        Value::Array(items) => items.iter().any(|item| holds_password(key, item)),
        _ => false,
    }
}

/// The text with the user part of each address replaced.
pub(super) fn without_users(key: &str, text: &str) -> String {
    let mut safe = text.to_owned();
    for part in user_parts(key, text).into_iter().rev() {
        safe.replace_range(part, "***");
    }
    safe
}

/// Where the user parts of the addresses in the text are (RFC 3986 section 3.2.1): what stands before the last `@`. A password
/// may hold what ends an address, spaces and commas too, so rather too much is taken for one than too little. The keys of
/// proxies take addresses without a scheme, as the variables that they are named for do.
fn user_parts(key: &str, text: &str) -> Vec<Range<usize>> {
    let mut starts: Vec<usize> = text.match_indices(SCHEME_END).map(|(at, mark)| at + mark.len()).collect();
    if starts.is_empty() && key.ends_with("_proxy") {
        starts.push(0);
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let parts = starts.iter().zip(ends);
    parts.filter_map(|(start, end)| Some(*start..*start + text[*start..end].rfind('@')?)).collect()
}

/// Replaces the user's home folder by `~`, and the user's name where it is a part of a path by `USER`.
#[derive(Debug)]
pub(super) struct Anonymous {
    home: Option<String>,
    user: Option<String>,
}

impl Anonymous {
    /// For who runs this program.
    pub(super) fn find() -> Self {
        let home = std::env::home_dir().filter(|home| home.is_absolute());
        let variable = |name| std::env::var(name).ok().filter(|name: &String| !name.is_empty());
        let last = home.as_deref().and_then(|home| home.file_name()).and_then(|name| name.to_str());
        let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(variable);
        let user = user.or_else(|| last.map(str::to_owned));
        Self::of(home.map(|home| home.to_string_lossy().into_owned()), user)
    }

    pub(super) fn of(home: Option<String>, user: Option<String>) -> Self {
        let is_folder = |home: &String| home.trim_end_matches(SEPARATORS).len() > 1;
        Self { home: home.filter(is_folder), user }
    }

    /// The text without them.
    pub(super) fn of_nobody(&self, text: &str) -> String {
        let text = match &self.home {
            Some(home) => replaced(text, home.trim_end_matches(SEPARATORS), "~", |before, after| {
                // Any beginning but that of a longer path, so that `ca=/home/ada/x` is found too.
                !before.is_some_and(|c| is_of_a_name(c) || SEPARATORS.contains(&c)) && is_end(after)
            }),
            None => text.to_owned(),
        };
        match &self.user {
            Some(user) => replaced(&text, user, "USER", |before, after| {
                before.is_some_and(|c| SEPARATORS.contains(&c)) && is_end(after)
            }),
            None => text,
        }
    }
}

/// Whether the part of a path is over here.
fn is_end(after: Option<char>) -> bool {
    !after.is_some_and(is_of_a_name)
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// The text with `what` replaced wherever it stands so between its neighbours.
fn replaced(text: &str, what: &str, by: &str, may: impl Fn(Option<char>, Option<char>) -> bool) -> String {
    if what.is_empty() {
        return text.to_owned();
    }
    let (mut safe, mut done) = (String::with_capacity(text.len()), 0);
    for (at, found) in text.match_indices(what) {
        let after = text[at + found.len()..].chars().next();
        if may(text[..at].chars().next_back(), after) {
            safe.push_str(&text[done..at]);
            safe.push_str(by);
            done = at + found.len();
        }
    }
    safe.push_str(&text[done..]);
    safe
}

/// What separates the parts of a path, on one system or another.
const SEPARATORS: [char; 2] = ['/', '\\'];

/// What stands between a scheme and its address.
const SCHEME_END: &str = "://";

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("https_proxy", json!("http://ada:pw@proxy:3128"), true)]
    #[case("https_proxy", json!("http://ada:p/w#x@proxy:3128"), true)]
    #[case("https_proxy", json!("ada:pw@proxy:3128"), true)]
    #[case("https_proxy", json!("http://ada:***@proxy:3128"), true)]
    #[case("https_proxy", json!("http://***@proxy:3128"), true)]
    #[case("https_proxy", json!("http://ada:p w,x@proxy:3128"), true)]
    #[case("https_proxy", json!("http://ada@proxy:3128"), false)]
    #[case("https_proxy", json!("http://proxy:3128"), false)]
    #[case("https_proxy", json!("proxy:3128"), false)]
    #[case("otlp_endpoint", json!("https://ada:pw@collector"), true)]
    #[case("notify_command", json!(["say", "https://a:b@c/"]), true)]
    #[case("allowed_domains", json!(["a:b@c"]), false)]
    #[case("prompts_per_day", json!(5), false)]
    fn a_password_is_found(#[case] key: &str, #[case] value: Value, #[case] is: bool) {
        assert_eq!(holds_password(key, &value), is);
    }

    #[rstest]
    #[case("https_proxy", "http://ada:p@w@proxy:3128", "http://***@proxy:3128")]
    #[case("https_proxy", "ada:pw@proxy", "***@proxy")]
    #[case("x", "see http://a:b@c/, or http://d@e/", "see http://***@c/, or http://***@e/")]
    #[case("x", "http://ada:p w,x@proxy is wrong", "http://***@proxy is wrong")]
    #[case("x", "nothing@here", "nothing@here")]
    fn users_are_replaced(#[case] key: &str, #[case] text: &str, #[case] safe: &str) {
        assert_eq!(without_users(key, text), safe);
    }

    #[rstest]
    #[case("/home/ada/.config/x:3", "~/.config/x:3")]
    #[case("ca=/home/ada, /home/ada/b", "ca=~, ~/b")]
    #[case("/home/adam/x /mnt/home/ada/x", "/home/adam/x /mnt/home/USER/x")]
    #[case(
        "/Library/Managed Preferences/ada/dev.entrad.plist",
        "/Library/Managed Preferences/USER/dev.entrad.plist"
    )]
    #[case(r"C:\Users\ada\x", r"C:\Users\USER\x")]
    #[case("profile.ada.tenant of ada", "profile.ada.tenant of ada")]
    fn nobody_is_named(#[case] text: &str, #[case] safe: &str) {
        let anonymous = Anonymous::of(Some("/home/ada/".to_owned()), Some("ada".to_owned()));
        assert_eq!(anonymous.of_nobody(text), safe);
    }

    #[test]
    fn a_home_that_is_the_root_replaces_nothing() {
        let anonymous = Anonymous::of(Some("/".to_owned()), Some("root".to_owned()));
        assert_eq!(anonymous.of_nobody("/etc/entrad"), "/etc/entrad");
    }
}

//! Values as sources write them, and what they may be.
//!
//! TOML has types, MDM has text: both come here as [`Given`] and leave in one form, so that `true`, `"true"` and `on` are one
//! value, and a list may be a list, JSON text, or words with commas between. Nothing of a value that may hold a password is
//! put into a message.

use std::time::Duration;

use entra_proto::config::Kind;
use entra_proto::limits::MAX_SNOOZE;
use url::Url;

use super::{Flows, LoopbackChoice, QuietHours};
use crate::logging;

/// A value as a source has it.
#[derive(Clone)]
pub(super) enum Given {
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Switch(bool),
    /// A list of texts.
    List(Vec<String>),
    /// Something that no setting is, by its name with an article.
    Other(&'static str),
}

/// Why a value is refused.
#[derive(Debug)]
pub(super) enum Wrong {
    /// It is of another kind.
    Type { found: &'static str, expected: &'static str },
    /// It is none of those that may be.
    Value { expected: String, reason: String },
}

/// The one form of a value: lists as JSON, switches as `on` and `off`, all else as written but for spaces around it.
pub(super) fn canonical(kind: Kind, between: Between, given: Given) -> Result<String, Wrong> {
    let value = |reason| Wrong::Value { expected: described(kind).to_owned(), reason };
    match (kind, given) {
        // A line of a list may hold several.
        (Kind::List, Given::List(list)) if between == Between::Lines => {
            json(&lines(&list.join("\n"))).map_err(value)
        }
        (Kind::List | Kind::Choices, Given::List(list)) => json(&list).map_err(value),
        (Kind::List | Kind::Choices, Given::Text(text)) => {
            split(&text, between).and_then(|list| json(&list)).map_err(value)
        }
        (Kind::Switch, Given::Switch(is_on)) => Ok(word(is_on).to_owned()),
        // A REG_DWORD is how Windows says yes.
        (Kind::Switch, Given::Number(number @ 0..=1)) => Ok(word(number == 1).to_owned()),
        (Kind::Switch, Given::Text(text)) => {
            let is_on = switch(text.trim()).ok_or_else(|| value(format!("`{}` is neither", shown(&text))))?;
            Ok(word(is_on).to_owned())
        }
        (Kind::Number | Kind::Text, Given::Number(number)) => Ok(number.to_string()),
        (Kind::Number, Given::Text(text)) => match text.trim().parse::<i64>() {
            Ok(number) => Ok(number.to_string()),
            Err(_) => Err(value(format!("`{}` is none", shown(&text)))),
        },
        (Kind::Text | Kind::Path | Kind::Duration | Kind::Choice, Given::Text(text)) => {
            Ok(text.trim().to_owned())
        }
        (kind, given) => Err(Wrong::Type { found: found(&given), expected: described(kind) }),
    }
}

/// What a kind's values are, after "should be".
pub(super) fn described(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Choice => "a string",
        Kind::Path => "a path",
        Kind::Number => "a number",
        Kind::Switch => "`on` or `off`",
        Kind::Duration => "a time such as `30m`",
        Kind::List | Kind::Choices => "a list of strings",
    }
}

fn found(given: &Given) -> &'static str {
    match given {
        Given::Text(_) => "a string",
        Given::Number(_) => "a number",
        Given::Switch(_) => "a boolean",
        Given::List(_) => "an array",
        Given::Other(name) => name,
    }
}

/// What stands between the words of a list that is written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Between {
    /// Commas.
    Commas,
    /// Spaces.
    Spaces,
    /// Either.
    Either,
    /// Ends of lines. An empty line counts, since others are told of by their numbers.
    Lines,
}

/// A list in its one form, JSON.
pub(super) fn list(text: &str) -> Result<Vec<String>, String> {
    serde_json::from_str(text).map_err(|_| "the list is not one of strings".to_owned())
}

/// A list in any of its forms: JSON text, or words with something between.
fn split(text: &str, between: Between) -> Result<Vec<String>, String> {
    let whole = text;
    let text = text.trim();
    if text.starts_with('[') {
        let list = list(text)?;
        return Ok(if between == Between::Lines { lines(&list.join("\n")) } else { list });
    }
    if between == Between::Lines {
        return Ok(lines(whole));
    }
    let is_between = |char: char| match between {
        Between::Commas => char == ',',
        Between::Spaces => char.is_whitespace(),
        Between::Either => char == ',' || char.is_whitespace(),
        Between::Lines => char == '\n',
    };
    let words = text.split(is_between).map(str::trim).filter(|word| !word.is_empty());
    Ok(words.map(str::to_owned).collect())
}

/// The lines of a text up to its last that is not empty, each as wide as it is: a tab counts as one space, and is written as
/// one since not every form of an export can hold it.
fn lines(text: &str) -> Vec<String> {
    text.trim_end().lines().map(|line| line.replace('\t', " ").trim_end().to_owned()).collect()
}

fn json(list: &[String]) -> Result<String, String> {
    serde_json::to_string(list).map_err(|error| error.to_string())
}

pub(super) fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "1" => Some(true),
        "off" | "false" | "0" => Some(false),
        _ => None,
    }
}

fn word(is_on: bool) -> &'static str {
    if is_on { "on" } else { OFF }
}

/// A name, or a value that holds no password: of one line, and short enough for a message.
pub(super) fn shown(text: &str) -> String {
    one_line(text.trim(), 80)
}

/// Without what would begin another line, and of so many characters at most.
pub(super) fn one_line(text: &str, most: usize) -> String {
    text.chars().filter(|char| !char.is_control()).take(most).collect()
}

pub(super) fn anything(_: &str) -> Result<(), String> {
    Ok(())
}

/// A bound that names nothing would shut everybody out, or be a form that somebody left empty.
pub(super) fn some(text: &str) -> Result<(), String> {
    let names = list(text)?;
    let is_named = !names.is_empty() && names.iter().all(|name| !name.trim().is_empty());
    is_named
        .then_some(())
        .ok_or_else(|| "it names nothing; leave the setting out where there is to be no bound".to_owned())
}

pub(super) fn loopback(text: &str) -> Result<(), String> {
    text.parse::<LoopbackChoice>().map(drop).map_err(|error| error.to_string())
}

pub(super) fn flows(text: &str) -> Result<(), String> {
    list(text)?.join(",").parse::<Flows>().map(drop).map_err(|error| error.to_string())
}

pub(super) fn quiet_hours(text: &str) -> Result<(), String> {
    if text == OFF {
        return Ok(());
    }
    text.parse::<QuietHours>().map(drop).map_err(|error| error.to_string())
}

pub(super) fn snooze(text: &str) -> Result<(), String> {
    duration(text, MAX_SNOOZE).map(drop)
}

pub(super) fn ask_ahead(text: &str) -> Result<(), String> {
    if text == OFF { Ok(()) } else { snooze(text) }
}

pub(super) fn longest_lease(text: &str) -> Result<(), String> {
    duration(text, LONGEST_LEASE).map(drop)
}

/// A time from a minute to `longest`.
pub(super) fn duration(text: &str, longest: Duration) -> Result<Duration, String> {
    let wrong = || format!("`{}` is not", shown(text));
    let duration = humantime::parse_duration(text).map_err(|_| wrong())?;
    (Duration::from_secs(60)..=longest).contains(&duration).then_some(duration).ok_or_else(wrong)
}

/// How long a person has to answer: one who is there needs some seconds, and what was asked yesterday is forgotten.
pub(super) fn consent_timeout(text: &str) -> Result<(), String> {
    let wrong = || format!("`{}` is not", shown(text));
    let time = humantime::parse_duration(text).map_err(|_| wrong())?;
    let is_well = (Duration::from_secs(5)..=Duration::from_secs(24 * 60 * 60)).contains(&time);
    if is_well { Ok(()) } else { Err(wrong()) }
}

pub(super) fn descriptor(text: &str) -> Result<(), String> {
    within(text, 0, 65535)
}

pub(super) fn prompts_per_day(text: &str) -> Result<(), String> {
    within(text, 0, 1000)
}

pub(super) fn agent_budget(text: &str) -> Result<(), String> {
    within(text, 0, 1_000_000)
}

pub(super) fn audit_size(text: &str) -> Result<(), String> {
    within(text, 1, 256)
}

/// Whoever reads the log has all of them open, and with the largest files it is 25 GiB of a home.
pub(super) fn audit_files(text: &str) -> Result<(), String> {
    within(text, 2, 100)
}

fn within(text: &str, least: i64, most: i64) -> Result<(), String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.map(drop).ok_or_else(|| format!("`{}` is not", shown(text)))
}

pub(super) fn log_filter(text: &str) -> Result<(), String> {
    logging::check(text).map_err(|error| error.to_string())
}

pub(super) fn foundry_resource(text: &str) -> Result<(), String> {
    if text.contains("://") {
        let url = Url::parse(text).map_err(|_| "the address does not parse".to_owned())?;
        let is_plain = url.scheme() == "https"
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none();
        return is_plain.then_some(()).ok_or_else(|| "the address is no plain https one".to_owned());
    }
    // A custom subdomain name (Microsoft: "Custom subdomain names for Azure AI services").
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_name = (2..=64).contains(&text.len()) && text.bytes().all(is_plain);
    is_name.then_some(()).ok_or_else(|| format!("`{}` is not", shown(text)))
}

pub(super) const PROXY: &str =
    "a proxy's address, such as `http://proxy.example:8080` or `socks5h://127.0.0.1:1080`";

pub(super) fn proxy(text: &str) -> Result<(), String> {
    let address = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    // The parser's own message is of the kind of fault, and ours holds nothing of the value: a password may stand in it.
    let url = Url::parse(&address).map_err(|error| error.to_string())?;
    if !PROXY_SCHEMES.contains(&url.scheme()) {
        return Err(format!("the scheme is none of {}", PROXY_SCHEMES.join(", ")));
    }
    if !url.has_host() || !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some()
    {
        return Err("the address should be a scheme, a host and a port alone".to_owned());
    }
    Ok(())
}

pub(super) fn paths(text: &str) -> Result<(), String> {
    let relative = list(text)?.into_iter().find(|path| !std::path::Path::new(path).is_absolute());
    relative.map_or(Ok(()), |path| Err(format!("`{}` is not absolute", shown(&path))))
}

pub(super) fn collector(text: &str) -> Result<(), String> {
    let url = Url::parse(text).map_err(|_| "the address does not parse".to_owned())?;
    let is_loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    // What it is refused for at the start is told here with its place; and an answer would show it.
    let is_more = url.query().is_some() || url.fragment().is_some();
    if !url.username().is_empty() || url.password().is_some() || is_more {
        return Err("it should have no user name, password, query or fragment".to_owned());
    }
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
    is_safe.then_some(()).ok_or_else(|| "what is logged would be sent in the open".to_owned())
}

pub(super) const OFF: &str = "off";
pub(super) const LONGEST_LEASE: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);
const PROXY_SCHEMES: [&str; 5] = ["http", "https", "socks5", "socks5h", "socks4"];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn text(kind: Kind, given: Given) -> Option<String> {
        canonical(kind, Between::Commas, given).ok()
    }

    #[rstest]
    #[case(Given::Switch(true), Some("on"))]
    #[case(Given::Number(0), Some("off"))]
    #[case(Given::Number(2), None)]
    #[case(Given::Text("True".to_owned()), Some("on"))]
    #[case(Given::Text(" off ".to_owned()), Some("off"))]
    #[case(Given::Text("yes".to_owned()), None)]
    #[case(Given::List(Vec::new()), None)]
    fn a_switch_is_one_thing_in_every_form(#[case] given: Given, #[case] expected: Option<&str>) {
        assert_eq!(text(Kind::Switch, given).as_deref(), expected);
    }

    #[rstest]
    #[case("a, b", Between::Commas, &["a", "b"])]
    #[case("/a b/c,/d", Between::Commas, &["/a b/c", "/d"])]
    #[case("say --to=a,b", Between::Spaces, &["say", "--to=a,b"])]
    #[case("a b,c , d", Between::Either, &["a", "b", "c", "d"])]
    #[case(r#" ["a","b c"]"#, Between::Spaces, &["a", "b c"])]
    #[case("", Between::Commas, &[])]
    #[case("a,", Between::Commas, &["a"])]
    #[case("\n a, b\tc \r\n\n#d", Between::Lines, &["", " a, b c", "", "#d"])]
    #[case(r#"["a b", "c\nd"]"#, Between::Lines, &["a b", "c", "d"])]
    fn a_list_is_one_thing_in_every_form(
        #[case] written: &str,
        #[case] between: Between,
        #[case] expected: &[&str],
    ) {
        assert_eq!(split(written, between).unwrap(), expected);
        assert!(split("[1]", between).is_err() && split("[", between).is_err());
    }

    #[test]
    fn a_number_may_be_text() {
        assert_eq!(text(Kind::Number, Given::Text("3600".to_owned())).unwrap(), "3600");
        assert_eq!(text(Kind::Number, Given::Number(5)).unwrap(), "5");
        assert!(text(Kind::Number, Given::Text("x".to_owned())).is_none());
        assert!(text(Kind::Path, Given::Number(5)).is_none());
    }

    #[rstest]
    #[case("1h", Some(3600))]
    #[case("1m", Some(60))]
    #[case("7d", Some(7 * 24 * 3600))]
    #[case("59s", None)]
    #[case("8d", None)]
    #[case("60", None)]
    fn a_snooze_is_neither_too_short_nor_for_ever(#[case] text: &str, #[case] seconds: Option<u64>) {
        assert_eq!(duration(text, MAX_SNOOZE).ok().map(|duration| duration.as_secs()), seconds);
    }

    #[rstest]
    #[case("proxy.example:8080", true)]
    #[case("http://ada:secret@proxy.example:8080/", true)]
    #[case("socks5h://127.0.0.1:1080", true)]
    #[case("ftp://ada:secret@proxy.example", false)]
    #[case("http://ada:secret@proxy.example/path", false)]
    #[case("http://ada:secret@:80", false)]
    fn a_proxy_is_named_without_its_password_being_told(#[case] text: &str, #[case] is_good: bool) {
        let checked = proxy(text);
        assert_eq!(checked.is_ok(), is_good, "{checked:?}");
        assert!(!format!("{checked:?}").contains("secret"));
    }

    #[rstest]
    #[case("https://collector.example:4318", true)]
    #[case("http://127.0.0.1:4318", true)]
    #[case("http://collector.example:4318", false)]
    #[case("https://ada:secret@collector.example", false)]
    #[case("https://collector.example/?key=secret", false)]
    fn what_is_sent_to_a_collector_is_not_sent_in_the_open(#[case] text: &str, #[case] is_good: bool) {
        let checked = collector(text);
        assert_eq!(checked.is_ok(), is_good);
        assert!(!format!("{checked:?}").contains("secret"));
    }

    #[rstest]
    #[case("contoso-ai", true)]
    #[case("https://contoso.services.ai.azure.com/anthropic", true)]
    #[case("http://contoso.services.ai.azure.com", false)]
    #[case("a", false)]
    #[case("a b", false)]
    fn a_resource_is_a_name_or_an_address(#[case] text: &str, #[case] is_good: bool) {
        assert_eq!(foundry_resource(text).is_ok(), is_good);
    }
}

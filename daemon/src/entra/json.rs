//! JSON in one common form, in which a number stays as it is written.
//!
//! What is passed on for somebody else must come out as it went in. A parser that makes a number of `1.10` writes `1.1`, refuses
//! `1e400`, and rounds what has more digits than a machine's number. So here names are sorted, white space goes, each character
//! is written in one way, and all else is kept as text.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

/// A value.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Json {
    List(Vec<Self>),
    Object(BTreeMap<String, Self>),
    Text(String),
    /// A number, `true`, `false` or `null`, as it is written.
    Word(Box<RawValue>),
}

impl Json {
    /// Reads a text that is one value; `None` where it is none, or one with too much inside each other.
    pub(super) fn parse(text: &str) -> Option<Self> {
        read(serde_json::from_str(text).ok()?, DEEPEST)
    }

    /// The common form.
    pub(super) fn print(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// Puts another value over this one: objects are merged in depth, and the other wins on equal names.
    pub(super) fn overlay(&mut self, other: Self) {
        match (self, other) {
            (Self::Object(own), Self::Object(other)) => {
                for (name, value) in other {
                    match own.get_mut(&name) {
                        Some(own) => own.overlay(value),
                        None => drop(own.insert(name, value)),
                    }
                }
            }
            (own, other) => *own = other,
        }
    }
}

/// One level at a time: what is inside is text until it is its turn.
fn read(raw: &RawValue, deepest: usize) -> Option<Json> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            let deepest = deepest.checked_sub(1)?;
            items.into_iter().map(|item| read(item, deepest)).collect::<Option<_>>().map(Json::List)
        }
        b'{' => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            let deepest = deepest.checked_sub(1)?;
            let members = members.into_iter().map(|(name, value)| Some((name, read(value, deepest)?)));
            members.collect::<Option<_>>().map(Json::Object)
        }
        b'"' => serde_json::from_str(text).ok().map(Json::Text),
        _ => Some(Json::Word(raw.to_owned())),
    }
}

/// Levels. Challenges have four; each costs another look at what is inside it.
const DEEPEST: usize = 64;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1e400")]
    #[case("1.10")]
    #[case("-0")]
    #[case("1E+2")]
    #[case("123456789012345678901234567890")]
    #[case("[true,false,null,\"\u{e4}\",{}]")]
    fn what_is_in_the_common_form_stays(#[case] text: &str) {
        let text = format!("{{\"a\":{text}}}");
        assert_eq!(Json::parse(&text).unwrap().print().unwrap(), text);
    }

    #[rstest]
    #[case("{ \"b\" : 1 , \"a\" : [ 2 , 3 ] }", r#"{"a":[2,3],"b":1}"#)]
    #[case(r#"{"a":1,"a":2}"#, r#"{"a":2}"#)]
    #[case(r#""\u00e4\/\u0001\n""#, "\"\u{e4}/\\u0001\\n\"")]
    fn there_is_one_way_to_write_it(#[case] text: &str, #[case] common: &str) {
        assert_eq!(Json::parse(text).unwrap().print().unwrap(), common);
    }

    #[rstest]
    #[case("")]
    #[case("01")]
    #[case("1 2")]
    #[case("[1,]")]
    #[case("\"\\ud800\"")]
    #[case("\"\u{1}\"")]
    #[case("nul")]
    fn what_is_no_json_is_none(#[case] text: &str) {
        assert!(Json::parse(text).is_none());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(Json::parse(&nested(DEEPEST)).is_some());
        assert!(Json::parse(&nested(DEEPEST + 1)).is_none() && Json::parse(&nested(8_000)).is_none());
    }

    #[rstest]
    #[case(r#"{"a":{"b":1}}"#, r#"{"a":{"c":2}}"#, r#"{"a":{"b":1,"c":2}}"#)]
    #[case(r#"{"a":{"b":1}}"#, r#"{"a":null}"#, r#"{"a":null}"#)]
    #[case(r#"{"a":1}"#, r#"{"a":{"b":2.0}}"#, r#"{"a":{"b":2.0}}"#)]
    fn the_other_wins(#[case] own: &str, #[case] other: &str, #[case] merged: &str) {
        let mut own = Json::parse(own).unwrap();
        own.overlay(Json::parse(other).unwrap());
        assert_eq!(own.print().unwrap(), merged);
    }
}

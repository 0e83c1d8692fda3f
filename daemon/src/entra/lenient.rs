//! A JSON value of a field that may come as text, as a number, or not as promised.
//!
//! Entra's v1 endpoint and some proxies write numbers as strings. A field of an unexpected shape must not
//! hide the others, so it reads as [`Lenient::Other`] and never fails. Not for tokens: those are strings or
//! nothing.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

/// What the field holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Lenient {
    /// Whole numbers, of an array.
    List(Vec<u64>),
    /// Absent or null.
    #[default]
    Nothing,
    /// A whole number.
    Number(u64),
    /// Anything else.
    Other,
    /// Text.
    Text(String),
}

impl Lenient {
    /// The text, if it is one.
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, also from text.
    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// The numbers: of a list, or the one.
    pub(super) fn numbers(self) -> impl Iterator<Item = u64> {
        let one = self.number();
        let list = if let Self::List(list) = self { list } else { Vec::new() };
        one.into_iter().chain(list)
    }
}

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Text that is wiped on drop: a string, null or absent, nothing else.
pub(super) fn secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Zeroizing<String>>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Zeroizing::new))
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Lenient;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Lenient, E> {
        Ok(Lenient::Text(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Lenient, E> {
        Ok(Lenient::Number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Lenient, E> {
        Ok(Lenient::Other)
    }

    /// `3599.0` is a number some proxies make of `3599`.
    fn visit_f64<E>(self, number: f64) -> Result<Lenient, E> {
        let is_whole = number.fract() == 0.0 && (0.0..9e15).contains(&number);
        Ok(if is_whole { Lenient::Number(number as u64) } else { Lenient::Other })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Lenient, E> {
        Ok(Lenient::Other)
    }

    fn visit_unit<E>(self) -> Result<Lenient, E> {
        Ok(Lenient::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Lenient, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Lenient>()? {
            list.extend(item.number());
        }
        Ok(Lenient::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Lenient, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Lenient::Other)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("3599", Some(3599))]
    #[case("\"3599\"", Some(3599))]
    #[case("\" 3599 \"", Some(3599))]
    #[case("3599.0", Some(3599))]
    #[case("3599.5", None)]
    #[case("-1", None)]
    #[case("\"soon\"", None)]
    #[case("true", None)]
    #[case("null", None)]
    #[case("{\"a\":[1]}", None)]
    #[case("1e300", None)]
    fn numbers_come_in_many_dresses(#[case] json: &str, #[case] number: Option<u64>) {
        assert_eq!(serde_json::from_str::<Lenient>(json).unwrap().number(), number);
    }

    #[test]
    fn lists_keep_what_is_a_number() {
        let list: Lenient = serde_json::from_str(r#"[50076, "70043", null, {"a": 1}, -2]"#).unwrap();
        assert_eq!(list.numbers().collect::<Vec<_>>(), [50076, 70043]);
    }
}

//! Form fields, from a body or a query, in the order they came.
//!
//! Duplicates are kept, because the service refuses them and a client must learn that it sends them.

use url::form_urlencoded;

/// Decoded fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded` text.
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value of a field; an empty value counts as none, as in RFC 6749, section 3.2.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|v| !v.is_empty())
    }

    /// The first field that comes twice.
    pub(crate) fn duplicate(&self) -> Option<&str> {
        let twice = |(at, (key, _)): &(usize, &(String, String))| self.0[..*at].iter().any(|(k, _)| k == key);
        self.0.iter().enumerate().find(twice).map(|(_, (key, _))| key.as_str())
    }

    /// All fields in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_duplicates_found() {
        let form = Form::parse(b"a=1+2&b=%2F&c=");
        assert_eq!((form.one("a"), form.one("b"), form.one("c")), (Some("1 2"), Some("/"), None));
        assert_eq!(form.duplicate(), None);
        assert_eq!(Form::parse(b"a=1&b=2&a=1").duplicate(), Some("a"));
    }
}

//! What the tests of messages share.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The text, which ends with its line, is read as this value, and the value is written as this text.
pub(crate) fn check<T: DeserializeOwned + Serialize + PartialEq + Debug>(text: &str, expected: T) {
    let text = text.strip_suffix('\n').unwrap();
    assert_eq!(serde_json::from_str::<T>(text).unwrap(), expected);
    assert_eq!(serde_json::to_string(&expected).unwrap(), text);
}

/// The message with a field that this build does not know.
pub(crate) fn grown(message: &impl Serialize) -> String {
    let mut value = serde_json::to_value(message).unwrap();
    value["from_the_future"] = true.into();
    value.to_string()
}

pub(crate) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

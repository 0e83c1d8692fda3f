//! The forms of an export, one file a form, and what they share: where a key belongs and what type its value has.
//!
//! Every form is text that is made here and read by the system's own parsers, so whatever comes from a setting is escaped by
//! the rules of its form. The same settings give the same bytes.

use entra_proto::config::{Kind, SettingInfo};
use serde_json::Value;

pub(super) mod admx;
pub(super) mod intune;
pub(super) mod mobileconfig;
pub(super) mod reg;
pub(super) mod schema;
pub(super) mod toml;
mod xml;

/// What is exported.
pub(super) enum Product {
    /// Templates for group policies.
    Policies(admx::Policies),
    /// Values of the registry, as text that is still to be encoded.
    Registry(String),
    /// Text in UTF-8.
    Text(String),
}

/// A value with its type.
#[derive(Clone, Debug, PartialEq)]
enum Typed {
    List(Vec<String>),
    Number(i64),
    Switch(bool),
    Text(String),
}

impl Typed {
    /// The setting's value by its kind. What is no value of that kind stays the text that it is, for the daemon to judge.
    fn of(setting: &SettingInfo) -> Self {
        let value = setting.value.as_ref().unwrap_or(&Value::Null);
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match (setting.kind, value) {
            (Kind::List | Kind::Choices, Value::Array(items)) => {
                let string = |item: &Value| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
                Self::List(items.iter().map(string).collect())
            }
            (Kind::Number, _) => text.parse().map_or(Self::Text(text), Self::Number),
            (Kind::Switch, _) => match text.as_str() {
                "on" | "true" => Self::Switch(true),
                "off" | "false" => Self::Switch(false),
                _ => Self::Text(text),
            },
            _ => Self::Text(text),
        }
    }

    /// As device managements write it where there are strings alone: a list is its JSON text.
    fn to_string_value(&self) -> String {
        match self {
            Self::List(items) => Value::from(items.clone()).to_string(),
            Self::Number(number) => number.to_string(),
            Self::Switch(true) => "on".to_owned(),
            Self::Switch(false) => "off".to_owned(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// The profile that the key belongs to, where it is not the default one, and the key in it.
pub(super) fn place(key: &str) -> (Option<&str>, &str) {
    match key.strip_prefix("profile.").and_then(|rest| rest.rsplit_once('.')) {
        Some((profile, key)) => (Some(profile), key),
        None => (None, key),
    }
}

/// The settings by profile, the default one first.
fn by_profile<'a>(settings: &[&'a SettingInfo]) -> Vec<(Option<&'a str>, Vec<&'a SettingInfo>)> {
    let mut groups: Vec<(Option<&str>, Vec<&SettingInfo>)> = Vec::new();
    for setting in settings {
        let profile = place(&setting.key).0;
        match groups.iter_mut().find(|(name, _)| *name == profile) {
            Some((_, group)) => group.push(setting),
            None => groups.push((profile, vec![setting])),
        }
    }
    groups.sort_by_key(|(name, _)| *name);
    groups
}

/// Whether no file and no managed source can hold it: a file that names another would have no end.
pub(super) fn is_in_no_file(key: &str) -> bool {
    key == "config"
}

#[cfg(test)]
mod tests {
    use entra_proto::config::Layer;
    use rstest::rstest;
    use serde_json::json;

    use super::super::words::tests::set;
    use super::*;

    /// Settings of each kind, with all that has to be escaped somewhere.
    pub(super) fn settings() -> Vec<SettingInfo> {
        let managed = |key, kind, value| set(key, kind, value, Layer::Managed, "/m:1");
        let of_profile = |setting: SettingInfo| SettingInfo { is_of_profile: true, ..setting };
        let mut store = managed("store", Kind::Choice, json!("auto"));
        store.choices = vec!["auto".to_owned(), "passphrase".to_owned()];
        vec![
            of_profile(managed("tenant", Kind::Text, json!("a \"b\" <c> & 'd' \\ e \u{fc}\u{1f511}"))),
            managed("prompts_per_day", Kind::Number, json!(5)),
            managed("forwarding", Kind::Switch, json!("off")),
            managed("snooze", Kind::Duration, json!("30m")),
            store,
            managed("allowed_domains", Kind::List, json!(["a.com", "b\"\\.com"])),
            of_profile(managed("profile.work-1.tenant", Kind::Text, json!("contoso.com"))),
        ]
    }

    #[rstest]
    #[case(Kind::Number, json!(5), Typed::Number(5), "5")]
    #[case(Kind::Number, json!("5"), Typed::Number(5), "5")]
    #[case(Kind::Number, json!("auto"), Typed::Text("auto".to_owned()), "auto")]
    #[case(Kind::Switch, json!(true), Typed::Switch(true), "on")]
    #[case(Kind::Switch, json!("off"), Typed::Switch(false), "off")]
    #[case(Kind::List, json!(["a", "b\""]), Typed::List(vec!["a".to_owned(), "b\"".to_owned()]), r#"["a","b\""]"#)]
    #[case(Kind::Choices, json!("a, b"), Typed::Text("a, b".to_owned()), "a, b")]
    #[case(Kind::Text, json!("5"), Typed::Text("5".to_owned()), "5")]
    fn a_value_has_the_type_of_its_kind(
        #[case] kind: Kind,
        #[case] value: Value,
        #[case] typed: Typed,
        #[case] string: &str,
    ) {
        let setting = set("x", kind, value, Layer::User, "/u:1");
        assert_eq!(Typed::of(&setting), typed);
        assert_eq!(typed.to_string_value(), string);
    }

    #[test]
    fn settings_are_grouped_by_profile() {
        let settings = settings();
        let settings: Vec<&SettingInfo> = settings.iter().rev().collect();
        let groups = by_profile(&settings);
        assert_eq!(
            groups.iter().map(|(name, group)| (*name, group.len())).collect::<Vec<_>>(),
            [(None, 6), (Some("work-1"), 1)]
        );
    }
}

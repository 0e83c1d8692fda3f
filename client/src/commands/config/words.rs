//! Values, layers and places in words, safe to show.

use entra_proto::config::{Kind, Layer, Origin, Overridden, SettingInfo, SourceInfo};
use serde_json::Value;

use crate::text::plain;

/// The value as a person reads it: a list with commas; a hyphen where nothing is set.
pub(super) fn value(value: Option<&Value>) -> String {
    match value {
        None => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "\"\"".to_owned(),
        Some(Value::Array(items)) if items.is_empty() => "(nothing)".to_owned(),
        Some(Value::Array(items)) => items.iter().map(item).collect::<Vec<_>>().join(", "),
        Some(value) => item(value),
    }
}

fn item(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text).into_owned(),
        Value::Bool(true) => "on".to_owned(),
        Value::Bool(false) => "off".to_owned(),
        other => plain(&other.to_string()).into_owned(),
    }
}

/// The layer's name.
pub(super) fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::BuiltIn => "built in",
        Layer::ClaudeDesktop => "Claude Desktop",
        Layer::Machine => "machine file",
        Layer::User => "user file",
        Layer::Environment => "environment",
        Layer::CommandLine => "command line",
        Layer::Managed => "managed",
    }
}

/// The layer and the place in it.
pub(super) fn origin(origin: &Origin) -> String {
    match origin.layer {
        Layer::BuiltIn => layer(Layer::BuiltIn).to_owned(),
        other => format!("{}: {}", layer(other), plain(&origin.place)),
    }
}

/// The same, with that it is locked.
pub(super) fn origin_of(setting: &SettingInfo) -> String {
    match (setting.is_locked, setting.origin.layer) {
        (false, _) => origin(&setting.origin),
        (true, Layer::BuiltIn) => format!("{}, locked", layer(Layer::BuiltIn)),
        (true, other) => format!("{}, locked: {}", layer(other), plain(&setting.origin.place)),
    }
}

/// What somebody set and a stronger layer replaced. What it would be by itself is no news.
pub(super) fn replaced(setting: &SettingInfo) -> impl Iterator<Item = &Overridden> {
    setting.overrides.iter().filter(|over| over.origin.layer != Layer::BuiltIn)
}

/// What is wrong with the sources. One of Claude Desktop's that is not used costs nothing but its defaults, and may be left
/// out on purpose.
pub(super) fn faults(sources: &[SourceInfo]) -> impl Iterator<Item = &str> {
    let counting = sources.iter().filter(|source| source.layer != Layer::ClaudeDesktop);
    counting.filter_map(|source| source.fault.as_deref())
}

/// What its values are.
pub(super) fn kind(setting: &SettingInfo) -> String {
    let choices: Vec<_> = setting.choices.iter().map(|choice| plain(choice)).collect();
    let choices = choices.join(", ");
    match setting.kind {
        Kind::Text => "A text.".to_owned(),
        Kind::Path => "The path of a file or folder, absolute.".to_owned(),
        Kind::Number => "A whole number.".to_owned(),
        Kind::Switch => "on or off.".to_owned(),
        Kind::Duration => "A time such as 30m, 12h or 7d.".to_owned(),
        Kind::Choice => format!("One of {choices}."),
        Kind::List => "A list of texts.".to_owned(),
        Kind::Choices => format!("Some of {choices}."),
    }
}

#[cfg(test)]
pub(in crate::commands) mod tests {
    use entra_proto::config::ConfigAnswer;
    use serde_json::json;

    use super::*;

    /// A setting that nobody set.
    pub(in crate::commands) fn setting(key: &str, kind: Kind) -> SettingInfo {
        SettingInfo {
            key: key.to_owned(),
            kind,
            choices: Vec::new(),
            value: None,
            origin: Origin { layer: Layer::BuiltIn, place: "built in".to_owned() },
            is_locked: false,
            overrides: Vec::new(),
            summary: format!("What {key} is for."),
            default: None,
            needs_restart: false,
            is_administrators: false,
            is_of_profile: false,
        }
    }

    /// The same with a value from a layer.
    pub(in crate::commands) fn set(
        key: &str,
        kind: Kind,
        value: Value,
        layer: Layer,
        place: &str,
    ) -> SettingInfo {
        let is_locked = layer == Layer::Managed;
        let origin = Origin { layer, place: place.to_owned() };
        SettingInfo { value: Some(value), origin, is_locked, ..setting(key, kind) }
    }

    /// An answer with these settings.
    pub(in crate::commands) fn answer(settings: Vec<SettingInfo>) -> ConfigAnswer {
        ConfigAnswer {
            settings,
            sources: Vec::new(),
            egress: Vec::new(),
            applied_on: 1_795_200_000,
            waiting_for_restart: Vec::new(),
        }
    }

    /// A value that was replaced.
    pub(in crate::commands) fn overridden(value: Value, layer: Layer, place: &str) -> Overridden {
        Overridden { value, origin: Origin { layer, place: place.to_owned() } }
    }

    #[test]
    fn values_are_shown_as_they_are_meant() {
        for (given, shown) in [
            (json!("contoso.com"), "contoso.com"),
            (json!(""), "\"\""),
            (json!(5), "5"),
            (json!(true), "on"),
            (json!(["a", "b\u{1b}[31m"]), "a, b"),
            (json!([]), "(nothing)"),
        ] {
            assert_eq!(value(Some(&given)), shown);
        }
        assert_eq!(value(None), "-");
    }

    #[test]
    fn an_origin_names_layer_place_and_lock() {
        let managed = set("tenant", Kind::Text, json!("t"), Layer::Managed, "/f:3");
        assert_eq!(origin_of(&managed), "managed, locked: /f:3");
        assert_eq!(origin_of(&setting("tenant", Kind::Text)), "built in");
        let user = set("tenant", Kind::Text, json!("t"), Layer::User, "/f\u{1b}[2J:3");
        assert_eq!(origin_of(&user), "user file: /f:3");
    }
}

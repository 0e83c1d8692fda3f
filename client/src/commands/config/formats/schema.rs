//! The JSON schema of a file of settings, by which editors of TOML complete and check (JSON Schema, draft 2020-12).
//!
//! It says no more than the daemon does: a value may be of its own type or the string that device managements write. It is
//! the same on every machine, so no place and no profile of this one is in it.

use entra_proto::config::{ConfigAnswer, Kind, SettingInfo};
use serde_json::{Map, Value, json};

use super::{is_in_no_file, place};

/// The schema's text.
pub(in super::super) fn written(answer: &ConfigAnswer) -> String {
    let settings = || {
        let of_daemon = |setting: &&SettingInfo| place(&setting.key).0.is_none();
        answer.settings.iter().filter(of_daemon).filter(|setting| !is_in_no_file(&setting.key))
    };
    let mut properties: Map<String, Value> = settings().map(property).collect();
    let of_profile: Map<String, Value> =
        settings().filter(|setting| setting.is_of_profile).map(property).collect();
    properties.insert(
        "profile".to_owned(),
        json!({
            "description": "Further profiles by name. None takes anything from another.",
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z0-9_-]{1,64}$" },
            "additionalProperties": { "$ref": "#/$defs/profile" },
        }),
    );
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of entrad",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "$defs": {
            "profile": {
                "description": "A cloud, a tenant and an app registration.",
                "type": "object",
                "additionalProperties": false,
                "properties": of_profile,
            },
        },
    });
    format!("{schema:#}\n")
}

fn property(setting: &SettingInfo) -> (String, Value) {
    let mut property = match setting.kind {
        Kind::Path => json!({ "type": "string" }),
        // A port is a text that may also be a number.
        Kind::Text => json!({ "type": ["string", "integer"] }),
        Kind::Duration => json!({ "type": "string", "examples": ["30m", "12h", "7d"] }),
        Kind::Number => json!({ "type": ["integer", "string"], "minimum": 0, "pattern": "^[0-9]+$" }),
        Kind::Switch => json!({ "enum": ["on", "off", true, false] }),
        Kind::Choice => json!({ "type": "string", "enum": setting.choices }),
        Kind::List => json!({ "type": ["array", "string"], "items": { "type": "string" } }),
        Kind::Choices => {
            json!({ "type": ["array", "string"], "items": { "type": "string", "enum": setting.choices } })
        }
    };
    let mut description = setting.summary.clone();
    // Where something is by itself differs from machine to machine.
    if let Some(default) = setting.default.as_deref().filter(|_| setting.kind != Kind::Path) {
        description.push_str(&format!(" Not set: {}.", default.trim_end_matches('.')));
    }
    if setting.is_administrators {
        description.push_str(" Only in a file of an administrator's.");
    }
    property["description"] = description.into();
    (setting.key.clone(), property)
}

#[cfg(test)]
mod tests {
    use entra_proto::config::Layer;

    use super::super::super::words::tests::{answer, set, setting};
    use super::super::tests::settings;
    use super::*;

    #[test]
    fn every_key_is_described_and_nothing_of_this_machine() {
        let mut settings = settings();
        settings.push(setting("config", Kind::Path));
        let mut socket = set("socket", Kind::Path, json!("/run/mine"), Layer::User, "/u:1");
        socket.default = Some("/run/user/1000/entrad/entrad.sock".to_owned());
        socket.is_administrators = true;
        settings.push(socket);
        let text = written(&answer(settings));
        let schema: Value = serde_json::from_str(&text).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        let keys: Vec<&str> = properties.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "allowed_domains",
                "forwarding",
                "profile",
                "prompts_per_day",
                "snooze",
                "socket",
                "store",
                "tenant"
            ]
        );
        assert_eq!(schema["properties"]["store"]["enum"], json!(["auto", "passphrase"]));
        assert_eq!(schema["$defs"]["profile"]["properties"].as_object().unwrap().len(), 1);
        assert!(!text.contains("/run/") && !text.contains("work-1") && !text.contains("contoso"), "{text}");
        assert!(text.contains("What socket is for. Only in a file of an administrator's."), "{text}");
    }
}

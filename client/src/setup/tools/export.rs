//! Claude Desktop's managed configuration, in the form of each system's device management.

use serde_json::{Map, Value};

use crate::args::Export;

/// The keys and values as a file of this form.
pub(in super::super) fn exported(form: Export, settings: Vec<(&'static str, Value)>) -> String {
    match form {
        Export::ManagedSettings => {
            let map: Map<String, Value> =
                settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            format!("{:#}\n", Value::Object(map))
        }
        Export::Mobileconfig => {
            let line = |(key, value): (&str, Value)| {
                format!("      <key>{key}</key>\n      <string>{}</string>\n", escaped(&string(&value)))
            };
            let lines: String = settings.into_iter().map(line).collect();
            PROFILE.replace("{settings}\n", &lines)
        }
        Export::Reg => {
            let line = |(key, value): (&str, Value)| {
                format!("\"{key}\"=\"{}\"\r\n", string(&value).replace('\\', "\\\\").replace('"', "\\\""))
            };
            let lines: String = settings.into_iter().map(line).collect();
            format!(
                "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\SOFTWARE\\Policies\\Claude]\r\n{lines}"
            )
        }
    }
}

/// Managed values are strings on macOS and Windows; a list is its JSON text.
fn string(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A configuration profile (Apple: "Configuration Profile Reference"). Its identifiers are the same each time, so that a later
/// one replaces it.
const PROFILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>PayloadContent</key>
  <array>
    <dict>
{settings}
      <key>PayloadIdentifier</key>
      <string>entrad.claude-desktop.settings</string>
      <key>PayloadType</key>
      <string>com.anthropic.claudefordesktop</string>
      <key>PayloadUUID</key>
      <string>0B6B1E0C-53B7-4E1A-9B0B-2F6D3C8A7E15</string>
      <key>PayloadVersion</key>
      <integer>1</integer>
    </dict>
  </array>
  <key>PayloadDisplayName</key>
  <string>Claude Desktop on Microsoft Foundry with entrad</string>
  <key>PayloadIdentifier</key>
  <string>entrad.claude-desktop</string>
  <key>PayloadType</key>
  <string>Configuration</string>
  <key>PayloadUUID</key>
  <string>C1F7A9D2-6E84-4F3B-8C55-71D0E2B49A60</string>
  <key>PayloadVersion</key>
  <integer>1</integer>
</dict>
</plist>
"#;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings() -> Vec<(&'static str, Value)> {
        vec![("helper", r"C:\a & b".into()), ("models", json!(["m \"1\""])), ("seconds", 900.into())]
    }

    #[test]
    fn linux_has_native_types() {
        let text = exported(Export::ManagedSettings, settings());
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, json!({ "helper": r"C:\a & b", "models": ["m \"1\""], "seconds": 900 }));
    }

    #[test]
    fn macos_and_windows_have_strings() {
        let text = exported(Export::Mobileconfig, settings());
        assert!(text.contains("<key>helper</key>\n      <string>C:\\a &amp; b</string>"), "{text}");
        assert!(
            text.contains("<string>900</string>") && text.contains(r#"<string>["m \"1\""]</string>"#),
            "{text}"
        );
        let text = exported(Export::Reg, settings());
        assert!(
            text.contains("\"helper\"=\"C:\\\\a & b\"\r\n") && text.contains("\"seconds\"=\"900\"\r\n"),
            "{text}"
        );
        assert!(text.contains(r#""models"="[\"m \\\"1\\\"\"]""#), "{text}");
    }
}

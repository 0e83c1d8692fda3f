//! Templates for Windows group policies: every setting as a policy (Microsoft: "ADMX syntax", "Group Policy ADMX Syntax
//! Reference Guide").
//!
//! Two files: what a policy writes (ADMX), and the words for it (ADML). Every policy writes strings below the same key as
//! the form for the registry, so that the daemon reads one kind of value.

use entra_proto::config::{ConfigAnswer, Kind, SettingInfo};

use super::xml::escaped;
use super::{is_in_no_file, place};
use crate::text::plain;

/// The two files.
pub(in super::super) struct Policies {
    /// What the policies write.
    pub(in super::super) admx: String,
    /// The words of the language `en-US`.
    pub(in super::super) adml: String,
}

/// A policy for each setting that a managed source may hold.
pub(in super::super) fn written(answer: &ConfigAnswer) -> Policies {
    let settings = || answer.settings.iter().filter(|setting| !is_in_no_file(&setting.key));
    let policies: String = settings().map(policy).collect();
    let strings: String = settings().map(strings).collect();
    let presentations: String = settings().map(presentation).collect();
    Policies {
        admx: ADMX.replace("{policies}\n", &policies),
        adml: ADML.replace("{strings}\n", &strings).replace("{presentations}\n", &presentations),
    }
}

/// The setting's policy, by which it is named in both files and by Intune: letters, digits and underscores alone
/// (`itemName` and `resourceID` of the schema). No two settings have the same.
pub(super) fn policy_name(key: &str) -> String {
    let (profile, key) = place(key);
    let Some(profile) = profile else { return key.to_owned() };
    let safe =
        |c: char| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("_{:02x}", u32::from(c)) };
    format!("profile_{}_{key}", profile.chars().map(safe).collect::<String>())
}

/// What an enabled policy is given its value by: an element, or nothing where it is on or off by itself.
pub(super) fn has_element(setting: &SettingInfo) -> bool {
    setting.kind != Kind::Switch
}

fn policy(setting: &SettingInfo) -> String {
    let name = policy_name(&setting.key);
    let (profile, key) = place(&setting.key);
    let folder = profile.map_or_else(|| ROOT.to_owned(), |profile| format!("{ROOT}\\profile\\{profile}"));
    let (presentation, value) = if has_element(setting) {
        (format!(" presentation=\"$(presentation.{name})\""), String::new())
    } else {
        (String::new(), format!(" valueName=\"{}\"", escaped(key)))
    };
    format!(
        "    <policy name=\"{name}\" class=\"Both\" displayName=\"$(string.{name})\" explainText=\"$(string.{name}_help)\"\
         {presentation} key=\"{}\"{value}>\n      <parentCategory ref=\"entrad\" />\n      \
         <supportedOn ref=\"SUPPORTED_entrad\" />\n{}    </policy>\n",
        escaped(&folder),
        content(setting, &name, &escaped(key))
    )
}

fn content(setting: &SettingInfo, name: &str, key: &str) -> String {
    let head = format!("id=\"{name}\" valueName=\"{key}\" required=\"true\"");
    let element = match setting.kind {
        Kind::Switch => {
            return "      <enabledValue><string>on</string></enabledValue>\n      \
                    <disabledValue><string>off</string></disabledValue>\n"
                .to_owned();
        }
        Kind::Choice => {
            let items = setting.choices.iter().enumerate().map(|(number, choice)| {
                format!(
                    "          <item displayName=\"$(string.{name}_{number})\"><value><string>{}</string></value></item>\n",
                    escaped(choice)
                )
            });
            format!("        <enum {head}>\n{}        </enum>\n", items.collect::<String>())
        }
        Kind::Number => {
            format!(
                "        <decimal {head} minValue=\"0\" maxValue=\"4294967295\" storeAsText=\"true\" />\n"
            )
        }
        Kind::Text | Kind::Path | Kind::Duration | Kind::List | Kind::Choices => {
            format!("        <text {head} maxLength=\"{LONGEST}\" />\n")
        }
    };
    format!("      <elements>\n{element}      </elements>\n")
}

fn strings(setting: &SettingInfo) -> String {
    let name = policy_name(&setting.key);
    let (profile, key) = place(&setting.key);
    let title = profile.map_or_else(|| key.to_owned(), |profile| format!("{key} (profile {profile})"));
    let mut lines = string(&name, &title) + &string(&format!("{name}_help"), &help(setting));
    if setting.kind == Kind::Choice {
        for (number, choice) in setting.choices.iter().enumerate() {
            lines.push_str(&string(&format!("{name}_{number}"), choice));
        }
    }
    lines
}

fn string(id: &str, text: &str) -> String {
    format!("      <string id=\"{id}\">{}</string>\n", escaped(&plain(text)))
}

/// What an administrator reads beside the policy.
fn help(setting: &SettingInfo) -> String {
    let mut sentences = vec![setting.summary.clone()];
    match setting.kind {
        Kind::List => sentences.push(r#"A list as JSON text, such as ["a", "b"]."#.to_owned()),
        Kind::Choices => sentences.push(format!("Some of {}, with commas.", setting.choices.join(", "))),
        Kind::Duration => sentences.push("A time such as 30m, 12h or 7d.".to_owned()),
        Kind::Switch => sentences.push("Enabled is on, Disabled is off.".to_owned()),
        Kind::Text | Kind::Path | Kind::Number | Kind::Choice => {}
    }
    // Where something is by itself differs from machine to machine.
    if let Some(default) = setting.default.as_deref().filter(|_| setting.kind != Kind::Path) {
        sentences.push(format!("Not configured: {}.", default.trim_end_matches('.')));
    }
    if setting.needs_restart {
        sentences.push("A change waits for the next start of entrad.".to_owned());
    }
    sentences.push("What is configured here is locked: no user or program can change it.".to_owned());
    sentences.join(" ")
}

fn presentation(setting: &SettingInfo) -> String {
    if !has_element(setting) {
        return String::new();
    }
    let name = policy_name(&setting.key);
    let label = escaped(place(&setting.key).1);
    let field = match setting.kind {
        Kind::Choice => format!("<dropdownList refId=\"{name}\" noSort=\"true\">{label}</dropdownList>"),
        Kind::Number => format!("<decimalTextBox refId=\"{name}\" spin=\"false\">{label}</decimalTextBox>"),
        _ => format!("<textBox refId=\"{name}\"><label>{label}</label></textBox>"),
    };
    format!("      <presentation id=\"{name}\">{field}</presentation>\n")
}

/// Where the values go, below the machine's or the user's part of the registry.
const ROOT: &str = r"SOFTWARE\Policies\entrad";

/// Without this a text ends after 1023 characters, which a list of tenants may reach.
const LONGEST: u32 = 16_384;

const ADMX: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<policyDefinitions xmlns="http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions" revision="1.0" schemaVersion="1.0">
  <policyNamespaces>
    <target prefix="entrad" namespace="entrad.Policies" />
  </policyNamespaces>
  <resources minRequiredRevision="1.0" />
  <supportedOn>
    <definitions>
      <definition name="SUPPORTED_entrad" displayName="$(string.SUPPORTED_entrad)" />
    </definitions>
  </supportedOn>
  <categories>
    <category name="entrad" displayName="$(string.CATEGORY_entrad)" />
  </categories>
  <policies>
{policies}
  </policies>
</policyDefinitions>
"#;

const ADML: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<policyDefinitionResources xmlns="http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions" revision="1.0" schemaVersion="1.0">
  <displayName>entrad</displayName>
  <description>Settings of entrad, which signs a workstation in to Microsoft Entra ID once and serves tokens to its tools.</description>
  <resources>
    <stringTable>
      <string id="SUPPORTED_entrad">Windows 10, Windows Server 2016 and later</string>
      <string id="CATEGORY_entrad">entrad</string>
{strings}
    </stringTable>
    <presentationTable>
{presentations}
    </presentationTable>
  </resources>
</policyDefinitionResources>
"#;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use roxmltree::Document;

    use super::super::super::words::tests::{answer, setting};
    use super::super::tests::settings;
    use super::*;

    #[test]
    fn every_setting_is_a_policy_with_words() {
        let settings = settings();
        let policies = written(&answer(settings.clone()));
        let admx = Document::parse(&policies.admx).unwrap();
        let adml = Document::parse(&policies.adml).unwrap();
        let ids: BTreeSet<&str> = adml.descendants().filter_map(|node| node.attribute("id")).collect();
        let named = admx.descendants().filter(|node| node.has_tag_name((NAMESPACE, "policy")));
        assert_eq!(named.count(), settings.len());
        for node in admx.descendants() {
            for attribute in node.attributes() {
                let value = attribute.value();
                for table in ["$(string.", "$(presentation."] {
                    if let Some(id) = value.strip_prefix(table).and_then(|rest| rest.strip_suffix(')')) {
                        assert!(ids.contains(id), "{value}");
                        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{id}");
                    }
                }
            }
        }
    }

    #[test]
    fn values_go_where_the_daemon_reads_them() {
        let policies = written(&answer(settings()));
        let document = Document::parse(&policies.admx).unwrap();
        let policy =
            |name: &str| document.descendants().find(|node| node.attribute("name") == Some(name)).unwrap();
        let of_profile = policy("profile_work_2d1_tenant");
        assert_eq!(of_profile.attribute("key"), Some(r"SOFTWARE\Policies\entrad\profile\work-1"));
        let element = of_profile.descendants().find(|node| node.has_tag_name((NAMESPACE, "text"))).unwrap();
        assert_eq!(element.attribute("valueName"), Some("tenant"));
        assert_eq!(policy("forwarding").attribute("valueName"), Some("forwarding"));
        let number = policy("prompts_per_day");
        let decimal = number.descendants().find(|node| node.has_tag_name((NAMESPACE, "decimal"))).unwrap();
        assert_eq!(decimal.attribute("storeAsText"), Some("true"));
        let items =
            policy("store").descendants().filter(|node| node.has_tag_name((NAMESPACE, "item"))).count();
        assert_eq!(items, 2);
    }

    #[test]
    fn names_of_policies_never_meet() {
        let names =
            ["a-b", "a_b", "a_2db", "ab"].map(|profile| policy_name(&format!("profile.{profile}.tenant")));
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }

    #[test]
    fn the_file_that_names_the_file_is_no_policy() {
        let policies = written(&answer(vec![setting("config", Kind::Path)]));
        assert!(!policies.admx.contains("<policy "));
    }

    const NAMESPACE: &str = "http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions";
}

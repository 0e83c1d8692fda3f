//! A device configuration of Intune in the form of Microsoft Graph, for `POST /deviceManagement/deviceConfigurations`
//! (Microsoft: "windows10CustomConfiguration resource type", "omaSettingString resource type").
//!
//! The first setting hands Windows the policy templates of `admx`, each of the others enables one of them (Microsoft: "Win32
//! and Desktop Bridge app ADMX policy Ingestion"). Windows does so in the order in which they stand.

use entra_proto::config::{ConfigAnswer, SettingInfo};
use serde_json::{Value, json};

use super::Typed;
use super::admx::{self, has_element, policy_name};
use super::xml::escaped;
use crate::text::plain;

/// The configuration with these settings, out of all there are.
pub(in super::super) fn written(answer: &ConfigAnswer, settings: &[&SettingInfo]) -> String {
    let templates = oma(
        "Policy templates of entrad",
        "What the other settings refer to.",
        TEMPLATES,
        &admx::written(answer).admx,
    );
    let policies = settings.iter().map(|setting| {
        let uri = format!("{POLICIES}/{}", policy_name(&setting.key));
        oma(&plain(&setting.key), &plain(&setting.summary), &uri, &enabled(setting))
    });
    let configuration = json!({
        "@odata.type": "#microsoft.graph.windows10CustomConfiguration",
        "displayName": "entrad",
        "description": "Settings of entrad, which signs a workstation in to Microsoft Entra ID once and serves tokens to its tools.",
        "omaSettings": std::iter::once(templates).chain(policies).collect::<Vec<_>>(),
    });
    format!("{configuration:#}\n")
}

fn oma(name: &str, description: &str, uri: &str, value: &str) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.omaSettingString",
        "displayName": name,
        "description": description,
        "omaUri": uri,
        "value": value,
    })
}

/// The policy as it is set: an element of its value, or nothing more where it is on or off (Microsoft: "Understanding ADMX
/// policies", "Enabling a policy").
fn enabled(setting: &SettingInfo) -> String {
    let value = Typed::of(setting);
    match value {
        Typed::Switch(false) => "<disabled/>".to_owned(),
        Typed::Switch(true) => "<enabled/>".to_owned(),
        value if has_element(setting) => format!(
            "<enabled/><data id=\"{}\" value=\"{}\"/>",
            policy_name(&setting.key),
            escaped(&value.to_string_value())
        ),
        _ => "<enabled/>".to_owned(),
    }
}

/// Where Windows takes templates: the application, that they are policies, and a name for the file.
const TEMPLATES: &str = "./Device/Vendor/MSFT/Policy/ConfigOperations/ADMXInstall/entrad/Policy/entrad";

/// Where it takes their values: the application, that they are policies, and the category in the templates.
const POLICIES: &str = "./Device/Vendor/MSFT/Policy/Config/entrad~Policy~entrad";

#[cfg(test)]
mod tests {
    use super::super::super::words::tests::answer;
    use super::super::tests::settings;
    use super::*;

    #[test]
    fn the_templates_come_first_and_then_each_setting() {
        let settings = settings();
        let text = written(&answer(settings.clone()), &settings.iter().collect::<Vec<_>>());
        let value: Value = serde_json::from_str(&text).unwrap();
        let oma = value["omaSettings"].as_array().unwrap();
        assert_eq!(oma.len(), settings.len() + 1);
        assert!(oma[0]["omaUri"].as_str().unwrap().contains("/ADMXInstall/entrad/Policy/"));
        roxmltree::Document::parse(oma[0]["value"].as_str().unwrap()).unwrap();
        for (oma, setting) in oma[1..].iter().zip(&settings) {
            let wrapped = format!("<x>{}</x>", oma["value"].as_str().unwrap());
            let document = roxmltree::Document::parse(&wrapped).unwrap();
            let data = document.descendants().find(|node| node.has_tag_name("data"));
            let shown = data.and_then(|data| data.attribute("value")).map(str::to_owned);
            if setting.key == "forwarding" {
                assert!(wrapped.contains("<disabled/>") && shown.is_none());
            } else {
                assert_eq!(shown, Some(Typed::of(setting).to_string_value()));
                assert_eq!(data.unwrap().attribute("id"), Some(policy_name(&setting.key).as_str()));
            }
        }
        let last = oma.last().unwrap()["omaUri"].as_str().unwrap();
        assert_eq!(last, "./Device/Vendor/MSFT/Policy/Config/entrad~Policy~entrad/profile_work_2d1_tenant");
    }
}

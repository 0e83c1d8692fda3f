//! The form of `/etc/entrad/managed.d`, which is also that of every other file of settings.

use entra_proto::config::SettingInfo;
use toml_edit::{Array, DocumentMut, Item, Table, value};

use super::{Typed, by_profile, place};

/// The file's text, each setting below what it is for.
pub(in super::super) fn written(settings: &[&SettingInfo]) -> String {
    let mut document = DocumentMut::new();
    for (profile, settings) in by_profile(settings) {
        let mut table = Table::new();
        for (number, setting) in settings.iter().enumerate() {
            let name = place(&setting.key).1;
            table.insert(name, typed(setting));
            if let Some(mut key) = table.key_mut(name) {
                let gap = if number == 0 { "" } else { "\n" };
                key.leaf_decor_mut().set_prefix(format!("{gap}{}", comment(&setting.summary)));
            }
        }
        match profile {
            None => *document.as_table_mut() = table,
            Some(name) => {
                let profiles = document.entry("profile").or_insert_with(|| {
                    let mut profiles = Table::new();
                    profiles.set_implicit(true);
                    Item::Table(profiles)
                });
                if let Some(profiles) = profiles.as_table_mut() {
                    table.decor_mut().set_prefix("\n");
                    profiles.insert(name, Item::Table(table));
                }
            }
        }
    }
    format!("{HEAD}\n{document}")
}

fn typed(setting: &SettingInfo) -> Item {
    match Typed::of(setting) {
        Typed::List(items) => value(items.into_iter().collect::<Array>()),
        Typed::Number(number) => value(number),
        switch @ Typed::Switch(_) => value(switch.to_string_value()),
        Typed::Text(text) => value(text),
    }
}

/// The summary as a comment of one line, which no control character may be in (TOML 1.0, "Comment").
fn comment(summary: &str) -> String {
    format!("# {}\n", crate::text::plain(summary))
}

const HEAD: &str = "# Settings of entrad, for /etc/entrad/managed.d. The file and its folder must be root's, and nobody else may write to them.\n";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::settings;
    use super::*;

    #[test]
    fn what_a_parser_reads_is_what_was_meant() {
        let settings = settings();
        let text = written(&settings.iter().collect::<Vec<_>>());
        let document: DocumentMut = text.parse().unwrap();
        let item = |path: &[&str]| path.iter().fold(document.as_item(), |item, key| &item[*key]).clone();
        assert_eq!(item(&["tenant"]).as_str(), settings[0].value.as_ref().unwrap().as_str());
        assert_eq!(item(&["prompts_per_day"]).as_integer(), Some(5));
        assert_eq!(item(&["forwarding"]).as_str(), Some("off"));
        let domains: Vec<String> = item(&["allowed_domains"])
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_str().unwrap().into())
            .collect();
        assert_eq!(json!(domains), json!(["a.com", "b\"\\.com"]));
        assert_eq!(item(&["profile", "work-1", "tenant"]).as_str(), Some("contoso.com"));
    }

    #[test]
    fn each_setting_stands_below_what_it_is_for() {
        let settings = settings();
        let text = written(&[&settings[1], &settings[6]]);
        assert_eq!(
            text.strip_prefix(HEAD).unwrap(),
            "\n# What prompts_per_day is for.\nprompts_per_day = 5\n\n[profile.work-1]\n\
             # What profile.work-1.tenant is for.\ntenant = \"contoso.com\"\n"
        );
    }
}

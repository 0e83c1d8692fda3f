//! A configuration profile of macOS: managed preferences of the domain `dev.entrad` (Apple: "Configuration Profile
//! Reference", "Profile-specific payload keys").
//!
//! Values have the types of property lists. The identifiers are the same each time, so that a later profile replaces an
//! earlier one, and the UUIDs are made of the content, so that a second export is the first, byte for byte.

use entra_proto::config::SettingInfo;
use sha2::{Digest, Sha256};

use super::xml::escaped;
use super::{Typed, by_profile, place};

/// The profile with these settings.
pub(in super::super) fn written(settings: &[&SettingInfo]) -> String {
    let mut values = String::new();
    for (profile, settings) in by_profile(settings) {
        let Some(name) = profile else {
            entries(&mut values, 3, &settings);
            continue;
        };
        // All profiles are in one dictionary, which stands behind the settings of the default one.
        if !values.contains(PROFILES) {
            values.push_str(PROFILES);
        }
        values.push_str(&format!("{}<key>{}</key>\n{}<dict>\n", tabs(4), escaped(name), tabs(4)));
        entries(&mut values, 5, &settings);
        values.push_str(&format!("{}</dict>\n", tabs(4)));
    }
    if values.contains(PROFILES) {
        values.push_str(&format!("{}</dict>\n", tabs(3)));
    }
    TEMPLATE
        .replace("{domain}", DOMAIN)
        .replace("{payload}", &uuid("payload", &values))
        .replace("{profile}", &uuid("profile", &values))
        .replace("{settings}\n", &values)
}

/// A key and a value each.
fn entries(lines: &mut String, depth: usize, settings: &[&SettingInfo]) {
    let tabs = tabs(depth);
    for setting in settings {
        lines.push_str(&format!("{tabs}<key>{}</key>\n", escaped(place(&setting.key).1)));
        match Typed::of(setting) {
            Typed::List(items) => {
                lines.push_str(&format!("{tabs}<array>\n"));
                for item in items {
                    lines.push_str(&format!("{tabs}\t<string>{}</string>\n", escaped(&item)));
                }
                lines.push_str(&format!("{tabs}</array>\n"));
            }
            Typed::Number(number) => lines.push_str(&format!("{tabs}<integer>{number}</integer>\n")),
            Typed::Switch(true) => lines.push_str(&format!("{tabs}<true/>\n")),
            Typed::Switch(false) => lines.push_str(&format!("{tabs}<false/>\n")),
            Typed::Text(text) => lines.push_str(&format!("{tabs}<string>{}</string>\n", escaped(&text))),
        }
    }
}

fn tabs(depth: usize) -> String {
    "\t".repeat(depth)
}

/// A UUID of the settings' digest (RFC 9562 section 5.8, version 8), in capitals as macOS writes them.
fn uuid(what: &str, settings: &str) -> String {
    let digest = Sha256::new().chain_update(what).chain_update([0]).chain_update(settings).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// The preference domain.
const DOMAIN: &str = "dev.entrad";

/// What the dictionary of profiles begins with. The name of a setting cannot be in it.
const PROFILES: &str = "\t\t\t<key>profile</key>\n\t\t\t<dict>\n";

/// `System`: for every user of the machine, and out of a user's reach.
const TEMPLATE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>PayloadContent</key>
	<array>
		<dict>
			<key>PayloadDisplayName</key>
			<string>entrad</string>
			<key>PayloadIdentifier</key>
			<string>{domain}.profile.settings</string>
			<key>PayloadType</key>
			<string>{domain}</string>
			<key>PayloadUUID</key>
			<string>{payload}</string>
			<key>PayloadVersion</key>
			<integer>1</integer>
{settings}
		</dict>
	</array>
	<key>PayloadDescription</key>
	<string>Settings of entrad, which signs this Mac in to Microsoft Entra ID once and serves tokens to its tools.</string>
	<key>PayloadDisplayName</key>
	<string>entrad</string>
	<key>PayloadIdentifier</key>
	<string>{domain}.profile</string>
	<key>PayloadScope</key>
	<string>System</string>
	<key>PayloadType</key>
	<string>Configuration</string>
	<key>PayloadUUID</key>
	<string>{profile}</string>
	<key>PayloadVersion</key>
	<integer>1</integer>
</dict>
</plist>
"#;

#[cfg(test)]
mod tests {
    use super::super::tests::settings;
    use super::*;

    fn text() -> String {
        let settings = settings();
        written(&settings.iter().collect::<Vec<_>>())
    }

    #[test]
    fn values_have_the_types_of_property_lists() {
        let text = text();
        for part in [
            "\t\t\t<key>prompts_per_day</key>\n\t\t\t<integer>5</integer>\n",
            "\t\t\t<key>forwarding</key>\n\t\t\t<false/>\n",
            "\t\t\t<key>allowed_domains</key>\n\t\t\t<array>\n\t\t\t\t<string>a.com</string>\n",
            "\t\t\t<key>profile</key>\n\t\t\t<dict>\n\t\t\t\t<key>work-1</key>\n\t\t\t\t<dict>\n\
             \t\t\t\t\t<key>tenant</key>\n\t\t\t\t\t<string>contoso.com</string>\n\t\t\t\t</dict>\n\t\t\t</dict>\n\t\t</dict>\n",
            "<string>a &quot;b&quot; &lt;c&gt; &amp; 'd' \\ e \u{fc}\u{1f511}</string>",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains('{'), "{text}");
    }

    #[test]
    fn a_second_export_is_the_first_and_another_one_is_told_from_it() {
        assert_eq!(text(), text());
        let settings = settings();
        let other = written(&[&settings[1]]);
        let uuids = |text: &str| -> Vec<String> {
            let after = text.split("UUID</key>").skip(1).map(|rest| rest.trim_start());
            after.map(|rest| rest["<string>".len()..][..36].to_owned()).collect()
        };
        let all = [uuids(&text()), uuids(&other)].concat();
        assert_eq!(all.len(), 4);
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
        for uuid in all {
            assert!(crate::text::is_guid(&uuid) && uuid.as_bytes()[14] == b'8', "{uuid}");
            assert!(b"89AB".contains(&uuid.as_bytes()[19]), "{uuid}");
        }
    }
}

//! Values of the Windows registry, as its editor writes and imports them (Microsoft: "How to add, modify, or delete registry
//! subkeys and values by using a .reg file").
//!
//! Every value is a string (`REG_SZ`), as device managements write them: a list is its JSON text. Profiles are subkeys.

use entra_proto::config::SettingInfo;

use super::{Typed, by_profile, place};

/// The file's text.
pub(in super::super) fn written(settings: &[&SettingInfo]) -> String {
    let mut lines = format!("{HEAD}\r\n");
    for (profile, settings) in by_profile(settings) {
        let key = profile.map_or_else(|| ROOT.to_owned(), |name| format!("{ROOT}\\profile\\{name}"));
        lines.push_str(&format!("\r\n[{key}]\r\n"));
        for setting in settings {
            let value = Typed::of(setting).to_string_value();
            lines.push_str(&format!("\"{}\"=\"{}\"\r\n", quoted(place(&setting.key).1), quoted(&value)));
        }
    }
    lines
}

/// The same as the editor writes it: UTF-16, little-endian, with a byte order mark. Without one it takes a file for text in
/// the system's code page.
pub(in super::super) fn encoded(text: &str) -> Vec<u8> {
    std::iter::once(BYTE_ORDER_MARK).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

const HEAD: &str = "Windows Registry Editor Version 5.00";

/// Where administrators' settings for every user of the machine are; only they may write there.
const ROOT: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\entrad";

const BYTE_ORDER_MARK: u16 = 0xfeff;

#[cfg(test)]
mod tests {
    use super::super::tests::settings;
    use super::*;

    #[test]
    fn every_value_is_a_string_and_a_profile_a_subkey() {
        let settings = settings();
        assert_eq!(
            written(&settings.iter().collect::<Vec<_>>()),
            "Windows Registry Editor Version 5.00\r\n\r\n\
             [HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\entrad]\r\n\
             \"tenant\"=\"a \\\"b\\\" <c> & 'd' \\\\ e \u{fc}\u{1f511}\"\r\n\
             \"prompts_per_day\"=\"5\"\r\n\"forwarding\"=\"off\"\r\n\"snooze\"=\"30m\"\r\n\"store\"=\"auto\"\r\n\
             \"allowed_domains\"=\"[\\\"a.com\\\",\\\"b\\\\\\\"\\\\\\\\.com\\\"]\"\r\n\r\n\
             [HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\entrad\\profile\\work-1]\r\n\
             \"tenant\"=\"contoso.com\"\r\n"
        );
    }

    #[test]
    fn the_bytes_are_those_of_the_registrys_editor() {
        assert_eq!(encoded("a\u{fc}\u{1f511}"), [0xff, 0xfe, b'a', 0, 0xfc, 0, 0x3d, 0xd8, 0x11, 0xdd]);
    }
}

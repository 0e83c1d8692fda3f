//! The rules of who may ask for what, as the layers have them: texts, in the order in which they count.
//!
//! Other settings override each other, rules add up: an administrator's stand first, and what stands first decides. Of a source
//! that cannot be used and may hold rules nobody knows what it forbids. It keeps its place among the others, for whoever makes
//! rules of the texts to shut.

use entra_proto::config as wire;

use super::layer::Layer;
use super::source::{Setting, Source};
use super::values;

/// What one source says of who may ask for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyPart {
    /// Its text, line by line.
    Lines(Setting<Vec<String>>),
    /// It cannot be used, and may hold rules.
    Unread {
        /// Its layer.
        layer: wire::Layer,
        /// The source.
        place: String,
        /// Why, in sentences.
        reason: String,
    },
}

/// The name of the setting.
pub(super) const POLICY: &str = "policy";

/// The part that a layer holds, if any.
pub(super) fn of_layer(layer: &Layer) -> Option<PolicyPart> {
    let setting = layer.get(POLICY)?;
    Some(match values::list(&setting.value) {
        Ok(lines) => PolicyPart::Lines(Setting { value: lines, source: setting.source.clone() }),
        Err(reason) => PolicyPart::Unread {
            layer: setting.source.layer(),
            place: setting.source.to_string(),
            reason: format!("`{POLICY}` cannot be read: {reason}."),
        },
    })
}

/// The strongest first, and before all others those that only an administrator can have written.
pub(super) fn in_order<T>(
    strongest_first: impl Iterator<Item = T>,
    is_administrators: impl FnMut(&T) -> bool,
) -> impl Iterator<Item = T> {
    let (first, then): (Vec<T>, Vec<T>) = strongest_first.partition(is_administrators);
    first.into_iter().chain(then)
}

/// The lines of all layers as one value, with the source of the strongest.
pub(super) fn joined<'a>(
    strongest_first: impl Iterator<Item = &'a Setting<String>>,
) -> Option<Setting<String>> {
    let mut all = in_order(strongest_first, |setting| setting.source.is_administrators()).peekable();
    let source: Source = all.peek()?.source.clone();
    let lines: Vec<String> =
        all.flat_map(|setting| values::list(&setting.value).unwrap_or_default()).collect();
    Some(Setting { value: serde_json::to_string(&lines).ok()?, source })
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::super::locks_tests::{Machine, is_administrator};
    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_may_hold_rules_unless_it_is_seen_to_hold_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let may_hold = || file::may_hold(&path, POLICY);
        assert!(!may_hold(), "it is not there");
        let texts: [(&[u8], bool); 5] = [
            (b"tenent = 1", false),
            (b"tenent = 1\npolicy = 'deny'", true),
            (b"tenant = \npolicy = 'deny'", true),
            (b"\"\\u0070olicy\" = 'deny'", true),
            (b"tenent = '\xff'", true),
        ];
        for (text, expected) in texts {
            std::fs::write(&path, text).unwrap();
            assert_eq!(may_hold(), expected, "{text:?}");
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(may_hold(), "it cannot be read");
    }

    #[test]
    fn rules_of_all_layers_count_and_an_administrators_stand_first() {
        let mut machine = Machine::new();
        if !is_administrator(&machine) {
            return;
        }
        machine.set_user("policy = \"\"\"\n# mine\nallow resource=arm\"\"\"\n");
        machine.set_variable("ENTRAD_POLICY", "deny\tagent ");
        let texts = |machine: &Machine| {
            let config = machine.load().unwrap();
            let parts = config.policy.iter().map(|part| match part {
                PolicyPart::Lines(setting) => (setting.source.layer(), setting.value.clone()),
                PolicyPart::Unread { reason, .. } => panic!("{reason}"),
            });
            (parts.collect::<Vec<_>>(), config)
        };
        let lines = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
        let own = [
            (wire::Layer::Environment, lines(&["deny agent"])),
            (wire::Layer::User, lines(&["# mine", "allow resource=arm"])),
        ];
        assert_eq!(texts(&machine).0, own);
        machine.write("config.toml", "policy = [\"deny container\", \"deny\\nallow\"]\n");
        machine.write("managed.d/10-it.toml", "policy = \"deny forwarded\"\n");
        machine.write("managed.d/20-it.toml", "policy = \"allow forwarded resource=arm\"\n");
        let (parts, config) = texts(&machine);
        let layers: Vec<_> = parts.iter().map(|(layer, _)| *layer).collect();
        let (managed, machines) = (wire::Layer::Managed, wire::Layer::Machine);
        assert_eq!(layers, [managed, managed, machines, wire::Layer::Environment, wire::Layer::User]);
        assert_eq!(parts[0].1, lines(&["allow forwarded resource=arm"]), "the later name is the stronger");
        assert_eq!(parts[2].1, lines(&["deny container", "deny", "allow"]));
        let told = config.answer(Vec::new(), 0, Vec::new());
        let told = told.settings.into_iter().find(|setting| setting.key == POLICY).unwrap();
        let value = told.value.unwrap();
        assert_eq!(value.as_array().unwrap().len(), 8, "{value}");
        assert!(told.is_locked && told.overrides.is_empty(), "nothing is overridden");
        let before = machine.load().unwrap();
        machine.set_user("policy = \"allow resource=graph\"\n");
        assert_eq!(before.differing(&machine.load().unwrap()), [POLICY], "also below a managed one");
    }
}

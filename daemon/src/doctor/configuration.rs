//! Settings: whether every source of them could be read, and what is locked.

use entra_proto::config::ConfigAnswer;
use entra_proto::doctor::Check;

use super::check::{Finding, Named, waits_for};

/// Whether all of it is used.
pub(super) const VALID: Named = Named::new("configuration.valid", 50);
/// What only an administrator can change.
pub(super) const LOCKS: Named = Named::new("configuration.locks", 50);
/// What waits for the next start.
pub(super) const RESTART: Named = Named::new("configuration.restart", 50);

/// What the configuration says of itself. `fault` is why what the sources say cannot be put in force: a daemon that runs goes on
/// with what it had, and none starts.
pub(super) fn look(config: &ConfigAnswer, fault: Option<&str>, is_running: bool) -> Vec<Check> {
    let valid = VALID.found(None, valid(config, fault, is_running));
    if fault.is_some() && !is_running {
        return vec![valid, LOCKS.found(None, waits_for(VALID)), RESTART.found(None, waits_for(VALID))];
    }
    vec![valid, LOCKS.found(None, locks(config)), RESTART.found(None, restart(config))]
}

fn valid(config: &ConfigAnswer, fault: Option<&str>, is_running: bool) -> Finding {
    let mut faults: Vec<String> = fault.map(sentence).into_iter().collect();
    for left_out in config.sources.iter().filter_map(|source| source.fault.as_deref()).map(sentence) {
        if !faults.contains(&left_out) {
            faults.push(left_out);
        }
    }
    if !faults.is_empty() {
        let until_then = match (fault, is_running) {
            (Some(_), true) => "until then all settings stay as they were, and entrad would not start again",
            (Some(_), false) => "entrad does not start before",
            // What is the user's own is left out where it is bad.
            (None, _) => "until then entrad does without it",
        };
        return Finding::failed(
            faults.join(" "),
            format!("Correct it, and run `entra config check`; {until_then}."),
        );
    }
    let is_used = |settings: Option<u32>| settings.is_some();
    let used = config.sources.iter().filter(|source| is_used(source.settings));
    let used: Vec<&str> = used.map(|source| source.place.as_str()).collect();
    if used.is_empty() {
        return Finding::good(
            "No file holds settings: all are built in, from the environment or from the command line.",
        );
    }
    Finding::good(format!("Settings are read from {}.", used.join(", ")))
}

fn sentence(fault: &str) -> String {
    if fault.ends_with(['.', '?']) { fault.to_owned() } else { format!("{fault}.") }
}

fn locks(config: &ConfigAnswer) -> Finding {
    let locked = config.settings.iter().filter(|setting| setting.is_locked);
    let locked: Vec<String> =
        locked.map(|setting| format!("{} by {}", setting.key, setting.origin.place)).collect();
    if locked.is_empty() {
        return Finding::good("Nothing is locked by an administrator.");
    }
    Finding::good(format!("Locked by an administrator: {}.", locked.join(", ")))
}

fn restart(config: &ConfigAnswer) -> Finding {
    if config.waiting_for_restart.is_empty() {
        return Finding::good("All settings are in force.");
    }
    let keys = config.waiting_for_restart.join(", ");
    Finding::warning(format!("A new value waits for entrad's next start: {keys}."), "Restart entrad.")
}

#[cfg(test)]
mod tests {
    use entra_proto::config::{Kind, Layer, Origin, SettingInfo, SourceInfo};
    use entra_proto::doctor::CheckResult;

    use super::*;

    fn config() -> ConfigAnswer {
        ConfigAnswer {
            settings: Vec::new(),
            sources: Vec::new(),
            egress: Vec::new(),
            applied_on: 0,
            waiting_for_restart: Vec::new(),
        }
    }

    fn results(config: &ConfigAnswer) -> Vec<CheckResult> {
        look(config, None, true).iter().map(|check| check.result).collect()
    }

    #[test]
    fn a_source_that_is_refused_is_told_in_its_own_words() {
        let mut config = config();
        assert_eq!(results(&config), [CheckResult::Good; 3]);
        let fault = "/home/ada/.config/entrad/config.toml:3: `tenat` is no key; did you mean `tenant`?";
        let (layer, place) = (Layer::User, "/home/ada/.config/entrad/config.toml".to_owned());
        config.sources.push(SourceInfo { layer, place, settings: None, fault: Some(fault.to_owned()) });
        config.waiting_for_restart.push("socket".to_owned());
        let checks = look(&config, None, true);
        assert_eq!((checks[0].result, checks[0].evidence.as_str()), (CheckResult::Failed, fault));
        assert_eq!(checks[2].result, CheckResult::Warning);
    }

    #[test]
    fn a_lock_is_named_with_its_place() {
        let mut config = config();
        config.settings.push(SettingInfo {
            key: "tenant".to_owned(),
            kind: Kind::Text,
            choices: Vec::new(),
            value: None,
            origin: Origin { layer: Layer::Managed, place: "/etc/entrad/managed.d/10-it.toml:2".to_owned() },
            is_locked: true,
            overrides: Vec::new(),
            summary: String::new(),
            default: None,
            needs_restart: false,
            is_administrators: false,
            is_of_profile: true,
        });
        let check = &look(&config, None, true)[1];
        assert_eq!(
            check.evidence,
            "Locked by an administrator: tenant by /etc/entrad/managed.d/10-it.toml:2."
        );
    }

    #[test]
    fn what_cannot_be_used_at_all_leaves_nothing_to_look_at() {
        let fault = "/etc/entrad/config.toml:1: this is no TOML.";
        let checks = look(&config(), Some(fault), false);
        assert_eq!((checks[0].result, checks[0].evidence.as_str()), (CheckResult::Failed, fault));
        assert!(checks[1..].iter().all(|check| check.result == CheckResult::Skipped));
    }

    #[test]
    fn what_a_running_entrad_refused_leaves_it_as_it_was() {
        let mut config = config();
        let (machine, user) =
            ("/etc/entrad/config.toml:1: this is no TOML", "/home/ada/config.toml:1: nor is this");
        for (layer, fault) in [(Layer::Machine, machine), (Layer::User, user)] {
            let place = fault.split(':').next().unwrap_or_default().to_owned();
            config.sources.push(SourceInfo { layer, place, settings: None, fault: Some(fault.to_owned()) });
        }
        let checks = look(&config, Some(machine), true);
        assert_eq!(checks[0].evidence, format!("{machine}. {user}."), "each once");
        assert!(checks[0].remedy.as_deref().is_some_and(|remedy| remedy.contains("stay as they were")));
        assert_eq!(checks[1].result, CheckResult::Good, "what is in force is looked at");
    }
}

//! The one table of settings: name, kind, choices, what it is for, its default, who may set it and when a change holds.
//!
//! Files, environment, command line, managed sources, `GET /v1/config` and all that is made of its answer read this table, so
//! a key is described once. What its values may be is checked here too, as each layer is read: a value that passed is good
//! for whoever reads the settings.

use entra_proto::config::Kind;

use super::confine::CONFINE;
use super::lock_on::{SCREEN_LOCK, SUSPEND};
use super::policy::POLICY;
use super::values::{self, Between, Given, Wrong};
use super::{LoopbackChoice, QuietHours, most_like};

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name: as it stands in TOML, in upper case behind `ENTRAD_` in the environment, with hyphens on the command line.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// The words that it may be, or that its list may have, where there are no others.
    pub choices: &'static [&'static str],
    /// What it is for, in one sentence.
    pub summary: &'static str,
    /// What it is where nobody set it.
    pub default: Unset,
    /// Whether each profile has its own; the default profile's stands at the top level.
    pub is_of_profile: bool,
    /// Whether a change waits for the daemon's next start.
    pub needs_restart: bool,
    /// Whether only an administrator's source may set it.
    pub is_administrators: bool,
    /// Whether the values of all layers count, and not the strongest alone.
    pub adds_up: bool,
    /// What stands for its value in the help of the command line.
    pub value_name: &'static str,
    between: Between,
    expected: &'static str,
    check: fn(&str) -> Result<(), String>,
}

/// Characters of a message's reason.
const LONGEST_REASON: usize = 300;

/// What a key is where nobody set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unset {
    /// Not set.
    Nothing,
    /// This value.
    Value(&'static str),
    /// What these words describe; the system decides.
    Described(&'static str),
}

impl Key {
    /// The value as layers keep it: lists as JSON, switches as `on` and `off`, all else as written.
    pub(super) fn take(&self, given: Given) -> Result<String, Wrong> {
        let text = values::canonical(self.kind, self.between, given)?;
        // It may have parts of the value.
        let wrong = |reason: String| {
            let reason = values::one_line(&reason, LONGEST_REASON);
            Wrong::Value { expected: self.expected(), reason }
        };
        if !self.choices.is_empty() {
            let words = match self.kind {
                Kind::Choices => values::list(&text).map_err(wrong)?,
                _ => vec![text.clone()],
            };
            if let Some(word) = words.iter().find(|word| !self.choices.contains(&word.as_str())) {
                return Err(wrong(format!("`{}` is none of these", values::shown(word))));
            }
        }
        (self.check)(&text).map_err(wrong)?;
        Ok(text)
    }

    /// What its values should be, after "should be".
    #[must_use]
    pub fn expected(&self) -> String {
        if !self.expected.is_empty() {
            return self.expected.to_owned();
        }
        let words = self.choices.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        match self.kind {
            Kind::Choice => format!("one of {words}"),
            Kind::Choices => format!("a list of some of {words}"),
            kind => values::described(kind).to_owned(),
        }
    }

    const fn of_profile(mut self) -> Self {
        self.is_of_profile = true;
        self
    }

    const fn at_restart(mut self) -> Self {
        self.needs_restart = true;
        self
    }

    const fn by_administrators(mut self) -> Self {
        self.is_administrators = true;
        self
    }

    const fn adding_up(mut self) -> Self {
        self.adds_up = true;
        self
    }

    const fn unset(mut self, default: &'static str) -> Self {
        self.default = Unset::Value(default);
        self
    }

    const fn unset_is(mut self, words: &'static str) -> Self {
        self.default = Unset::Described(words);
        self
    }

    const fn out_of(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }

    const fn with_between(mut self, between: Between) -> Self {
        self.between = between;
        self
    }

    const fn checked(mut self, expected: &'static str, check: fn(&str) -> Result<(), String>) -> Self {
        self.expected = expected;
        self.check = check;
        self
    }
}

/// The key of this full name, `profile.NAME.key` for a profile's.
#[must_use]
pub fn find(full: &str) -> Option<&'static Key> {
    match profile_of(full) {
        Some((_, name)) => KEYS.iter().find(|key| key.is_of_profile && key.name == name),
        None => KEYS.iter().find(|key| key.name == full),
    }
}

/// The profile and the key within it, of `profile.NAME.key`.
pub(super) fn profile_of(full: &str) -> Option<(&str, &str)> {
    full.strip_prefix("profile.")?.rsplit_once('.')
}

/// Whether a file or a managed source may have it.
pub(super) fn is_of_files(key: &Key) -> bool {
    key.name != FILE
}

/// The full name nearest to `full`, which is none.
pub(super) fn nearest(full: &str) -> String {
    let (prefix, name) = match profile_of(full) {
        Some((profile, name)) => (format!("profile.{profile}."), name),
        None => (String::new(), full),
    };
    let fitting = KEYS.iter().filter(|key| is_of_files(key) && (prefix.is_empty() || key.is_of_profile));
    let nearest = most_like(name, fitting.map(|key| key.name)).unwrap_or("tenant");
    format!("{prefix}{nearest}")
}

/// The key that names the user's file, and so cannot stand in one.
pub(super) const FILE: &str = "config";

const STORES: &[&str] =
    &["auto", "secret-service", "keychain", "dpapi", "systemd-creds", "keyutils", "passphrase", "memory"];
const CLOUDS: &[&str] = &["public", "us_government", "china"];
const FLOWS: &[&str] = &["device_code", "browser"];

const fn key(name: &'static str, kind: Kind, value_name: &'static str, summary: &'static str) -> Key {
    Key {
        name,
        kind,
        choices: &[],
        summary,
        default: Unset::Nothing,
        is_of_profile: false,
        needs_restart: false,
        is_administrators: false,
        adds_up: false,
        value_name,
        between: Between::Commas,
        expected: "",
        check: values::anything,
    }
}

/// Every setting, in the order in which they are shown.
pub const KEYS: &[Key] = &[
    key(FILE, Kind::Path, "FILE", "Configuration file.")
        .unset_is("entrad/config.toml in the configuration folder")
        .at_restart(),
    key("socket", Kind::Path, "PATH", "Socket or pipe to listen on.").unset_is("the system's place for sockets").at_restart(),
    key("state_dir", Kind::Path, "FOLDER", "Folder for the sealed file, the lock and the audit log.")
        .unset_is("entrad in the state folder")
        .at_restart(),
    key("store", Kind::Choice, "HOME", "Home of the sealing key.").out_of(STORES).unset("auto").at_restart(),
    key("passphrase_file", Kind::Path, "FILE", "File that holds the passphrase, readable by you alone.").at_restart(),
    key("passphrase_fd", Kind::Number, "NUMBER", "Open file descriptor to read the passphrase from.")
        .checked("a number from 0 to 65535", values::descriptor)
        .at_restart(),
    key("stay_locked", Kind::Switch, "SWITCH", "Whether entrad, once locked, is locked after a restart as well.")
        .unset("on")
        .at_restart(),
    key("lock_on", Kind::Choices, "EVENTS", "What locks entrad by itself: the screen's lock, the machine going to sleep. Linux only.")
        .out_of(&[SCREEN_LOCK, SUSPEND])
        .at_restart(),
    key("unlock_on_return", Kind::Switch, "SWITCH", "Whether what locked entrad by itself unlocks it again, where the store hands out the key.")
        .unset("off")
        .at_restart(),
    key("cloud", Kind::Choice, "CLOUD", "Cloud of the profile.").out_of(CLOUDS).unset("public").of_profile(),
    key("tenant", Kind::Text, "TENANT", "Tenant of the profile: an id, a domain, or organizations.")
        .unset("organizations")
        .of_profile(),
    key("client_id", Kind::Text, "GUID", "App registration (client id) of the profile.").of_profile(),
    key("authority", Kind::Text, "ORIGIN", "Another sign-in host for the profile, on loopback unless an administrator names it.")
        .unset_is("the cloud's own")
        .of_profile(),
    key("loopback", Kind::Text, "PORT", "Loopback port for tools that cannot speak to the socket: auto (chosen once and kept), off, or a number.")
        .checked(LoopbackChoice::EXPECTED, values::loopback)
        .unset("auto")
        .at_restart(),
    key("confine", Kind::Choice, "WHEN", "When the kernel is to hold entrad to its own files (Linux): as a service, always, or never.")
        .out_of(CONFINE)
        .unset("service")
        .at_restart(),
    key("flows", Kind::Choices, "FLOWS", "Ways to sign in, in the order in which they are tried.")
        .out_of(FLOWS)
        .checked("`device_code`, `browser`, or both with a comma between; the first is tried first", values::flows)
        .unset("device_code,browser"),
    key("notify", Kind::Choice, "WAY", "Whether the desktop notifies you when a person is needed.")
        .out_of(&["auto", "off"])
        .unset("auto"),
    key("notify_command", Kind::List, "COMMAND", "What your service manager runs when a person is needed: a program and its arguments, read by no shell.")
        .checked("a program and its arguments: a list of words, or words with spaces between", values::anything)
        .with_between(Between::Spaces),
    key("quiet_hours", Kind::Text, "HOURS", "When you are not to be asked, such as 22:00-07:00, or off.")
        .checked(QuietHours::EXPECTED, values::quiet_hours)
        .unset("off"),
    key("snooze", Kind::Duration, "TIME", "How long Later is, and after which time you are reminded.")
        .checked("a time from a minute to a week, such as `30m` or `1h`", values::snooze)
        .unset("1h"),
    key("prompts_per_day", Kind::Number, "NUMBER", "How often you are asked for an account within 24 hours.")
        .checked("a number up to 1000", values::prompts_per_day)
        .unset("5"),
    key("ask_ahead", Kind::Duration, "TIME", "How long before Entra is expected to want a new sign-in you are asked for it, or off.")
        .checked("a time from a minute to a week, such as `1d`, or `off`", values::ask_ahead)
        .unset("off"),
    key("foundry_resource", Kind::Text, "NAME", "The Foundry resource, by its name or the address of its endpoint, that setup and doctor take where none is named.")
        .checked("the name of a Foundry resource, or its endpoint's https address", values::foundry_resource),
    key("adopt_claude_desktop", Kind::Switch, "SWITCH", "Whether tenant, client_id and foundry_resource of Claude Desktop's managed settings are taken where nobody names others.")
        .unset("on")
        .by_administrators(),
    key("allowed_clouds", Kind::Choices, "CLOUDS", "Clouds that accounts may be of.").out_of(CLOUDS).by_administrators().checked("", values::some),
    key("allowed_tenants", Kind::List, "TENANTS", "Tenants that may be asked for tokens, as ids or domains, each in every form that is used.")
        .by_administrators()
        .checked("", values::some),
    key("allowed_client_ids", Kind::List, "GUIDS", "App registrations that may be used.").by_administrators().checked("", values::some),
    key("allowed_domains", Kind::List, "DOMAINS", "Domains of the user names that may sign in.").by_administrators().checked("", values::some),
    key("allowed_resources", Kind::List, "RESOURCES", "Resources that tokens may be asked for, as addresses or short names.")
        .by_administrators()
        .checked("", values::some),
    key("allowed_stores", Kind::Choices, "HOMES", "Homes of the sealing key that may be used.")
        .out_of(STORES)
        .by_administrators()
        .checked("", values::some)
        .at_restart(),
    key("forbidden_flows", Kind::Choices, "FLOWS", "Ways to sign in that nobody may use.").out_of(FLOWS).by_administrators(),
    key("dialects", Kind::Choices, "DIALECTS", "Dialects that are served: the managed identity of App Service, azd, and container registries.")
        .out_of(&["managed_identity", "azd", "registry"])
        .unset("managed_identity,azd,registry"),
    key("leases", Kind::Switch, "SWITCH", "Whether leases are made and taken.").unset("on"),
    key("agent_budget", Kind::Number, "NUMBER", "How many tokens each AI agent may have within an hour.")
        .checked("a number up to 1000000", values::agent_budget)
        .unset("600"),
    key("longest_lease", Kind::Duration, "TIME", "How long a lease may stand; with it, every lease ends.")
        .checked("a time from a minute to ten years, such as `12h`", values::longest_lease),
    key("forwarding", Kind::Switch, "SWITCH", "Whether callers are served that come from another machine or container: an SSH server's process, or one of another process namespace.")
        .unset("on"),
    key(POLICY, Kind::List, "RULES", "Rules of who may ask for what, one a line; those of all layers count, an administrator's first.")
        .checked("rules, one a line, such as `deny forwarded resource=graph`", values::anything)
        .with_between(Between::Lines)
        .adding_up(),
    key("consent_timeout", Kind::Duration, "TIME", "How long a person has to answer where a rule says `ask`.")
        .checked("a time from five seconds to a day, such as `2m`", values::consent_timeout)
        .unset("2m"),
    key("consent_remember", Kind::Switch, "SWITCH", "Whether a person can allow for good what a rule says `ask` about.").unset("on"),
    key("sign_in_page", Kind::Switch, "SWITCH", "Whether pages for signing in are opened on this machine.").unset("on"),
    key("https_proxy", Kind::Text, "URL", "Proxy for https addresses.").checked(values::PROXY, values::proxy),
    key("http_proxy", Kind::Text, "URL", "Proxy for http addresses.").checked(values::PROXY, values::proxy),
    key("all_proxy", Kind::Text, "URL", "Proxy for every address that has none of its own.").checked(values::PROXY, values::proxy),
    key("no_proxy", Kind::List, "HOSTS", "Hosts, domains, addresses and networks that are reached without a proxy, or * for all.")
        .with_between(Between::Either),
    key("ca_certificates", Kind::List, "PATHS", "Files and folders of certificates (PEM) that are trusted besides the system's.")
        .checked("a list of absolute paths", values::paths),
    key("client_certificate", Kind::Path, "FILE", "Certificate chain (PEM) that is shown to a proxy or server that asks for one."),
    key("client_key", Kind::Path, "FILE", "Private key (PEM, PKCS#8) of the client certificate."),
    key("client_key_passphrase_file", Kind::Path, "FILE", "File that holds the passphrase of the private key.")
        .unset_is("the passphrase kept in the sealed file, where one is"),
    key("log", Kind::Text, "FILTER", "What to log, such as entrad=debug.")
        .checked("a list of filters such as `entrad=debug`", values::log_filter)
        .unset("entrad=info"),
    key("log_sinks", Kind::Choices, "SINKS", "Where the log goes.")
        .out_of(&["stderr", "file", "journald", "syslog", "unified_log", "event_log"])
        .unset("stderr")
        .at_restart(),
    key("audit_sinks", Kind::Choices, "SINKS", "Where the audit log goes.")
        .out_of(&["file", "journald", "syslog", "event_log"])
        .unset("file")
        .at_restart(),
    key("audit_size", Kind::Number, "MIB", "How large a file of the audit log may grow, in MiB, up to 256.")
        .checked("a number from 1 to 256", values::audit_size)
        .unset("8")
        .at_restart(),
    key("audit_files", Kind::Number, "NUMBER", "How many files of the audit log are kept, up to 100.")
        .checked("a number from 2 to 100", values::audit_files)
        .unset("8")
        .at_restart(),
    key("otlp_endpoint", Kind::Text, "URL", "OpenTelemetry collector that logs and metrics are sent to, in a build that can.")
        .checked("an https address, or an http one on loopback", values::collector)
        .at_restart(),
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn names_are_plain_and_stand_once() {
        for (at, key) in KEYS.iter().enumerate() {
            assert!(key.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", key.name);
            assert!(KEYS[..at].iter().all(|other| other.name != key.name), "{} stands twice", key.name);
            assert!(key.summary.ends_with('.') && key.summary.len() > 10, "{}", key.name);
            assert!(!key.value_name.is_empty());
            let has_words = matches!(key.kind, Kind::Choice | Kind::Choices);
            assert_eq!(has_words, !key.choices.is_empty(), "{}", key.name);
        }
    }

    #[test]
    fn every_default_is_a_value_that_may_be_set() {
        for key in KEYS {
            if let Unset::Value(default) = key.default {
                assert!(key.take(Given::Text(default.to_owned())).is_ok(), "{}", key.name);
            }
        }
    }

    #[rstest]
    #[case("tenent", "tenant")]
    #[case("allowed_tenant", "allowed_tenants")]
    #[case("profile.work.clientid", "profile.work.client_id")]
    #[case("profile.work.tenants", "profile.work.tenant")]
    fn the_nearest_name_is_a_valid_one(#[case] wrong: &str, #[case] near: &str) {
        assert!(find(wrong).is_none());
        assert_eq!(nearest(wrong), near);
        assert!(find(near).is_some());
    }
}

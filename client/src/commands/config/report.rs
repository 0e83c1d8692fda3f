//! `entra config report`: what a help desk asks for, safe to paste.
//!
//! Plain text, the same on a terminal and in a file. It holds no secret, no user name and no home folder; tenants and app
//! registrations are named by their ids, which open nothing.

use entra_proto::config::{ConfigAnswer, SettingInfo, SourceInfo};
use entra_proto::version::VERSION;
use serde_json::Value;

use super::answer::{Told, ask};
use super::safe::{Anonymous, without_users};
use super::show::is_set;
use super::words;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::Stream;
use crate::text::plain;
use crate::when;

/// Asks and prints.
pub(super) fn run(socket: impl FnOnce() -> Result<Socket, Failure>) -> Result<(), Failure> {
    let told = ask(socket)?;
    Stream::output().write(reported(&told, &Anonymous::find(), when::now()).as_bytes())
}

fn reported(told: &Told, anonymous: &Anonymous, now: u64) -> String {
    let answer = &told.answer;
    let daemon = match (&told.version, told.is_running) {
        (Some(version), _) => format!("entrad {}", plain(version)),
        (None, true) => "entrad of unknown version".to_owned(),
        (None, false) => "no entrad runs".to_owned(),
    };
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let mut lines =
        format!("Settings of entrad, reported on {}\nentra {VERSION}, {daemon}, {system}\n", when::utc(now));
    if told.is_running {
        lines.push_str(&format!("In force since {}\n", when::utc(answer.applied_on)));
    }
    section(&mut lines, "Sources, from the weakest to the strongest", answer.sources.iter().map(source));
    let settings = answer.settings.iter().filter(|setting| is_set(setting));
    section(&mut lines, "Settings that somebody chose", settings.flat_map(setting));
    section(&mut lines, "Faults", faults(answer));
    let waiting = answer.waiting_for_restart.iter().map(|key| plain(key).into_owned());
    section(&mut lines, "Waiting for entrad's next start", waiting);
    lines.push_str(NOTE);
    anonymous.of_nobody(&lines)
}

fn section(lines: &mut String, heading: &str, entries: impl Iterator<Item = String>) {
    lines.push_str(&format!("\n{heading}\n"));
    let before = lines.len();
    for entry in entries {
        lines.push_str(&format!("  {entry}\n"));
    }
    if lines.len() == before {
        lines.push_str("  none\n");
    }
}

fn source(source: &SourceInfo) -> String {
    let state = match (&source.fault, source.settings) {
        (Some(_), _) => "not used, see below".to_owned(),
        (None, Some(count)) => format!("settings: {count}"),
        (None, None) => "not there".to_owned(),
    };
    format!("{} | {} | {state}", words::layer(source.layer), plain(&source.place))
}

/// A line for the value, and one for each that it overrides.
fn setting(setting: &SettingInfo) -> Vec<String> {
    let key = plain(&setting.key);
    let shown = |value: Option<&Value>| safe_value(&setting.key, value);
    let first = format!("{key} = {} | {}", shown(setting.value.as_ref()), words::origin_of(setting));
    let overrides = setting
        .overrides
        .iter()
        .map(|over| format!("    instead of {} | {}", shown(Some(&over.value)), words::origin(&over.origin)));
    std::iter::once(first).chain(overrides).collect()
}

/// The value in words. Of a command only the program is shown: people put secrets into its arguments.
fn safe_value(key: &str, value: Option<&Value>) -> String {
    let is_command = key.rsplit('.').next().is_some_and(|key| key.ends_with("_command"));
    let shown = match value {
        Some(Value::Array(items)) if is_command && items.len() > 1 => {
            format!("{} (its arguments are left out)", words::value(items.first()))
        }
        Some(Value::String(_)) if is_command => "(a command, left out)".to_owned(),
        value => words::value(value),
    };
    without_users(key, &shown)
}

fn faults(answer: &ConfigAnswer) -> impl Iterator<Item = String> {
    let faults = answer.sources.iter().filter_map(|source| source.fault.as_deref());
    faults.map(|fault| without_users("", &plain(fault)))
}

/// Why ids are shown.
const NOTE: &str = "
Home folder and user name are left out, and so are secrets. Ids of tenants and app registrations are shown: they say where
somebody signs in, and open nothing.
";

#[cfg(test)]
mod tests {
    use entra_proto::config::{Kind, Layer};
    use serde_json::json;

    use super::super::words::tests::{answer, overridden, set, setting as unset};
    use super::*;

    fn told() -> Told {
        let mut tenant = set("tenant", Kind::Text, json!("contoso.com"), Layer::Managed, "/m/10.toml:3");
        tenant.overrides = vec![overridden(json!("f.com"), Layer::User, "/home/nobody/c.toml:1")];
        let proxy = json!("http://ada:hunter2@proxy:3128");
        let proxy = set("https_proxy", Kind::Text, proxy, Layer::Environment, "HTTPS_PROXY");
        let command = json!(["curl", "-H", "X: hunter2"]);
        let command = set("notify_command", Kind::List, command, Layer::User, "/home/nobody/c.toml:2");
        let mut answer = answer(vec![tenant, unset("store", Kind::Choice), proxy, command]);
        let fault = "/home/nobody/c.toml:9: http://ada:hunter2@x is no number.".to_owned();
        let place = "/home/nobody/c.toml".to_owned();
        answer.sources =
            vec![SourceInfo { layer: Layer::User, place, settings: Some(2), fault: Some(fault) }];
        Told { answer, is_running: true, version: Some("0.1.0".to_owned()) }
    }

    fn anonymous() -> Anonymous {
        Anonymous::of(Some("/home/nobody".to_owned()), Some("nobody".to_owned()))
    }

    #[test]
    fn a_report_tells_all_but_secrets_and_who() {
        let report = reported(&told(), &anonymous(), 1_795_231_440);
        let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        assert_eq!(
            report,
            format!(
                "Settings of entrad, reported on 2026-11-21 03:24 UTC\nentra {VERSION}, entrad 0.1.0, {system}\n\
                 In force since 2026-11-20 18:40 UTC\n\n\
                 Sources, from the weakest to the strongest\n  user file | ~/c.toml | not used, see below\n\n\
                 Settings that somebody chose\n\
                 \x20 tenant = contoso.com | managed, locked: /m/10.toml:3\n\
                 \x20     instead of f.com | user file: ~/c.toml:1\n\
                 \x20 https_proxy = http://***@proxy:3128 | environment: HTTPS_PROXY\n\
                 \x20 notify_command = curl (its arguments are left out) | user file: ~/c.toml:2\n\n\
                 Faults\n  ~/c.toml:9: http://***@x is no number.\n\n\
                 Waiting for entrad's next start\n  none\n{NOTE}"
            )
        );
    }

    #[test]
    fn without_a_daemon_it_says_so() {
        let report = reported(&Told { is_running: false, version: None, ..told() }, &anonymous(), 0);
        assert!(report.contains("no entrad runs") && !report.contains("In force since"), "{report}");
    }
}

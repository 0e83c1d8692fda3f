//! `entra config show`: what is set, where it came from, what it overrides.

use entra_proto::config::{ConfigAnswer, Layer, SettingInfo};

use super::answer::{NOT_RUNNING, ask};
use super::words;
use crate::args::ShowArgs;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::text::plain;

/// Asks and prints.
pub(super) fn run(socket: impl FnOnce() -> Result<Socket, Failure>, args: &ShowArgs) -> Result<(), Failure> {
    let told = ask(socket)?;
    if args.report.json {
        told.note();
        return print::write_json(&told.answer, JSON_ROOM);
    }
    let stream = Stream::output();
    let mut lines = String::new();
    if !told.is_running {
        lines.push_str(&stream.flow(0, NOT_RUNNING));
        lines.push('\n');
    }
    lines.push_str(&shown(&stream, &told.answer, args.all));
    stream.write(lines.as_bytes())
}

/// What is wrong, the settings, and what waits.
fn shown(stream: &Stream, answer: &ConfigAnswer, all: bool) -> String {
    let mut lines = String::new();
    for fault in words::faults(&answer.sources) {
        lines.push_str(&stream.flow(0, &format!("{} {}", stream.caution("Warning:"), plain(fault))));
    }
    if !lines.is_empty() {
        lines.push('\n');
    }
    let is_shown = |setting: &&SettingInfo| all || is_set(setting);
    let settings: Vec<&SettingInfo> = answer.settings.iter().filter(is_shown).collect();
    if settings.is_empty() {
        lines
            .push_str(&stream.flow(0, "Nobody set anything; `entra config show --all` shows every setting."));
    } else {
        lines.push_str(&table(stream, &settings));
    }
    if !answer.waiting_for_restart.is_empty() {
        let keys: Vec<_> = answer.waiting_for_restart.iter().map(|key| plain(key)).collect();
        lines.push('\n');
        lines.push_str(&stream.flow(0, &format!("Waits for entrad's next start: {}.", keys.join(", "))));
    }
    lines
}

/// Whether anybody but entrad chose it, or nobody may change it.
pub(super) fn is_set(setting: &SettingInfo) -> bool {
    setting.is_locked || setting.origin.layer != Layer::BuiltIn
}

/// The settings with aligned columns, and below each what it overrides; lines with their ends.
fn table(stream: &Stream, settings: &[&SettingInfo]) -> String {
    let values: Vec<String> = settings.iter().map(|setting| words::value(setting.value.as_ref())).collect();
    let keys: Vec<_> = settings.iter().map(|setting| plain(&setting.key)).collect();
    let widest = |cells: &mut dyn Iterator<Item = usize>, heading: &str, most: usize| {
        cells.filter(|width| *width <= most).max().unwrap_or(0).max(heading.len())
    };
    let key_width = widest(&mut keys.iter().map(|key| key.chars().count()), KEY, usize::MAX);
    let value_width = widest(&mut values.iter().map(|value| value.chars().count()), VALUE, WIDEST_VALUE);
    let mut lines = stream.bold(&format!("{KEY:<key_width$}  {VALUE:<value_width$}  {FROM}"));
    lines.push('\n');
    for ((setting, key), value) in settings.iter().zip(&keys).zip(&values) {
        let from = words::origin_of(setting);
        lines.push_str(&format!("{key:<key_width$}  {value:<value_width$}  {from}\n"));
        for over in words::replaced(setting) {
            let instead =
                format!("instead of {}, {}", words::value(Some(&over.value)), words::origin(&over.origin));
            lines.push_str(&format!("{:key_width$}  {}\n", "", stream.dim(&instead)));
        }
    }
    lines
}

const KEY: &str = "KEY";
const VALUE: &str = "VALUE";
const FROM: &str = "FROM";

/// Longer values push what stands behind them aside, rather than all other lines.
const WIDEST_VALUE: usize = 40;

/// Some forty settings of 200 bytes.
const JSON_ROOM: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use entra_proto::config::{Kind, SourceInfo};
    use serde_json::json;

    use super::super::words::tests::{answer, overridden, set, setting};
    use super::*;

    #[test]
    fn what_is_set_stands_in_columns_with_what_it_overrides() {
        let mut tenant = set("tenant", Kind::Text, json!("contoso.com"), Layer::Managed, "/m/10.toml:3");
        tenant.overrides = vec![
            overridden(json!("fabrikam.com"), Layer::User, "/u.toml:1"),
            overridden(json!("organizations"), Layer::BuiltIn, "built in"),
        ];
        let domains = set("allowed_domains", Kind::List, json!(["a.com", "b.com"]), Layer::Machine, "/c:2");
        let long = "x".repeat(60);
        let log = set("log", Kind::Text, json!(long), Layer::Environment, "ENTRAD_LOG");
        let answer = answer(vec![setting("store", Kind::Choice), tenant, domains, log]);
        assert_eq!(
            shown(&Stream::plain(), &answer, false),
            format!(
                "KEY              VALUE         FROM\n\
                 tenant           contoso.com   managed, locked: /m/10.toml:3\n\
                 \x20                instead of fabrikam.com, user file: /u.toml:1\n\
                 allowed_domains  a.com, b.com  machine file: /c:2\n\
                 log              {long}  environment: ENTRAD_LOG\n"
            )
        );
        let all = shown(&Stream::plain(), &answer, true);
        assert!(all.contains("\nstore            -             built in\n"), "{all}");
    }

    #[test]
    fn what_is_wrong_comes_first_and_what_waits_last() {
        let mut answer = answer(vec![setting("store", Kind::Choice)]);
        let fault = Some("/u.toml:1: there is no setting `x`.".to_owned());
        answer.sources =
            vec![SourceInfo { layer: Layer::User, place: "/u.toml".to_owned(), settings: Some(0), fault }];
        answer.waiting_for_restart = vec!["socket".to_owned(), "store".to_owned()];
        assert_eq!(
            shown(&Stream::plain(), &answer, false),
            "Warning: /u.toml:1: there is no setting `x`.\n\nNobody set anything; `entra config show --all` shows \
             every setting.\n\nWaits for entrad's next start: socket, store.\n"
        );
    }
}

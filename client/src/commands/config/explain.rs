//! `entra config explain`: one setting, and why it is what it is.

use entra_proto::config::{Layer, SettingInfo};
use entra_proto::error::exit;

use super::answer::ask;
use super::formats::place;
use super::words;
use crate::args::KeyArgs;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::text::{plain, wrap};

/// Asks and prints.
pub(super) fn run(socket: impl FnOnce() -> Result<Socket, Failure>, args: &KeyArgs) -> Result<(), Failure> {
    let told = ask(socket)?;
    let setting = find(&told.answer.settings, &args.key)?;
    told.note();
    if args.report.json {
        return print::write_json(setting, JSON_ROOM);
    }
    let is_waiting = told.answer.waiting_for_restart.contains(&setting.key);
    let stream = Stream::output();
    stream.write(explained(&stream, setting, is_waiting).as_bytes())
}

/// The setting of this name, be it the one in a file, in the environment or on the command line.
fn find<'a>(settings: &'a [SettingInfo], named: &str) -> Result<&'a SettingInfo, Failure> {
    let key = key_of(named);
    if let Some(setting) = settings.iter().find(|setting| setting.key == key) {
        return Ok(setting);
    }
    let likeness = |setting: &&SettingInfo| strsim::jaro_winkler(&setting.key, &key);
    let nearest = settings.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let mut sentence = format!("There is no setting `{}`", plain(named));
    if let Some(nearest) = nearest {
        sentence.push_str(&format!("; did you mean `{}`?", plain(&nearest.key)));
    } else {
        sentence.push('.');
    }
    Err(Failure::new(exit::USAGE, "unknown_setting", sentence)
        .hint("`entra config show --all` lists every setting."))
}

/// `client_id` of `ENTRAD_CLIENT_ID` and of `--client-id`. The name of a profile may have hyphens and capitals.
fn key_of(named: &str) -> String {
    let named = named.trim();
    if let Some(option) = named.strip_prefix("--") {
        return option.replace('-', "_");
    }
    match named.strip_prefix("ENTRAD_") {
        Some(variable) => variable.to_ascii_lowercase(),
        None => named.to_owned(),
    }
}

fn explained(stream: &Stream, setting: &SettingInfo, is_waiting: bool) -> String {
    let mut lines = format!("{}\n", stream.bold(&plain(&setting.key)));
    for (label, fact) in facts(setting, is_waiting) {
        let width = stream.width().min(100).saturating_sub(INDENT);
        for (number, line) in wrap(&fact, width).iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            lines.push_str(&format!("  {label:<9} {line}\n"));
        }
    }
    lines
}

fn facts(setting: &SettingInfo, is_waiting: bool) -> Vec<(&'static str, String)> {
    let default = setting.default.as_deref().map_or_else(|| "Not set.".to_owned(), |d| plain(d).into_owned());
    let mut facts = vec![
        ("For", plain(&setting.summary).into_owned()),
        ("May be", words::kind(setting)),
        ("Default", default),
        ("Now", words::value(setting.value.as_ref())),
        ("From", words::origin(&setting.origin)),
    ];
    for over in &setting.overrides {
        let instead = format!("{} ({})", words::value(Some(&over.value)), words::origin(&over.origin));
        facts.push(("Overrides", instead));
    }
    if setting.is_locked {
        let by = match setting.origin.layer {
            Layer::Managed => format!("By your administrator, in {}", plain(&setting.origin.place)),
            _ => "By your administrator".to_owned(),
        };
        facts.push(("Locked", format!("{by}: no file, variable, option or program changes it.")));
    }
    facts.push(("Set it", how_to_set(setting)));
    if is_waiting {
        facts.push(("Restart", "A new value waits for entrad's next start.".to_owned()));
    } else if setting.needs_restart {
        facts.push(("Restart", "A change waits for entrad's next start.".to_owned()));
    }
    facts
}

fn how_to_set(setting: &SettingInfo) -> String {
    let key = plain(&setting.key);
    if setting.is_administrators {
        return format!("As `{key}` in the machine file or a managed source, which are an administrator's.");
    }
    match place(&key) {
        (Some(profile), key) => format!("As `{key}` in the table [profile.{profile}] of a file."),
        (None, key) => format!(
            "As `{key}` in a file, ENTRAD_{} in entrad's environment, or --{} on its command line.",
            key.to_ascii_uppercase(),
            key.replace('_', "-")
        ),
    }
}

/// Where the facts begin on the line.
const INDENT: usize = 12;

const JSON_ROOM: usize = 2048;

#[cfg(test)]
mod tests {
    use entra_proto::config::Kind;
    use rstest::rstest;
    use serde_json::json;

    use super::super::words::tests::{overridden, set, setting};
    use super::*;

    #[test]
    fn everything_that_is_known_is_said() {
        let mut tenant = set("tenant", Kind::Text, json!("contoso.com"), Layer::Managed, "/m/10.toml:3");
        tenant.overrides = vec![
            overridden(json!("fabrikam.com"), Layer::User, "/u.toml:1"),
            overridden(json!("organizations"), Layer::BuiltIn, "built in"),
        ];
        tenant.default = Some("organizations".to_owned());
        tenant.needs_restart = true;
        assert_eq!(
            explained(&Stream::plain(), &tenant, false),
            "tenant\n\
             \x20 For       What tenant is for.\n\
             \x20 May be    A text.\n\
             \x20 Default   organizations\n\
             \x20 Now       contoso.com\n\
             \x20 From      managed: /m/10.toml:3\n\
             \x20 Overrides fabrikam.com (user file: /u.toml:1)\n\
             \x20 Overrides organizations (built in)\n\
             \x20 Locked    By your administrator, in /m/10.toml:3: no file, variable, option or\n\
             \x20           program changes it.\n\
             \x20 Set it    As `tenant` in a file, ENTRAD_TENANT in entrad's environment, or\n\
             \x20           --tenant on its command line.\n\
             \x20 Restart   A change waits for entrad's next start.\n"
        );
    }

    #[test]
    fn who_may_set_it_is_said() {
        let mut allowed = setting("allowed_tenants", Kind::List);
        allowed.is_administrators = true;
        assert!(how_to_set(&allowed).contains("an administrator's"));
        let of_profile = setting("profile.work-1.tenant", Kind::Text);
        assert_eq!(how_to_set(&of_profile), "As `tenant` in the table [profile.work-1] of a file.");
    }

    #[rstest]
    #[case("client_id")]
    #[case("ENTRAD_CLIENT_ID")]
    #[case("--client-id")]
    fn a_setting_is_found_by_each_of_its_names(#[case] name: &str) {
        let settings = [setting("tenant", Kind::Text), setting("client_id", Kind::Text)];
        assert_eq!(find(&settings, name).unwrap().key, "client_id");
    }

    #[test]
    fn the_nearest_name_is_given_for_one_that_is_unknown() {
        let settings = [setting("tenant", Kind::Text), setting("client_id", Kind::Text)];
        let failure = find(&settings, "tennant").unwrap_err();
        assert_eq!(failure.exit(), exit::USAGE);
        assert_eq!(failure.message(), "There is no setting `tennant`; did you mean `tenant`?");
    }
}

//! `docs/config.md` and `docs/entrad.schema.json` say of every setting what the daemon says of it.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

use entra_proto::config::{ConfigAnswer, Kind, SettingInfo};
use entra_tests::{Env, programs, run};

/// What the daemon's program knows of its settings, where nobody set any.
fn settings(env: &Env) -> Vec<SettingInfo> {
    let mut command = env.bare_daemon_command();
    command.args(["--report", "config"]);
    let ran = run(command);
    assert_eq!(ran.status, 0, "{ran:?}");
    let answer: ConfigAnswer = serde_json::from_str(&ran.stdout).unwrap();
    answer.settings.into_iter().filter(|setting| !setting.key.starts_with("profile.")).collect()
}

#[test]
fn the_table_has_every_setting_and_no_other() {
    let told: Vec<String> = settings(&Env::new(programs!())).iter().map(row).collect();
    let page = documented("config.md");
    let table =
        page.split("| Setting | May be | Not set | Says | |\n| --- | --- | --- | --- | --- |\n").nth(1);
    let written: Vec<&str> = table.unwrap().lines().collect();
    assert!(written == told, "the table of docs/config.md should be\n{}", told.join("\n"));
}

fn row(setting: &SettingInfo) -> String {
    let words = setting.choices.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let may_be = match setting.kind {
        Kind::Text => "a text".to_owned(),
        Kind::Path => "a path".to_owned(),
        Kind::Number => "a number".to_owned(),
        Kind::Switch => "`on`, `off`".to_owned(),
        Kind::Duration => "a time".to_owned(),
        Kind::Choice => words,
        Kind::List => "a list".to_owned(),
        Kind::Choices => format!("a list of {words}"),
    };
    let notes =
        [(setting.is_administrators, "administrators only"), (setting.needs_restart, "at the next start")];
    let notes: Vec<&str> = notes.iter().filter(|(is_so, _)| *is_so).map(|(_, note)| *note).collect();
    format!(
        "| `{}` | {may_be} | {} | {} | {} |",
        setting.key,
        setting.default.as_deref().unwrap_or("not set"),
        setting.summary.trim_end_matches('.'),
        notes.join(", ")
    )
}

#[test]
fn the_schema_is_that_of_the_daemon_that_runs() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let ran = env.entra(&["config", "export", "--format", "json-schema"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(
        ran.stdout == documented("entrad.schema.json"),
        "write it anew by `entra config export --format json-schema --output docs/entrad.schema.json`"
    );
}

#[test]
fn a_machines_own_settings_do_not_get_into_the_schema() {
    let env = Env::new(programs!());
    env.configure("[profile.work]\ntenant = \"contoso.com\"\n");
    let _daemon = env.start_in_memory(&[]);
    let ran = env.entra(&["config", "export", "--format", "json-schema"]);
    assert!(ran.stdout == documented("entrad.schema.json"), "{}", ran.stderr);
}

#[test]
fn every_setting_that_profiles_have_is_in_the_schema_of_a_profile() {
    let env = Env::new(programs!());
    env.configure("[profile.work]\ntenant = \"contoso.com\"\n");
    let _daemon = env.start_in_memory(&[]);
    let shown = env.entra(&["config", "show", "--json"]);
    let answer: ConfigAnswer = serde_json::from_str(&shown.stdout).unwrap();
    let keys = answer.settings.iter().filter_map(|setting| setting.key.strip_prefix("profile.work."));
    let mut keys: Vec<&str> = keys.collect();
    keys.sort_unstable();
    let schema: serde_json::Value = serde_json::from_str(&documented("entrad.schema.json")).unwrap();
    let known: Vec<&String> = schema["$defs"]["profile"]["properties"].as_object().unwrap().keys().collect();
    assert_eq!(keys, known);
}

fn documented(name: &str) -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs");
    // A checkout on Windows may have carriage returns.
    std::fs::read_to_string(docs.join(name)).unwrap().replace("\r\n", "\n")
}

//! From one machine to the next: what is set here is exported, and means the same where it is put. The forms themselves are
//! read by foreign parsers in `client/tests/config_exports.rs`.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use entra_proto::config::{ConfigAnswer, Layer};
use entra_tests::{Env, Programs, Ran, programs, run};
use serde_json::Value;
use tempfile::TempDir;

/// A machine whose client finds the daemon's program beside itself, as it does where both are installed.
fn machine() -> (TempDir, Env) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let under_test = programs!();
    let place = |program: &Path, name: &str| -> PathBuf {
        let linked = folder.path().join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        std::fs::hard_link(program, &linked).unwrap();
        linked
    };
    let programs =
        Programs { entra: place(&under_test.entra, "entra"), entrad: place(&under_test.entrad, "entrad") };
    (folder, Env::new(programs))
}

/// Settings of each kind that a user may set.
const SETTINGS: &str = r#"
tenant = "contoso.com"
flows = ["browser", "device_code"]
snooze = "2h"
prompts_per_day = 7
leases = false
notify_command = ["say", "a \"b\", c"]
no_proxy = "localhost .contoso.com"
foundry_resource = "contoso-ai"

[profile.work-1]
tenant = "fabrikam.com"
cloud = "us_government"
"#;

#[test]
fn what_is_exported_means_the_same_on_the_next_machine() {
    let (_folder, here) = machine();
    here.configure(SETTINGS);
    let daemon = here.start_in_memory(&[]);
    let file = here.folder().join("exported.toml");
    let ran = here.entra(&["config", "export", "--format", "toml", "--output", &file.to_string_lossy()]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let before = set_by(&answer(&here.entra(&["config", "show", "--json"])), Layer::User);
    assert!(before.len() >= 10, "{before:?}");
    drop(daemon);

    let (_folder, there) = machine();
    let text = std::fs::read_to_string(&file).unwrap();
    there.configure(&text);
    let _daemon = there.start_in_memory(&[]);
    let after = set_by(&answer(&there.entra(&["config", "show", "--json"])), Layer::User);
    // Options name the simulator and its app registration there, and come along.
    for (key, value) in before {
        assert_eq!(after.get(&key), Some(&value), "{key}");
    }
    let checked = there.entra(&["config", "check", &file.to_string_lossy()]);
    assert_eq!(checked.status, 0, "{checked:?}");
    assert!(checked.stdout.contains("exported.toml is good"), "{checked:?}");
}

#[cfg(unix)]
#[test]
fn what_is_exported_is_locked_where_it_is_managed() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let (_folder, here) = machine();
    here.configure(SETTINGS);
    let _daemon = here.start_in_memory(&[]);
    let wanted = set_by(&answer(&here.entra(&["config", "show", "--json"])), Layer::User);

    let (_folder, there) = machine();
    let administrators = there.folder().join("administrators");
    let file = administrators.join("managed.d").join("10-it.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let ran = here.entra(&["config", "export", "--format", "toml", "--output", &file.to_string_lossy()]);
    assert_eq!(ran.status, 0, "{ran:?}");
    for path in [&administrators, file.parent().unwrap()] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    // No daemon runs there, so its program is asked.
    let told = |words: &[&str]| {
        let mut command = there.entra_command(words);
        command.env("ENTRA_TEST_ADMINISTRATORS", &administrators);
        run(command)
    };
    let shown = answer(&told(&["config", "show", "--json"]));
    if std::fs::metadata(&file).unwrap().uid() != 0 {
        // Whoever is no administrator manages nothing.
        let source = shown.sources.iter().find(|source| source.layer == Layer::Managed).unwrap();
        assert!(source.fault.as_ref().unwrap().contains("must belong to root"), "{source:?}");
        return;
    }
    let managed = set_by(&shown, Layer::Managed);
    for (key, value) in wanted {
        assert_eq!(managed.get(&key), Some(&value), "{key}");
        assert!(shown.settings.iter().find(|setting| setting.key == key).unwrap().is_locked, "{key}");
    }
    let report = told(&["config", "report"]);
    let place = file.display();
    assert!(report.stdout.contains("  tenant = contoso.com | managed, locked: "), "{report:?}");
    assert!(report.stdout.contains(&format!("{place} | settings: ")), "{report:?}");
}

#[test]
fn a_file_is_checked_before_it_is_managed() {
    let (_folder, env) = machine();
    let file = env.folder().join("10-it.toml");
    std::fs::write(&file, format!("allowed_tenants = [\"contoso.com\"]\n{SETTINGS}")).unwrap();
    let checked = env.entra(&["config", "check", "--managed", &file.to_string_lossy()]);
    assert_eq!(checked.status, 0, "{checked:?}");
    assert!(checked.stdout.contains("10-it.toml is good, with 11 settings."), "{checked:?}");
    // A file of a user's may not have it, and a daemon takes no draft.
    let checked = env.entra(&["config", "check", &file.to_string_lossy()]);
    assert!(checked.status == 5 && checked.stderr.contains("allowed_tenants"), "{checked:?}");
    let mut command = env.bare_daemon_command();
    command.arg("--managed").arg(&file);
    assert_eq!(run(command).status, 2);
    std::fs::write(&file, "allowed_tennants = [\"contoso.com\"]\n").unwrap();
    let checked = env.entra(&["config", "check", "--managed", &file.to_string_lossy()]);
    assert_eq!(checked.status, 5, "{checked:?}");
    assert!(
        checked.stderr.contains("10-it.toml:1") && checked.stderr.contains("`allowed_tenants`"),
        "{checked:?}"
    );
}

#[test]
fn a_bad_file_is_told_with_its_line_and_the_right_name() {
    let (_folder, env) = machine();
    let file = env.folder().join("draft.toml");
    std::fs::write(&file, "tenant = \"contoso.com\"\n\ntennant = \"x\"\n").unwrap();
    let ran = env.entra(&["config", "check", &file.to_string_lossy()]);
    assert_eq!(ran.status, 5, "{ran:?}");
    assert!(ran.stderr.contains("draft.toml:3") && ran.stderr.contains("`tenant`"), "{ran:?}");
}

#[test]
fn without_a_daemon_the_same_is_shown() {
    let (_folder, env) = machine();
    env.configure(SETTINGS);
    let daemon = env.start_in_memory(&[]);
    let running = set_by(&answer(&env.entra(&["config", "show", "--json"])), Layer::User);
    assert_eq!(daemon.stop(), 0);
    let ran = env.entra(&["config", "show", "--json"]);
    assert!(ran.stderr.contains("No entrad runs"), "{ran:?}");
    assert_eq!(set_by(&answer(&ran), Layer::User), running);
}

#[test]
fn a_password_of_a_proxy_is_in_no_report_and_no_export() {
    let (_folder, env) = machine();
    env.configure("https_proxy = \"http://ada:hunter2@127.0.0.1:9\"\n");
    let _daemon = env.start_in_memory(&[]);
    let home = env.folder().to_string_lossy().into_owned();
    for words in [&["report"][..], &["show"], &["show", "--json"], &["explain", "https_proxy"], &["egress"]] {
        let ran = env.entra(&[&["config"], words].concat());
        assert_eq!(ran.status, 0, "{ran:?}");
        assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"), "{ran:?}");
        assert!(words != ["report"] || !ran.stdout.contains(&home), "{ran:?}");
    }
    for format in ["mobileconfig", "reg", "intune-json", "toml"] {
        let ran = env.entra(&["config", "export", "--format", format]);
        assert_eq!((ran.status, ran.stdout.as_str()), (4, ""), "{format}");
        assert!(ran.stderr.contains("`https_proxy` holds a password"), "{ran:?}");
    }
}

fn answer(ran: &Ran) -> ConfigAnswer {
    assert_eq!(ran.status, 0, "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

/// The values that this layer set, also where a stronger one replaced them.
fn set_by(answer: &ConfigAnswer, layer: Layer) -> BTreeMap<String, Value> {
    let settings = answer.settings.iter().filter_map(|setting| {
        let overridden = setting.overrides.iter().find(|over| over.origin.layer == layer);
        let own = setting.value.as_ref().filter(|_| setting.origin.layer == layer);
        Some((setting.key.clone(), own.or(overridden.map(|over| &over.value))?.clone()))
    });
    settings.collect()
}

//! What is told of the settings.

use std::ffi::OsString;

use entra_proto::config::Layer;

use super::*;
use crate::config::{Administrators, Args, Places};

fn answer(file: &str, args: Args, variables: &[(&str, &str)]) -> ConfigAnswer {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, file).unwrap();
    let args = args.with("config", path.to_string_lossy());
    let lookup = |name: &str| {
        let set = variables.iter().chain(&[("XDG_RUNTIME_DIR", "/run/user/7")]);
        set.clone().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
    };
    let administrators = Administrators::below(&folder.path().join("none"));
    let config = Config::load(&Places { administrators, args, variable: &lookup }).unwrap();
    config.answer(Vec::new(), 7, Vec::new())
}

fn of<'a>(answer: &'a ConfigAnswer, key: &str) -> &'a SettingInfo {
    answer.settings.iter().find(|setting| setting.key == key).unwrap_or_else(|| panic!("{key} is told"))
}

#[test]
fn every_key_is_told_once_with_its_kind_and_default() {
    let answer = answer("[profile.work]\ntenant = \"w.example\"\n", Args::default(), &[]);
    for key in KEYS.iter().filter(|key| keys::is_of_files(key)) {
        let told = of(&answer, key.name);
        assert_eq!((told.kind, told.summary.as_str()), (key.kind, key.summary));
        assert_eq!(told.origin.layer, Layer::BuiltIn, "{}", key.name);
    }
    assert_eq!(of(&answer, "snooze").value, Some("1h".into()));
    assert_eq!(of(&answer, "prompts_per_day").value, Some(5.into()));
    assert_eq!(of(&answer, "flows").value, Some(vec!["device_code", "browser"].into()));
    assert!(of(&answer, "state_dir").value.is_some() && of(&answer, "client_id").value.is_none());
    assert_eq!(of(&answer, "profile.work.tenant").value, Some("w.example".into()));
    let names: std::collections::BTreeSet<_> = answer.settings.iter().map(|it| &it.key).collect();
    assert_eq!(names.len(), answer.settings.len());
    assert_eq!(answer.applied_on, 7);
}

#[test]
fn a_value_is_told_with_all_that_it_overrides() {
    let args = Args::default().with("tenant", "c.example");
    let answer = answer("tenant = \"u.example\"\n", args, &[("ENTRAD_TENANT", "e.example")]);
    let tenant = of(&answer, "tenant");
    assert_eq!(tenant.value, Some("c.example".into()));
    assert_eq!((tenant.origin.layer, tenant.origin.place.as_str()), (Layer::CommandLine, "--tenant"));
    let overridden: Vec<_> =
        tenant.overrides.iter().map(|it| (it.origin.layer, it.value.as_str().unwrap())).collect();
    assert_eq!(
        overridden,
        [(Layer::Environment, "e.example"), (Layer::User, "u.example"), (Layer::BuiltIn, "organizations")]
    );
    assert!(tenant.overrides[1].origin.place.ends_with("config.toml:1"));
}

#[test]
fn a_password_is_in_no_answer() {
    let file = "https_proxy = \"http://ada:hunter2@proxy.example:8080\"\nfoundry_resource = \"contoso\"\n";
    let variables = [("ENTRAD_HTTPS_PROXY", "ada:hunter2@other.example")];
    let answer = answer(file, Args::default().with("all_proxy", "socks5://a:hunter2@s.example"), &variables);
    let text = serde_json::to_string(&answer).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    let hosts: Vec<_> = answer.egress.iter().map(|it| (it.host.as_str(), it.port)).collect();
    assert_eq!(hosts, [("contoso.services.ai.azure.com", 443), ("other.example", 80), ("s.example", 1080)]);
}

//! What is told of the settings.

use entra_proto::config::Layer;

use super::*;
use crate::config::tests::load;
use crate::config::{Args, locks_tests};

fn answer(file: &str, args: Args, variables: &[(&str, &str)]) -> ConfigAnswer {
    load(file, args, variables).unwrap().answer(Vec::new(), 7, Vec::new())
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
        assert_eq!(told.is_of_profile, key.is_of_profile, "{}", key.name);
        assert_eq!(told.origin.layer, Layer::BuiltIn, "{}", key.name);
    }
    assert_eq!(of(&answer, "snooze").value, Some("1h".into()));
    assert_eq!(of(&answer, "prompts_per_day").value, Some(5.into()));
    assert_eq!(of(&answer, "flows").value, Some(vec!["device_code", "browser"].into()));
    assert!(of(&answer, "state_dir").value.is_some() && of(&answer, "client_id").value.is_none());
    assert_eq!(of(&answer, "profile.work.tenant").value, Some("w.example".into()));
    assert!(of(&answer, "profile.work.tenant").is_of_profile);
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
    let file = "https_proxy = \"http://ada:hunter2@proxy.example:8080\"\nfoundry_resource = \"contoso\"\n\
                notify_command = [\"post\", \"https://ada:hunter2@hook.example\", \"a:b@c\"]\n";
    let variables = [("ENTRAD_HTTPS_PROXY", "ada:hunter2@other.example")];
    let answer = answer(file, Args::default().with("all_proxy", "socks5://a:hunter2@s.example"), &variables);
    let text = serde_json::to_string(&answer).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(
        of(&answer, "notify_command").value,
        Some(vec!["post", "https://ada:***@hook.example", "a:b@c"].into())
    );
    let hosts: Vec<_> = answer.egress.iter().map(|it| (it.host.as_str(), it.port)).collect();
    assert_eq!(hosts, [("contoso.services.ai.azure.com", 443), ("other.example", 80), ("s.example", 1080)]);
}

#[test]
fn a_foundry_resource_is_where_its_cloud_has_it() {
    let file = "cloud = \"us_government\"\nfoundry_resource = \"contoso\"\n";
    let answer = answer(file, Args::default(), &[]);
    assert_eq!(answer.egress[0].host, "contoso.services.ai.azure.us");
}

#[test]
fn a_lock_of_the_same_value_is_a_change() {
    let mut machine = locks_tests::Machine::new();
    if !locks_tests::is_administrator(&machine) {
        return;
    }
    machine.user = "tenant = 't.example'\nclient_id = 'c'".to_owned();
    let managed = |text: &str| -> Config {
        machine.write("managed.d/10-it.toml", text);
        machine.load().unwrap()
    };
    let before = managed("tenant = 't.example'");
    assert!(before.is_read_as(&managed("tenant = 't.example'")));
    // As many settings as before, and every value as it was.
    let after = managed("client_id = 'c'");
    assert_eq!((before.differing(&after), before.sources()), (Vec::new(), after.sources()));
    assert!(!before.is_read_as(&after));
    assert_eq!(before.changed(&after), ["client_id", "tenant"]);
    assert!(!managed("\nclient_id = 'c'").is_read_as(&after), "it stands in another line");
}

#[test]
fn each_value_and_each_layer_has_a_fingerprint_of_its_own_and_a_password_has_none() {
    let of = |file: &str, args| load(file, args, &[]).unwrap().fingerprint();
    let none = || Args::default();
    let proxy = |password: &str| format!("https_proxy = \"http://ada:{password}@proxy.example:8080\"\n");
    let seen = [
        of("", none()),
        of("snooze = \"2h\"\n", none()),
        of("", none().with("snooze", "2h")),
        of("[profile.work]\ntenant = \"w.example\"\n", none()),
        of("policy = [\"deny resource=graph\"]\n", none()),
        of(&proxy("hunter2"), none()),
    ];
    let apart: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(apart.len(), seen.len(), "{seen:?}");
    assert_eq!(of(&proxy("hunter3"), none()), seen[5]);
    assert_eq!(of("# a word\nsnooze = \"2h\"\n", none()), seen[1]);
}

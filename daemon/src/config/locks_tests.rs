//! Every key in every layer under a lock: the managed value holds, and what it overrides is told.
//!
//! Only root can be an administrator here. For anybody else a managed folder is refused, which is seen in its stead.

use std::ffi::OsString;
use std::fs;

use entra_proto::config::{Kind, Layer};
use rstest::rstest;

use super::keys::{self, KEYS, Key};
use super::*;

/// Two values of a key that may be set, as TOML.
fn samples(key: &Key) -> [String; 2] {
    let text = |value: &str| format!("{value:?}");
    let pair = |a: &str, b: &str| [text(a), text(b)];
    match key.name {
        "loopback" => pair("off", "8080"),
        "quiet_hours" => pair("22:00-07:00", "off"),
        "foundry_resource" => pair("contoso", "fabrikam"),
        "log" => pair("entrad=debug", "entrad=warn"),
        "otlp_endpoint" => pair("https://a.example", "https://b.example"),
        "socket" => pair("/run/a.sock", "/run/b.sock"),
        "ca_certificates" => ["[\"/a\"]".to_owned(), "[\"/b\"]".to_owned()],
        "flows" => ["[\"browser\"]".to_owned(), "[\"device_code\"]".to_owned()],
        name if name.ends_with("_proxy") && name != "no_proxy" => {
            pair("http://a.example:1", "http://b.example:2")
        }
        _ => match key.kind {
            Kind::Number => ["3".to_owned(), "7".to_owned()],
            Kind::Switch => ["false".to_owned(), "true".to_owned()],
            Kind::Duration => pair("30m", "2h"),
            Kind::Choice => pair(key.choices[0], key.choices[1]),
            Kind::Choices => [format!("[{:?}]", key.choices[0]), format!("[{:?}]", key.choices[1])],
            Kind::List => ["[\"a.example\"]".to_owned(), "[\"b.example\"]".to_owned()],
            Kind::Path => pair("/a", "/b"),
            Kind::Text => pair("a.example", "b.example"),
        },
    }
}

/// A value as a variable or an option has it.
fn plain(toml: &str) -> String {
    toml.trim_matches('"').replace("[\"", "").replace("\"]", "")
}

pub(super) struct Machine {
    pub(super) folder: tempfile::TempDir,
    pub(super) user: String,
    variable: Option<(String, String)>,
    args: Args,
}

impl Machine {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("admin/managed.d")).unwrap();
        Self { folder, user: String::new(), variable: None, args: Args::default() }
    }

    pub(super) fn set_user(&mut self, text: &str) {
        self.user = text.to_owned();
    }

    pub(super) fn set_variable(&mut self, name: &str, value: &str) {
        self.variable = Some((name.to_owned(), value.to_owned()));
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("admin").join(name), text).unwrap();
    }

    pub(super) fn load(&self) -> Result<Config, ConfigError> {
        let file = self.folder.path().join("user.toml");
        fs::write(&file, &self.user).unwrap();
        let file = file.to_string_lossy().into_owned();
        let lookup = |name: &str| match (name, &self.variable) {
            ("XDG_RUNTIME_DIR", _) => Some(OsString::from("/run/user/7")),
            (_, Some((set, value))) if set == name => Some(OsString::from(value)),
            _ => None,
        };
        let administrators = Administrators::below(&self.folder.path().join("admin"));
        let args = self.args.clone().with("config", file);
        Config::load(&Places { administrators, args, variable: &lookup })
    }
}

/// Whether this test may make administrators' files. Says so where it may not.
pub(super) fn is_administrator(machine: &Machine) -> bool {
    machine.write("managed.d/00-probe.toml", "");
    match machine.load() {
        Ok(_) => true,
        Err(error) => {
            assert!(error.to_string().contains("must belong to"), "{error}");
            eprintln!("not an administrator here: only the refusal of the managed folder was seen");
            false
        }
    }
}

fn told(config: &Config, key: &str) -> entra_proto::config::SettingInfo {
    let answer = config.answer(Vec::new(), 0, Vec::new());
    answer.settings.into_iter().find(|setting| setting.key == key).unwrap()
}

#[rstest]
#[case(Layer::Machine)]
#[case(Layer::User)]
#[case(Layer::Environment)]
#[case(Layer::CommandLine)]
fn a_locked_key_holds_against_every_layer(#[case] layer: Layer) {
    // What adds up is held by a test of its own, beside its code.
    for key in KEYS.iter().filter(|key| keys::is_of_files(key) && !key.adds_up) {
        let mut machine = Machine::new();
        if !is_administrator(&machine) {
            return;
        }
        let [managed, other] = samples(key);
        let name = key.name;
        machine.write("managed.d/10-it.toml", &format!("\n{name} = {managed}\n"));
        match layer {
            Layer::Machine => machine.write("config.toml", &format!("{name} = {other}\n")),
            Layer::User => machine.user = format!("{name} = {other}\n"),
            Layer::Environment => {
                machine.variable = Some((format!("ENTRAD_{}", name.to_uppercase()), plain(&other)));
            }
            _ => machine.args = Args::default().with(name, plain(&other)),
        }
        let loaded = machine.load();
        if key.is_administrators && layer != Layer::Machine {
            let error = loaded.err().unwrap().to_string();
            assert!(error.contains(&format!("only an administrator may set `{name}`")), "{error}");
            continue;
        }
        let config = loaded.unwrap_or_else(|error| panic!("{name}: {error}"));
        let told = told(&config, name);
        let value = told.value.unwrap().to_string();
        let [wanted, unwanted] = match key.kind {
            Kind::Switch => ["off".to_owned(), "on".to_owned()],
            _ => [plain(&managed), plain(&other)],
        };
        assert!(value.contains(&wanted) && !value.contains(&unwanted), "{name}: {value}");
        assert!(told.is_locked && told.origin.layer == Layer::Managed, "{name}");
        assert!(told.origin.place.ends_with("10-it.toml:2"), "{}", told.origin.place);
        assert_eq!(told.overrides[0].origin.layer, layer, "{name}");
    }
}

#[test]
fn managed_files_count_in_the_order_of_their_names() {
    let machine = Machine::new();
    if !is_administrator(&machine) {
        return;
    }
    machine.write("managed.d/20-b.toml", "tenant = \"b.example\"");
    machine.write("managed.d/10-a.toml", "tenant = \"a.example\"\nclient_id = \"a\"");
    machine.write("managed.d/30-c.toml.bak", "nonsense");
    machine.write("managed.d/.hidden.toml", "nonsense");
    let config = machine.load().unwrap();
    let profile = &config.profiles[DEFAULT_PROFILE];
    assert_eq!(profile.tenant.value, "b.example");
    assert!(profile.client_id.as_ref().unwrap().source.is_locked());
    let managed: Vec<_> = config.sources().iter().filter(|it| it.layer == Layer::Managed).collect();
    assert_eq!(managed.iter().map(|it| it.settings.unwrap()).collect::<Vec<_>>(), [0, 2, 1]);
}

#[rstest]
#[case::a_wrong_key("10.toml", "tenent = 1", "did you mean `tenant`?")]
#[case::no_toml("10.toml", "tenant = ", "10.toml:1: ")]
fn a_bad_managed_file_is_fatal(#[case] name: &str, #[case] text: &str, #[case] message: &str) {
    let machine = Machine::new();
    if !is_administrator(&machine) {
        return;
    }
    machine.write(&format!("managed.d/{name}"), text);
    let error = machine.load().unwrap_err().to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn claude_desktops_settings_are_defaults_unless_an_administrator_says_no() {
    let mut machine = Machine::new();
    if !is_administrator(&machine) {
        return;
    }
    let theirs = r#"{"inferenceProvider":"foundry","inferenceFoundryTenantId":"c.example",
        "inferenceFoundryClientId":"cid","inferenceFoundryResource":"contoso-ai","inferenceModels":["x"]}"#;
    machine.write("claude-desktop.json", theirs);
    let config = machine.load().unwrap();
    let profile = &config.profiles[DEFAULT_PROFILE];
    assert_eq!(
        (profile.tenant.value.as_str(), profile.tenant.source.layer()),
        ("c.example", Layer::ClaudeDesktop)
    );
    assert_eq!(profile.client_id.as_ref().unwrap().value, "cid");
    assert_eq!(config.foundry_resource.unwrap().value, "contoso-ai");
    machine.user = "tenant = \"u.example\"".to_owned();
    assert_eq!(machine.load().unwrap().profiles[DEFAULT_PROFILE].tenant.value, "u.example");
    for place in ["config.toml", "managed.d/10.toml"] {
        machine.write(place, "adopt_claude_desktop = \"off\"");
        let config = machine.load().unwrap();
        assert!(config.foundry_resource.is_none() && config.profiles[DEFAULT_PROFILE].client_id.is_none());
        let source = config.sources().iter().find(|it| it.layer == Layer::ClaudeDesktop).unwrap();
        assert!(source.fault.as_ref().unwrap().contains("`adopt_claude_desktop` is off"), "{source:?}");
        fs::remove_file(machine.folder.path().join("admin").join(place)).unwrap();
    }
    for bad in ["{", "[]", r#"{"inferenceFoundryResource":"no good"}"#, r#"{"inferenceFoundryTenantId":[1]}"#]
    {
        machine.write("claude-desktop.json", bad);
        let config = machine.load().unwrap();
        let source = config.sources().iter().find(|it| it.layer == Layer::ClaudeDesktop).unwrap();
        assert!(source.fault.is_some() && config.foundry_resource.is_none(), "{bad}: {source:?}");
    }
}

#[test]
fn the_machines_file_is_overridden_and_its_bounds_are_not() {
    let mut machine = Machine::new();
    if !is_administrator(&machine) {
        return;
    }
    machine.write("config.toml", "leases = false\nallowed_tenants = [\"a.example\"]");
    machine.variable = Some(("ENTRAD_LEASES".to_owned(), "on".to_owned()));
    let config = machine.load().unwrap();
    assert!(config.bounds.leases.value);
    assert!(config.bounds.allow_tenant("default", "b.example").is_err());
}

//! Layers, provenance and refusals.

use std::ffi::OsString;

use rstest::rstest;

use super::*;

/// The settings of a user's file, a command line and variables, where no administrator set any.
pub(super) fn load(file: &str, args: Args, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, file).unwrap();
    let args = args.with("config", path.to_string_lossy());
    let lookup = |name: &str| {
        let set = variables.iter().chain(&[("XDG_RUNTIME_DIR", "/run/user/7")]);
        set.clone().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
    };
    let administrators = Administrators::below(&folder.path().join("none"));
    Config::load(&Places { administrators, args, variable: &lookup })
}

#[test]
fn nothing_configured_is_organizations_in_the_public_cloud_without_an_app() {
    let config = load("", Args::default(), &[]).unwrap();
    let profile = &config.profiles[DEFAULT_PROFILE];
    assert_eq!((profile.cloud.value, profile.tenant.value.as_str()), (Cloud::Public, "organizations"));
    assert!(profile.client_id.is_none() && profile.authority.is_none());
    #[cfg(unix)]
    assert_eq!(config.socket.value, Path::new("/run/user/7/entrad/entrad.sock"));
    assert_eq!((config.store.value.as_str(), &config.store.source), ("auto", &Source::BuiltIn));
    assert!(config.state_dir.value.ends_with("entrad"), "{:?}", config.state_dir);
}

#[test]
fn later_layers_win_and_each_value_knows_its_origin() {
    let file = "tenant = \"file.example\"\nclient_id = \"file\"\n";
    let variables = [("ENTRAD_TENANT", "env.example"), ("ENTRAD_STORE", "memory")];
    let args = Args::default().with("store", "passphrase");
    let config = load(file, args, &variables).unwrap();
    let profile = &config.profiles[DEFAULT_PROFILE];
    assert_eq!(profile.tenant.value, "env.example");
    assert_eq!(profile.tenant.source.to_string(), "ENTRAD_TENANT");
    assert!(profile.client_id.as_ref().unwrap().source.to_string().ends_with("config.toml:2"));
    assert_eq!(
        (config.store.value.as_str(), config.store.source.to_string().as_str()),
        ("passphrase", "--store")
    );
}

#[test]
fn prompts_are_set_in_every_layer() {
    let config = load("", Args::default(), &[]).unwrap().prompting;
    assert_eq!(config, Prompting::default());
    let file = "notify_command = [\"say\", \"it is time\"]\nprompts_per_day = 3\nquiet_hours = \"22:00-07:00\"\nsnooze = \"2h\"\n";
    let variables = [("ENTRAD_NOTIFY", "off"), ("ENTRAD_ASK_AHEAD", "1d"), ("ENTRAD_QUIET_HOURS", "off")];
    let args = Args::default().with("snooze", "10m");
    let config = load(file, args, &variables).unwrap().prompting;
    assert_eq!(config.notify.value, Notify::Off);
    assert_eq!(config.notify_command.unwrap().value, ["say", "it is time"]);
    assert_eq!((config.snooze.value.as_secs(), config.prompts_per_day.value), (600, 3));
    assert_eq!(config.ask_ahead.unwrap().value.as_secs(), 24 * 3600);
    assert_eq!(config.quiet_hours, None, "a later layer can say `off`");
}

#[test]
fn profiles_stand_alone() {
    let file = "tenant = \"a.example\"\n[profile.work]\nclient_id = \"c\"\ncloud = \"china\"\n";
    let config = load(file, Args::default(), &[]).unwrap();
    let work = &config.profiles["work"];
    assert_eq!((work.cloud.value, work.tenant.value.as_str()), (Cloud::China, "organizations"));
    assert_eq!(config.profiles[DEFAULT_PROFILE].tenant.value, "a.example");
}

#[rstest]
#[case("tenent = \"x\"", "config.toml:1: there is no setting `tenent`; did you mean `tenant`?")]
#[case(
    "\n[profile.work]\nclientid = \"x\"",
    "config.toml:3: there is no setting `profile.work.clientid`; did you mean `profile.work.client_id`?"
)]
#[case(
    "store = [1]",
    "config.toml:1: `store` is a list of other things than strings; it should be a string."
)]
#[case("notify_command = [1]", "`notify_command` is a list of other things than strings")]
#[case("quiet_hours = \"9-17\"", "`quiet_hours` should be two times of day")]
#[case("snooze = \"1s\"", "`snooze` should be a time from a minute")]
#[case("store = ", "config.toml:1: ")]
#[case("cloud = \"azure\"", "`cloud` should be one of `public`, `us_government`, `china`")]
#[case("audit_size = 257", "config.toml:1: `audit_size` should be a number from 1 to 256: `257` is not.")]
#[case("audit_files = 101", "config.toml:1: `audit_files` should be a number from 2 to 100: `101` is not.")]
#[case("passphrase_fd = \"x\"", "`passphrase_fd` should be a number: `x` is none.")]
#[case("[profile.\"a b\"]\ntenant = \"x\"", "is no profile name")]
#[case(
    "[profile.default]\ntenant = \"x\"",
    "config.toml:2: the default profile has no table; set `tenant` at the top level"
)]
#[case("\"\\u001b[31mtenant\" = 1", "config.toml:1: there is no setting `[31mtenant`; did you mean")]
#[case("profile = { \"a\\nb\" = 1 }", "config.toml:1: `profile.ab` is a number; it should be a table.")]
#[case("[profile.\"a\\tb\"]\ntenant = 1", "config.toml:2: `profile.ab` is no profile name")]
#[case("[profile.default]\n\"a\\tb\" = 1", "config.toml:2: the default profile has no table; set `ab`")]
#[case("config = \"/elsewhere\"", "there is no setting `config`")]
#[case(
    "socket = \"/very/long\"\n[profile.work]\nsocket = \"x\"",
    "there is no setting `profile.work.socket`"
)]
fn a_bad_file_is_refused_with_place_and_remedy(#[case] file: &str, #[case] message: &str) {
    let error = load(file, Args::default(), &[]).unwrap_err().to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn a_named_file_is_known_by_its_whole_path() {
    let args = Args::default().with("config", "no-such/config.toml");
    let administrators = Administrators::below(Path::new("/nonexistent"));
    let error = Config::load(&Places { administrators, args, variable: &|_| None }).unwrap_err().to_string();
    let whole = std::env::current_dir().unwrap().join("no-such").join("config.toml");
    assert!(error.starts_with(&whole.display().to_string()), "{error}");
}

#[test]
fn a_named_file_must_exist() {
    let args = Args::default().with("config", "/nonexistent/config.toml");
    let administrators = Administrators::below(Path::new("/nonexistent"));
    let places = Places { administrators, args, variable: &|_| None };
    // Elsewhere than on Unix it has a drive before it then.
    let shown = std::path::absolute("/nonexistent/config.toml").unwrap();
    let error = Config::load(&places).unwrap_err().to_string();
    assert!(error.contains(&format!("{} cannot be read", shown.display())), "{error}");
}

//! What administrators manage, through the real daemon: no layer and no caller gets around a lock, a change holds at once and
//! costs no token, and a bad source is never half a configuration.
//!
//! Only root can be an administrator. These tests fail for anybody else, and say so.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use entra_sim::{ADA, DEFAULT_CLIENT};
use entra_tests::loopback::Lease;
use entra_tests::{Daemon, Env, finish, programs, raw, system};
use rstest::rstest;
use serde_json::{Value, json};

/// A workstation whose administrators' folder is our own.
struct Managed {
    env: Env,
}

impl Managed {
    fn new() -> Self {
        let managed = Self { env: Env::new(programs!()) };
        fs::create_dir_all(managed.folder().join("managed.d")).unwrap();
        for folder in [managed.folder(), managed.folder().join("managed.d")] {
            fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
        }
        let owner = fs::metadata(managed.folder()).unwrap().uid();
        assert_eq!(owner, 0, "only root can be an administrator: run these tests as root");
        managed
    }

    fn folder(&self) -> PathBuf {
        self.env.folder().join("administrators")
    }

    /// Replaces the managed file, as a package does.
    fn manage(&self, text: &str) {
        let file = self.folder().join("managed.d/10-it.toml");
        let new = self.folder().join("managed.d/.new");
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, PermissionsExt::from_mode(0o644)).unwrap();
        fs::rename(new, file).unwrap();
    }

    /// The simulator, named by the administrator.
    fn at_sim(&self, more: &str) -> String {
        let origin = self.env.sim().origin();
        format!("authority = \"{origin}\"\nclient_id = \"{DEFAULT_CLIENT}\"\n{more}\n")
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = self.env.bare_daemon_command();
        command.env("ENTRA_TEST_ADMINISTRATORS", self.folder()).args(options);
        command
    }

    fn start(&self, options: &[&str]) -> Daemon {
        let mut command = self.command(options);
        command.arg("--store=memory");
        self.env.launch(command)
    }

    fn fails(&self, options: &[&str]) -> (i32, String) {
        let mut command = self.command(options);
        let ran = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        (ran.status, ran.stderr)
    }

    fn get(&self, path: &str) -> Value {
        raw::get(&self.env.socket(), path).body
    }

    fn setting(&self, key: &str) -> Value {
        let config = self.get("/v1/config");
        let settings = config["settings"].as_array().unwrap();
        settings.iter().find(|it| it["key"] == key).unwrap_or_else(|| panic!("{key} is told")).clone()
    }

    /// Waits until the settings in force are so.
    fn config_where(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        // The wait for a status is bounded.
        let _status = self.env.status_where(|_| is_so(&self.get("/v1/config")));
        self.get("/v1/config")
    }

    fn token(&self) -> raw::RawAnswer {
        raw::post(&self.env.socket(), "/v1/token", &json!({"resource": "foundry"}))
    }
}

fn value<'a>(config: &'a Value, key: &str) -> &'a Value {
    let settings = config["settings"].as_array().unwrap();
    &settings.iter().find(|it| it["key"] == key).unwrap()["value"]
}

fn warnings(status: &Value) -> String {
    status["warnings"].to_string()
}

const OTHER_CLIENT: &str = "00000000-1111-2222-3333-444444444444";

/// What a caller may say of a locked key, and over which route.
#[rstest]
#[case("tenant = 'a.example'", "tenant", "/v1/sign-ins", json!({"tenant": "b.example", "client_id": OTHER_CLIENT}))]
#[case("allowed_tenants = ['a.example']", "allowed_tenants", "/v1/sign-ins", json!({"tenant": "b.example", "client_id": OTHER_CLIENT}))]
#[case("client_id = '11111111-1111-2222-3333-444444444444'", "client_id", "/v1/sign-ins", json!({"client_id": OTHER_CLIENT}))]
#[case("allowed_client_ids = ['a']", "allowed_client_ids", "/v1/sign-ins", json!({"client_id": OTHER_CLIENT}))]
#[case("cloud = 'public'", "cloud", "/v1/sign-ins", json!({"cloud": "china", "client_id": OTHER_CLIENT}))]
#[case("allowed_clouds = 'public'", "allowed_clouds", "/v1/sign-ins", json!({"cloud": "china", "client_id": OTHER_CLIENT}))]
#[case("cloud = 'public'", "cloud", "/v1/sign-ins", json!({"profile": "other"}))]
#[case("client_id = '11111111-1111-2222-3333-444444444444'", "client_id", "/v1/sign-ins", json!({"profile": "other"}))]
#[case("tenant = 'a.example'", "tenant", "/v1/sign-ins", json!({"profile": "other"}))]
#[case("authority = 'https://login.example'", "authority", "/v1/sign-ins", json!({"profile": "other"}))]
#[case("flows = 'device_code'", "flows", "/v1/sign-ins", json!({"flow": "browser", "client_id": OTHER_CLIENT}))]
#[case("forbidden_flows = 'browser'", "forbidden_flows", "/v1/sign-ins", json!({"flow": "browser", "client_id": OTHER_CLIENT}))]
#[case("allowed_resources = 'foundry'", "allowed_resources", "/v1/sign-ins", json!({"scopes": ["https://graph.microsoft.com/.default"], "client_id": OTHER_CLIENT}))]
#[case("leases = false", "leases", "/v1/leases", json!({"name": "x", "resources": ["foundry"]}))]
#[case("longest_lease = '1h'", "longest_lease", "/v1/leases", json!({"name": "x", "resources": ["foundry"], "expires_in": 3601}))]
#[case("dialects = 'azd'", "dialects", "/v1/registry-token", json!({"registry": "contoso.azurecr.io"}))]
#[case("sign_in_page = false", "sign_in_page", "/v1/pages", json!({}))]
#[case("snooze = '30m'", "snooze", "/v1/prompts/snooze", json!({"seconds": 1801}))]
fn no_caller_gets_around_a_lock(
    #[case] managed: &str,
    #[case] key: &str,
    #[case] path: &str,
    #[case] body: Value,
) {
    let machine = Managed::new();
    machine.manage(&format!("\n{managed}\n"));
    machine.env.configure(&format!(
        "[profile.other]\nauthority = \"http://127.0.0.1:9\"\nclient_id = \"{OTHER_CLIENT}\"\n"
    ));
    let _daemon = machine.start(&[]);
    let answer = raw::post(&machine.env.socket(), path, &body);
    assert_eq!((answer.status, &answer.body["code"]), (403, &json!("refused")), "{answer:?}");
    let message = answer.body["message"].as_str().unwrap();
    assert!(message.contains(&format!("`{key}` in ")) && message.contains("10-it.toml:2"), "{message}");
    assert!(machine.setting(key)["is_locked"].as_bool().unwrap());
}

/// Keys whose lock a caller could try to get around, all of which are in the table above or have a test of their own.
const IN_REACH: [&str; 18] = [
    "allowed_client_ids",
    "allowed_clouds",
    "allowed_domains",
    "allowed_resources",
    "allowed_tenants",
    "authority",
    "client_id",
    "cloud",
    "consent_remember",
    "dialects",
    "flows",
    "forbidden_flows",
    "forwarding",
    "leases",
    "longest_lease",
    "sign_in_page",
    "snooze",
    "tenant",
];

/// Keys of which no route takes a value.
const OUT_OF_REACH: [&str; 36] = [
    "adopt_claude_desktop",
    "agent_budget",
    "all_proxy",
    "allowed_stores",
    "ask_ahead",
    "audit_files",
    "audit_sinks",
    "audit_size",
    "ca_certificates",
    "client_certificate",
    "client_key",
    "client_key_passphrase_file",
    "config",
    "confine",
    "consent_timeout",
    "foundry_resource",
    "http_proxy",
    "https_proxy",
    "lock_on",
    "log",
    "log_sinks",
    "loopback",
    "no_proxy",
    "notify",
    "notify_command",
    "otlp_endpoint",
    "passphrase_fd",
    "passphrase_file",
    "policy",
    "prompts_per_day",
    "quiet_hours",
    "socket",
    "state_dir",
    "stay_locked",
    "store",
    "unlock_on_return",
];

#[test]
fn every_key_was_thought_of() {
    let thought_of: Vec<&str> = IN_REACH.iter().chain(&OUT_OF_REACH).copied().collect();
    for key in entrad::config::keys::KEYS {
        assert!(thought_of.contains(&key.name), "can a caller get around a lock of `{}`?", key.name);
    }
    assert_eq!(thought_of.len(), entrad::config::keys::KEYS.len());
}

#[test]
fn dialects_and_leases_that_are_shut_are_shut_for_leases_that_stand() {
    let machine = Managed::new();
    machine.manage(&machine.at_sim(""));
    let _daemon = machine.start(&[]);
    machine.env.sign_in();
    let lease = Lease::make(&machine.env.socket(), "one", &["foundry"]);
    let ask = || {
        (
            lease.identity("https://ai.azure.com"),
            lease.azd(&json!({"scopes": ["https://ai.azure.com/.default"]})),
        )
    };
    assert_eq!((ask().0.status, &ask().1.body["status"]), (200, &json!("success")));
    for (bound, key) in [("dialects = 'registry'", "dialects"), ("leases = false", "leases")] {
        machine.manage(&machine.at_sim(bound));
        let _config = machine.config_where(|config| *value(config, key) != value_unset(key));
        let (identity, azd) = ask();
        assert_eq!(identity.status, 403, "{identity:?}");
        assert!(identity.text.contains(&format!("`{key}` in ")), "{identity:?}");
        assert!(azd.text.contains(&format!("`{key}` in ")), "{azd:?}");
        machine.manage(&machine.at_sim(""));
        let _config = machine.config_where(|config| *value(config, key) == value_unset(key));
        assert_eq!(ask().0.status, 200, "it stands");
    }
}

fn value_unset(key: &str) -> Value {
    match key {
        "leases" => json!("on"),
        _ => json!(["managed_identity", "azd", "registry"]),
    }
}

#[test]
fn a_caller_from_elsewhere_is_served_only_where_that_is_allowed() {
    let machine = Managed::new();
    let _daemon = machine.start(&[]);
    // The kernel's name for a process is its program's.
    let sshd = machine.env.folder().join("sshd");
    system::copy_program(programs!().entra, &sshd);
    let status = || {
        let mut command = machine.env.command(&sshd);
        let child = command.args(["status", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        finish(child.unwrap())
    };
    assert_eq!(status().status, 0);
    machine.manage("forwarding = false\n");
    let _config = machine.config_where(|config| value(config, "forwarding") == "off");
    let refused = status();
    assert_eq!(refused.status, 4, "{refused:?}");
    assert!(refused.stderr.contains("`forwarding` in "), "{refused:?}");
    assert_eq!(machine.env.entra(&["status"]).status, 0, "others are served");
}

#[test]
fn a_change_holds_at_once_and_costs_no_token() {
    let machine = Managed::new();
    machine.manage(&machine.at_sim(""));
    let _daemon = machine.start(&[]);
    machine.env.sign_in();
    let first = machine.token();
    assert_eq!(first.status, 200, "{first:?}");
    for (bound, key) in [
        ("allowed_domains = ['other.example']", "allowed_domains"),
        ("allowed_resources = ['graph']", "allowed_resources"),
        ("allowed_tenants = ['other.example']", "allowed_tenants"),
    ] {
        machine.manage(&machine.at_sim(bound));
        let _config = machine.config_where(|config| !value(config, key).is_null());
        let refused = machine.token();
        assert_eq!(refused.status, 403, "{key}: {refused:?}");
        assert!(refused.body["message"].as_str().unwrap().contains(key), "{refused:?}");
        machine.manage(&machine.at_sim(""));
        let _config = machine.config_where(|config| value(config, key).is_null());
        let again = machine.token();
        assert_eq!(again.body["access_token"], first.body["access_token"], "{again:?}");
    }
}

#[test]
fn whoever_is_not_allowed_cannot_sign_in_and_leaves_nothing() {
    let machine = Managed::new();
    machine.manage(&machine.at_sim("allowed_domains = ['other.example']"));
    let _daemon = machine.start(&[]);
    let login = machine.env.login(&[]);
    let code = machine.env.sim().control().next_user_code_blocking().unwrap();
    machine.env.sim().control().approve(&code, ADA).unwrap();
    let (last, ran) = login.end();
    assert_eq!(ran.status, 4, "{ran:?}");
    let message = last["error"]["message"].as_str().unwrap();
    assert!(message.contains("allowed_domains") && message.contains("The tokens were dropped."), "{message}");
    assert_eq!(machine.get("/v1/accounts")["accounts"], json!([]));
}

#[test]
fn a_bad_file_of_the_users_is_left_out_and_said() {
    let machine = Managed::new();
    machine.env.configure("tenent = \"a.example\"\nsnooze = \"2h\"\n");
    let _daemon = machine.start(&[]);
    let status = machine.env.status_where(|_| true);
    assert!(warnings(&status).contains("did you mean `tenant`?"), "{status:#}");
    let config = machine.get("/v1/config");
    assert_eq!(value(&config, "snooze"), "1h", "nothing of it is used");
    let source = config["sources"].as_array().unwrap().iter().find(|it| it["layer"] == "user").unwrap();
    assert!(source["fault"].as_str().unwrap().contains("config.toml:1"), "{source:#}");
    machine.env.configure("snooze = \"2h\"\n");
    let _config = machine.config_where(|config| value(config, "snooze") == "2h");
    let status = machine.env.status_where(|_| true);
    assert!(!warnings(&status).contains("tenent"), "{status:#}");
}

#[test]
fn a_file_of_the_users_that_turns_bad_holds_up_no_rule_of_an_administrator() {
    let machine = Managed::new();
    machine.env.configure("snooze = \"2h\"\n");
    let _daemon = machine.start(&[]);
    let _config = machine.config_where(|config| value(config, "snooze") == "2h");
    machine.env.configure("snooze = \n");
    machine.manage("sign_in_page = false\n");
    let config = machine.config_where(|config| value(config, "sign_in_page") == "off");
    assert_eq!(value(&config, "snooze"), "1h", "nothing of it is used");
    let status = machine.env.status_where(|_| true);
    assert!(warnings(&status).contains("config.toml:1"), "{status:#}");
}

#[rstest]
#[case::an_unsafe_authority("authority = \"https://login.example\"")]
#[case::a_store_of_another_system("store = \"dpapi\"")]
#[case::a_sink_of_another_system("log_sinks = [\"stderr\", \"event_log\"]")]
fn what_cannot_be_used_leaves_the_users_file_out(#[case] text: &str) {
    let machine = Managed::new();
    machine.env.configure(&format!("{text}\nsnooze = \"2h\"\n"));
    let _daemon = machine.env.launch(machine.command(&[]));
    let status = machine.env.status_where(|_| true);
    assert!(warnings(&status).contains("config.toml:1"), "{status:#}");
    assert_eq!(machine.setting("snooze")["value"], "1h");
    // What a daemon would do is what a report without one tells.
    let mut command = machine.command(&["--report=config"]);
    let ran = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value(&report, "snooze"), "1h");
}

#[rstest]
#[case::managed("managed.d/10-it.toml", "tenent = 1")]
#[case::machine("config.toml", "leases = 'perhaps'")]
fn a_bad_source_of_an_administrator_keeps_the_daemon_from_starting(#[case] file: &str, #[case] text: &str) {
    let machine = Managed::new();
    let file = machine.folder().join(file);
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    let (status, said) = machine.fails(&["--store=memory"]);
    assert_eq!(status, 5, "{said}");
    assert!(said.contains(&format!("{}:1", file.display())), "{said}");
    // A report tells of it all the same.
    let mut command = machine.command(&["--report=config"]);
    let ran = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let faults: Vec<_> =
        report["sources"].as_array().unwrap().iter().filter(|it| !it["fault"].is_null()).collect();
    assert_eq!(faults.len(), 1, "{report:#}");
}

#[test]
fn a_managed_source_that_turns_bad_leaves_all_as_it_was() {
    let machine = Managed::new();
    machine.manage("leases = false\n");
    let _daemon = machine.start(&[]);
    machine.manage("leases = perhaps\n");
    let status =
        machine.env.status_where(|status| warnings(status).contains("The settings stay as they were"));
    assert!(warnings(&status).contains("10-it.toml:1"), "{status:#}");
    let answer =
        raw::post(&machine.env.socket(), "/v1/leases", &json!({"name": "x", "resources": ["foundry"]}));
    assert_eq!(answer.status, 403, "the former settings hold: {answer:?}");
    machine.manage("");
    let _status = machine.env.status_where(|status| !warnings(status).contains("The settings stay"));
    let answer =
        raw::post(&machine.env.socket(), "/v1/leases", &json!({"name": "x", "resources": ["foundry"]}));
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn what_cannot_change_while_it_runs_waits_for_a_restart() {
    let machine = Managed::new();
    let daemon = machine.start(&[]);
    machine.env.configure("loopback = \"off\"\nsnooze = \"2h\"\n");
    let config = machine.config_where(|config| value(config, "snooze") == "2h");
    assert_eq!(config["waiting_for_restart"], json!(["loopback"]));
    let applied_on = config["applied_on"].as_u64().unwrap();
    let reads = || machine.env.log().matches("the settings were read anew").count();
    let before = reads();
    // Nothing changed, and the settings are read anew all the same.
    let killed = Command::new("kill").args(["-HUP", &daemon.pid().to_string()]).status().unwrap();
    assert!(killed.success());
    let _status = machine.env.status_where(|_| reads() > before);
    assert!(machine.get("/v1/config")["applied_on"].as_u64().unwrap() >= applied_on);
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn claude_desktops_tenant_is_taken_and_a_bad_one_is_left_out() {
    let machine = Managed::new();
    let file = machine.folder().join("claude-desktop.json");
    let write = |tenant: &str| {
        let text = json!({"inferenceFoundryTenantId": tenant, "inferenceFoundryClientId": DEFAULT_CLIENT});
        fs::write(&file, text.to_string()).unwrap();
    };
    write("contoso.example");
    let authority = format!("--authority={}", machine.env.sim().origin());
    let _daemon = machine.start(&[&authority]);
    let tenant = machine.setting("tenant");
    assert_eq!(
        (&tenant["value"], &tenant["origin"]["layer"]),
        (&json!("contoso.example"), &json!("claude_desktop"))
    );
    write("no tenant/at all");
    let config = machine.config_where(|config| value(config, "tenant") == "organizations");
    let source =
        config["sources"].as_array().unwrap().iter().find(|it| it["layer"] == "claude_desktop").unwrap();
    assert!(
        source["fault"].as_str().is_some_and(|fault| fault.contains("claude-desktop.json")),
        "{source:#}"
    );
    assert!(value(&config, "client_id").is_null(), "nothing of it is used");
}

#[test]
fn only_allowed_homes_hold_the_key() {
    let machine = Managed::new();
    machine.manage("allowed_stores = ['secret-service']\n");
    let (status, said) = machine.fails(&["--store=memory"]);
    assert_eq!(status, 5, "{said}");
    assert!(said.contains("`allowed_stores` in ") && said.contains("`memory`"), "{said}");
    let (status, said) = machine.fails(&["--store=dpapi"]);
    assert_eq!(status, 5, "{said}");
    assert!(said.contains("--store: The store `dpapi` is not available"), "{said}");
}

#[test]
fn a_report_needs_no_daemon_and_leaves_nothing() {
    let machine = Managed::new();
    machine.manage("tenant = 'a.example'\nhttps_proxy = 'http://ada:hunter2@proxy.example:8080'\n");
    let mut command = machine.command(&["--report=config"]);
    let ran = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(!ran.stdout.contains("hunter2"), "{}", ran.stdout);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value(&report, "tenant"), "a.example");
    let hosts: Vec<_> = report["egress"].as_array().unwrap().iter().map(|it| it["host"].clone()).collect();
    assert!(
        hosts.contains(&json!("login.microsoftonline.com")) && hosts.contains(&json!("proxy.example")),
        "{hosts:?}"
    );
    assert!(!machine.env.state_dir().exists(), "nothing is written");
}

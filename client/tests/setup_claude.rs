//! `entra setup claude-code`, whose lease is made and ended with it, and `entra setup claude-desktop`.
#![cfg(any(target_os = "linux", windows))]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

#[path = "support/home.rs"]
mod home;
mod support;

use std::fs;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use home::{CLAUDE_DESKTOP, Home, assert_same, is_private};
use rstest::rstest;
use serde_json::Value;
use support::{FakeDaemon, NOWHERE, entra, err, out, reply};

/// A daemon that has leases, and the requests that it heard.
struct Daemon {
    fake: FakeDaemon,
    heard: Arc<Mutex<Vec<String>>>,
    /// The leases' ids.
    standing: Arc<Mutex<Vec<String>>>,
    endpoint: Arc<Mutex<&'static str>>,
}

fn daemon() -> Daemon {
    let (heard, standing) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::<String>::new())));
    let endpoint = Arc::new(Mutex::new("http://127.0.0.1:4711/msi/token"));
    let (log, leases, place, count) =
        (Arc::clone(&heard), Arc::clone(&standing), Arc::clone(&endpoint), AtomicUsize::new(0));
    let fake = FakeDaemon::new(move |asked, stream| {
        log.lock().unwrap().push(format!("{} {}", asked.line, asked.body).trim().to_owned());
        let place = *place.lock().unwrap();
        let info = |id: &str| {
            format!(
                r#"{{"id":"{id}","name":"claude-code","resources":["cognitive","foundry"],"account":"ada.t","made_on":1,"agent":"claude","uses":0}}"#
            )
        };
        let list = |leases: &[String]| {
            let leases: Vec<String> = leases.iter().map(|id| info(id)).collect();
            format!(r#"{{"leases":[{}],"strangers":0,"identity_endpoint":"{place}"}}"#, leases.join(","))
        };
        if asked.line == "GET /v1/accounts" {
            return reply(stream, 200, ACCOUNTS);
        }
        let mut leases = leases.lock().unwrap();
        if asked.line.starts_with("POST") {
            let id = format!("id{}", count.fetch_add(1, Ordering::Relaxed));
            *leases = vec![id.clone()];
            let lease = info(&id);
            let answer = format!(
                r#"{{"lease":{lease},"secret":"entra_lease_{id}_s3cr3t","identity_endpoint":"{place}","azd_endpoint":"x"}}"#
            );
            return reply(stream, 200, &answer);
        }
        if let Some(id) = asked.line.strip_prefix("DELETE /v1/leases/") {
            leases.retain(|lease| lease != id);
        }
        reply(stream, 200, &list(&leases));
    });
    Daemon { fake, heard, standing, endpoint }
}

impl Daemon {
    fn run(&self, home: &Home, line: &str) -> Output {
        let mut command = self.fake.entra(line);
        home.dress(&mut command);
        command.output().unwrap()
    }

    #[track_caller]
    fn good(&self, home: &Home, line: &str) -> String {
        let output = self.run(home, line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}{}", out(&output), err(&output));
        assert!(!out(&output).contains("s3cr3t") && !err(&output).contains("s3cr3t"));
        out(&output).to_owned()
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

const ACCOUNTS: &str = r#"{"accounts":[
    {"id":"ada.t","username":"ada@contoso.com","profile":"default","cloud":"public","tenant":"contoso.com","client_id":"c","provenance":{"flow":"device_code","signed_in_on":1795231440},"health":{"state":"good"}},
    {"id":"grace.t","username":"grace@contoso.com","profile":"default","cloud":"public","tenant":"contoso.com","client_id":"c","provenance":{"flow":"device_code","signed_in_on":1795231440},"health":{"state":"good"}}]}"#;

const SET_UP: &str = "setup claude-code --foundry my-resource";

fn variables(home: &Home) -> Value {
    let text = home.read(".claude/settings.json");
    serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')).unwrap()["env"].clone()
}

#[rstest]
#[case(None)]
#[case(Some("{}"))]
#[case(Some(""))]
#[case(Some(
    "{\r\n\t\"model\": \"opus\",\r\n\t\"env\": {\r\n\t\t\"Z\": \"1\",\r\n\t\t\"NO_PROXY\": \"corp\"\r\n\t},\r\n\t\"a\": [1, 2]\r\n}"
))]
#[case(Some("\u{feff}{\"permissions\":{\"allow\":[\"Bash(ls:*)\"]},\"env\":{}}\n\n"))]
fn settings_are_set_up_once_and_taken_back_whole(#[case] text: Option<&str>) {
    let daemon = daemon();
    let home = Home::with(&text.map(|text| (".claude/settings.json", text)).into_iter().collect::<Vec<_>>());
    let before = home.tree();
    daemon.good(&home, &format!("{SET_UP} --print"));
    assert_same(&home.tree(), &before);
    assert_eq!(daemon.heard(), [""; 0]);

    let said = daemon.good(&home, SET_UP);
    assert!(said.contains("lease    claude-code (id id0) for cognitive, foundry"), "{said}");
    assert_eq!(
        daemon.heard(),
        [
            "GET /v1/leases",
            r#"POST /v1/leases {"name":"claude-code","resources":["cognitive","foundry"],"agent":"claude"}"#
        ]
    );
    let env = variables(&home);
    assert_eq!(env["CLAUDE_CODE_USE_FOUNDRY"], "1");
    assert_eq!(env["ANTHROPIC_FOUNDRY_RESOURCE"], "my-resource");
    assert_eq!(env["IDENTITY_ENDPOINT"], "http://127.0.0.1:4711/msi/token");
    assert_eq!(env["IDENTITY_HEADER"], "entra_lease_id0_s3cr3t");
    let corp = if text.is_some_and(|text| text.contains("corp")) { "corp," } else { "" };
    assert_eq!(env["NO_PROXY"], format!("{corp}127.0.0.1,localhost"));
    let set_up = home.tree();
    for (path, (mode, bytes)) in &set_up {
        let is_settings = path.ends_with("settings.json");
        assert_eq!(String::from_utf8_lossy(bytes).contains("s3cr3t"), is_settings, "{path:?}");
        assert!(!is_settings || is_private(*mode), "{mode:o}");
    }

    let said = daemon.good(&home, SET_UP);
    assert!(said.contains("nothing was changed"), "{said}");
    assert_same(&home.tree(), &set_up);
    assert_eq!(daemon.heard(), ["GET /v1/leases"]);

    let said = daemon.good(&home, "setup claude-code --undo");
    assert!(said.contains("revoked"), "{said}");
    assert_same(&home.tree(), &before);
    assert_eq!(daemon.heard(), ["DELETE /v1/leases/id0"]);
}

#[test]
fn a_lease_that_does_not_stand_any_more_is_replaced() {
    let daemon = daemon();
    let home = Home::with(&[]);
    let before = home.tree();
    daemon.good(&home, SET_UP);
    daemon.standing.lock().unwrap().clear();
    daemon.good(&home, "setup claude-code");
    assert_eq!(variables(&home)["IDENTITY_HEADER"], "entra_lease_id1_s3cr3t");
    daemon.good(&home, "setup claude-code --new-lease");
    assert_eq!(variables(&home)["IDENTITY_HEADER"], "entra_lease_id2_s3cr3t");
    *daemon.endpoint.lock().unwrap() = "http://127.0.0.1:4712/msi/token";
    daemon.good(&home, "setup claude-code");
    assert_eq!(variables(&home)["IDENTITY_HEADER"], "entra_lease_id2_s3cr3t");
    assert_eq!(variables(&home)["IDENTITY_ENDPOINT"], "http://127.0.0.1:4712/msi/token");
    daemon.heard();
    daemon.good(&home, "setup claude-code --undo");
    assert_eq!(daemon.heard(), ["DELETE /v1/leases/id2"]);
    assert_same(&home.tree(), &before);
}

#[test]
fn a_lease_is_kept_for_the_same_account_alone() {
    let daemon = daemon();
    let home = Home::with(&[]);
    for (account, id) in [("ada@contoso.com", 0), ("Ada@contoso.com", 0), ("ada.t", 0), ("grace.t", 1)] {
        daemon.good(&home, &format!("{SET_UP} --account {account}"));
        assert_eq!(variables(&home)["IDENTITY_HEADER"], format!("entra_lease_id{id}_s3cr3t"), "{account}");
    }
    assert!(daemon.heard().iter().any(|line| line.contains(r#""account":"grace.t""#)));
}

#[test]
fn settings_that_claude_code_rewrote_lose_our_part_alone() {
    let daemon = daemon();
    let home = Home::with(&[(".claude/settings.json", "{ \"env\": { \"A\": \"1\" } }\n")]);
    daemon.good(&home, SET_UP);
    let mut settings: Value = serde_json::from_str(&home.read(".claude/settings.json")).unwrap();
    settings["model"] = "opus".into();
    home.write(".claude/settings.json", &format!("{settings:#}"));
    let said = daemon.good(&home, "setup claude-code --undo");
    assert!(said.contains("only what entra put there was taken out"), "{said}");
    let settings: Value = serde_json::from_str(&home.read(".claude/settings.json")).unwrap();
    assert_eq!(settings, serde_json::json!({ "env": { "A": "1" }, "model": "opus" }));
}

#[test]
fn without_a_resource_the_way_out_is_named() {
    let daemon = daemon();
    let home = Home::with(&[]);
    let output = daemon.run(&home, "setup claude-code");
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("--foundry NAME"), "{}", err(&output));
    assert_eq!((home.tree().len(), daemon.heard().len()), (1, 0));
}

#[test]
fn settings_that_go_first_are_named_and_stay() {
    let daemon = daemon();
    let text = r#"{"apiKeyHelper":"x","env":{"ANTHROPIC_FOUNDRY_API_KEY":"k","AZURE_TOKEN_CREDENTIALS":"prod","ANTHROPIC_FOUNDRY_BASE_URL":"https://h/"}}"#;
    let home = Home::with(&[(".claude/settings.json", text)]);
    let output = daemon.run(&home, SET_UP);
    let words: String = err(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    for name in [
        "ANTHROPIC_FOUNDRY_API_KEY is set in",
        "apiKeyHelper is set in",
        "ANTHROPIC_FOUNDRY_BASE_URL is set too",
    ] {
        assert!(words.contains(name), "{words}");
    }
    assert!(!words.contains("AZURE_TOKEN_CREDENTIALS"), "{words}");
    assert_eq!(variables(&home)["ANTHROPIC_FOUNDRY_API_KEY"], "k");
}

#[rstest]
#[case("{\"env\": 1}", false, "`env` is not a table")]
#[case("{,}", false, "line 1, column 2")]
#[case("{}", true, "is read-only")]
fn no_lease_is_made_for_settings_that_are_refused(
    #[case] text: &str,
    #[case] is_read_only: bool,
    #[case] words: &str,
) {
    let daemon = daemon();
    let home = Home::with(&[(".claude/settings.json", text)]);
    if is_read_only {
        home.make_read_only(".claude/settings.json");
    }
    let before = home.tree();
    let output = daemon.run(&home, SET_UP);
    assert_eq!(output.status.code(), Some(5));
    assert!(err(&output).contains(words), "{}", err(&output));
    assert_same(&home.tree(), &before);
    assert!(daemon.heard().iter().all(|line| !line.starts_with("POST")));
}

#[test]
fn a_lease_whose_secret_was_not_written_is_revoked() {
    let home = Home::with(&[(".claude/settings.json", "{}")]);
    let path = home.at(".claude/settings.json");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    let daemon = FakeDaemon::new(move |asked, stream| {
        log.lock().unwrap().push(asked.line.clone());
        if asked.line.starts_with("POST") {
            // Somebody breaks the file between the look at it and the change.
            fs::write(&path, "{").unwrap();
            return reply(
                stream,
                200,
                r#"{"lease":{"id":"id0","name":"claude-code","resources":[],"made_on":1,"uses":0},"secret":"entra_lease_id0_s3cr3t","identity_endpoint":"http://127.0.0.1:1/t","azd_endpoint":"x"}"#,
            );
        }
        reply(stream, 200, r#"{"leases":[],"strangers":0}"#);
    });
    let mut command = daemon.entra(SET_UP);
    home.dress(&mut command);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert!(err(&output).contains("is revoked again"), "{}", err(&output));
    assert_eq!(*heard.lock().unwrap(), ["GET /v1/leases", "POST /v1/leases", "DELETE /v1/leases/id0"]);
    assert_eq!(home.read(".claude/settings.json"), "{");
}

#[test]
fn settings_come_back_without_a_daemon_too() {
    let daemon = daemon();
    let home = Home::with(&[(".claude/settings.json", "{}")]);
    let before = home.tree();
    daemon.good(&home, SET_UP);
    let mut command = entra("setup claude-code --undo");
    home.dress(&mut command);
    let output = command.env("ENTRAD_SOCKET", NOWHERE).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(err(&output).contains("entra lease revoke claude-code"), "{}", err(&output));
    assert_same(&home.tree(), &before);
}

#[test]
fn a_proxy_exception_of_the_environment_is_not_lost() {
    let daemon = daemon();
    let home = Home::with(&[]);
    let mut command = daemon.fake.entra(SET_UP);
    home.dress(&mut command);
    assert!(command.env("no_proxy", "intranet").output().unwrap().status.success());
    assert_eq!(variables(&home)["NO_PROXY"], "intranet,127.0.0.1,localhost");
}

const DESKTOP: &str = "setup claude-desktop --foundry my-resource --model a --model b";

#[rstest]
#[case(None)]
#[case(Some(r#"{"appliedId":"x","entries":[{"id":"x","name":"Mine"}]}"#))]
fn a_configuration_of_claude_desktop_is_added_and_taken_back(#[case] list: Option<&str>) {
    let (daemon, folder) = (daemon(), format!("{CLAUDE_DESKTOP}/configLibrary"));
    let list_name = format!("{folder}/_meta.json");
    let home = Home::with(&list.map(|list| (list_name.as_str(), list)).into_iter().collect::<Vec<_>>());
    let before = home.tree();
    let output = daemon.run(&home, DESKTOP);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(err(&output).contains("`Mine`"), list.is_some());
    let meta: Value = serde_json::from_str(&home.read(&list_name)).unwrap();
    let id = meta["appliedId"].as_str().unwrap();
    let last = meta["entries"].as_array().unwrap().last().unwrap();
    assert_eq!((last["id"].as_str(), last["name"].as_str()), (Some(id), Some("entrad")));
    let own: Value = serde_json::from_str(&home.read(&format!("{folder}/{id}.json"))).unwrap();
    let helper = home.helper("entra-claude-helper");
    assert_eq!(
        own,
        serde_json::json!({
            "inferenceProvider": "foundry",
            "inferenceFoundryResource": "my-resource",
            "inferenceModels": ["a", "b"],
            "inferenceCredentialKind": "helper-script",
            "inferenceCredentialHelper": helper,
            "inferenceCredentialHelperTtlSec": 900,
        })
    );
    assert!(helper.exists());
    let set_up = home.tree();
    daemon.good(&home, DESKTOP);
    assert_same(&home.tree(), &set_up);
    daemon.good(&home, "setup claude-desktop --undo");
    assert_same(&home.tree(), &before);
}

#[test]
fn managed_configuration_is_printed_and_nothing_changed() {
    let (daemon, home) = (daemon(), Home::with(&[]));
    for (form, start) in
        [("managed-settings.json", "{\n"), ("mobileconfig", "<?xml"), ("reg", "Windows Registry Editor")]
    {
        let text =
            daemon.good(&home, &format!("{DESKTOP} --export {form} --helper /opt/entra-claude-helper"));
        assert!(text.starts_with(start) && text.contains("/opt/entra-claude-helper"), "{text}");
    }
    assert_eq!(home.tree().len(), 1);
}

//! The messages for administrators, byte for byte, as `golden.rs` has the others: settings, checks and the audit log.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::path::{Path, PathBuf};

use entra_proto::config::{
    ConfigAnswer, Destination, Kind, Layer, Origin, Overridden, SettingInfo, SourceInfo,
};
use entra_proto::doctor::{Check, CheckResult, DoctorAnswer};
use entra_proto::error::ErrorCode;
use entra_proto::log::{LogCaller, LogEntry, LogEvent, LogFault, Verification};
use entra_proto::token::Source;
use rstest::rstest;
use serde_json::json;

mod wire;

use wire::{check, grown, some};

#[rstest]
fn a_message_is_read_and_written_as_ever(
    #[files("tests/messages/config_answer.*.json")]
    #[files("tests/messages/doctor_answer.*.json")]
    #[files("tests/messages/log_entry.*.json")]
    #[files("tests/messages/verification.*.json")]
    path: PathBuf,
) {
    let text = std::fs::read_to_string(&path).unwrap();
    match path.file_stem().unwrap().to_str().unwrap() {
        "config_answer.maximal" => check(&text, config()),
        "config_answer.minimal" => check(&text, bare_config()),
        "doctor_answer.maximal" => check(&text, doctor()),
        "doctor_answer.minimal" => check(&text, DoctorAnswer::default()),
        "log_entry.by_agent" => check(&text, LogEntry { agent: some("claude"), ..refused() }),
        "log_entry.by_rule" => check(&text, by_rule()),
        "log_entry.changed" => check(&text, changed()),
        "log_entry.issued" => check(&text, issued()),
        "log_entry.refused" => check(&text, refused()),
        "log_entry.rotated" => check(&text, rotated()),
        "log_entry.started" => check(&text, started()),
        "verification.damaged" => check(&text, damaged()),
        "verification.minimal" => check(&text, Verification::default()),
        "verification.whole" => {
            check(&text, Verification { entries: 9, range: Some((5, 13)), faults: Vec::new() });
        }
        name => panic!("no message for {name}"),
    }
}

#[test]
fn no_file_was_deleted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages");
    for name in MESSAGES {
        assert!(folder.join(format!("{name}.json")).exists(), "{name} is gone");
    }
}

#[test]
fn an_answer_of_a_newer_daemon_is_read() {
    assert_eq!(serde_json::from_str::<ConfigAnswer>(&grown(&config())).unwrap(), config());
    assert_eq!(serde_json::from_str::<DoctorAnswer>(&grown(&doctor())).unwrap(), doctor());
    assert_eq!(serde_json::from_str::<LogEntry>(&grown(&issued())).unwrap(), issued());
    assert_eq!(serde_json::from_str::<Verification>(&grown(&damaged())).unwrap(), damaged());
}

#[rstest]
#[case(&[Kind::Text, Kind::Path, Kind::Number, Kind::Switch, Kind::Duration, Kind::Choice, Kind::List, Kind::Choices],
    r#"["text","path","number","switch","duration","choice","list","choices"]"#)]
fn kinds_keep_their_names(#[case] kinds: &[Kind], #[case] names: &str) {
    assert_eq!(serde_json::to_string(kinds).unwrap(), names);
}

#[test]
fn layers_stand_from_the_weakest_to_the_strongest_under_their_names() {
    let layers = [
        Layer::BuiltIn,
        Layer::ClaudeDesktop,
        Layer::Machine,
        Layer::User,
        Layer::Environment,
        Layer::CommandLine,
        Layer::Managed,
    ];
    assert!(layers.is_sorted());
    assert_eq!(
        serde_json::to_string(&layers).unwrap(),
        r#"["built_in","claude_desktop","machine","user","environment","command_line","managed"]"#
    );
}

#[test]
fn events_of_the_log_keep_their_names() {
    let events = [
        (LogEvent::Started, "started"),
        (LogEvent::Stopped, "stopped"),
        (LogEvent::Issued, "issued"),
        (LogEvent::Refused, "refused"),
        (LogEvent::SignedIn, "signed_in"),
        (LogEvent::SignInFailed, "sign_in_failed"),
        (LogEvent::SignedOut, "signed_out"),
        (LogEvent::RefreshTokenDied, "refresh_token_died"),
        (LogEvent::RefreshTokenRevived, "refresh_token_revived"),
        (LogEvent::LeaseMade, "lease_made"),
        (LogEvent::LeaseRevoked, "lease_revoked"),
        (LogEvent::LeaseEnded, "lease_ended"),
        (LogEvent::AgentsStopped, "agents_stopped"),
        (LogEvent::AgentsResumed, "agents_resumed"),
        (LogEvent::ConsentAsked, "consent_asked"),
        (LogEvent::ConsentAnswered, "consent_answered"),
        (LogEvent::ConsentRevoked, "consent_revoked"),
        (LogEvent::Locked, "locked"),
        (LogEvent::Unlocked, "unlocked"),
        (LogEvent::UnlockFailed, "unlock_failed"),
        (LogEvent::Panicked, "panicked"),
        (LogEvent::ConfigurationChanged, "configuration_changed"),
        (LogEvent::ConfigurationRefused, "configuration_refused"),
        (LogEvent::Lost, "lost"),
        (LogEvent::Rotated, "rotated"),
        (LogEvent::Repaired, "repaired"),
        (LogEvent::Damaged, "damaged"),
        (LogEvent::Unknown("from_the_future".to_owned()), "from_the_future"),
    ];
    for (event, name) in events {
        assert_eq!(serde_json::to_value(&event).unwrap(), name);
        assert_eq!(serde_json::from_value::<LogEvent>(name.into()).unwrap(), event);
    }
    assert!(serde_json::from_value::<LogEvent>(7.into()).is_err(), "an event has a name");
}

fn bare_config() -> ConfigAnswer {
    ConfigAnswer {
        settings: Vec::new(),
        sources: Vec::new(),
        egress: Vec::new(),
        applied_on: 1_795_200_000,
        waiting_for_restart: Vec::new(),
    }
}

fn config() -> ConfigAnswer {
    let origin = |layer, place: &str| Origin { layer, place: place.to_owned() };
    let bare = SettingInfo {
        key: "passphrase_file".to_owned(),
        kind: Kind::Path,
        choices: Vec::new(),
        value: None,
        origin: origin(Layer::BuiltIn, "built in"),
        is_locked: false,
        overrides: Vec::new(),
        summary: "The file that holds the passphrase.".to_owned(),
        default: None,
        needs_restart: false,
        is_administrators: false,
        is_of_profile: false,
    };
    let full = SettingInfo {
        key: "flows".to_owned(),
        kind: Kind::Choices,
        choices: vec!["device_code".to_owned(), "browser".to_owned()],
        value: Some(json!(["browser"])),
        origin: origin(Layer::Managed, "/etc/entrad/managed.d/10-it.toml:3"),
        is_locked: true,
        overrides: vec![
            Overridden {
                value: json!(["device_code"]),
                origin: origin(Layer::User, "/home/ada/.config/entrad/config.toml:1"),
            },
            Overridden {
                value: json!(["device_code", "browser"]),
                origin: origin(Layer::BuiltIn, "built in"),
            },
        ],
        summary: "The ways to sign in that are allowed, in their order.".to_owned(),
        default: some("device_code, browser"),
        needs_restart: true,
        is_administrators: true,
        is_of_profile: true,
    };
    let source = |layer, place: &str, settings, fault: Option<&str>| SourceInfo {
        layer,
        place: place.to_owned(),
        settings,
        fault: fault.map(str::to_owned),
    };
    ConfigAnswer {
        settings: vec![bare, full],
        sources: vec![
            source(Layer::Machine, "/etc/entrad/config.toml", None, None),
            source(Layer::User, "/home/ada/.config/entrad/config.toml", Some(0), Some("A sentence.")),
            source(Layer::Managed, "/etc/entrad/managed.d", Some(1), None),
        ],
        egress: vec![Destination {
            host: "login.microsoftonline.com".to_owned(),
            port: 443,
            purpose: "Signing in, and tokens.".to_owned(),
        }],
        waiting_for_restart: vec!["flows".to_owned()],
        ..bare_config()
    }
}

fn doctor() -> DoctorAnswer {
    let bare = Check {
        name: "daemon.running".to_owned(),
        about: None,
        result: CheckResult::Good,
        evidence: "entrad 0.1.0 runs.".to_owned(),
        remedy: None,
        took_ms: 1,
        limit_ms: 2000,
    };
    let full = Check {
        name: "network.proxy".to_owned(),
        about: some("login.microsoftonline.com"),
        result: CheckResult::Failed,
        evidence: "The proxy wants a password.".to_owned(),
        remedy: some("Name the user in `https_proxy`."),
        ..bare.clone()
    };
    let skipped = Check { result: CheckResult::Skipped, ..bare.clone() };
    let warning = Check { result: CheckResult::Warning, ..full.clone() };
    DoctorAnswer { checks: vec![bare, full, skipped, warning] }
}

fn started() -> LogEntry {
    LogEntry {
        sequence: 1,
        detail: some("0.1.0"),
        previous: "0".repeat(64),
        hash: "a1".repeat(32),
        ..LogEntry::new(LogEvent::Started, 1_795_200_000_123)
    }
}

fn issued() -> LogEntry {
    LogEntry {
        sequence: 2,
        event: LogEvent::Issued,
        caller: Some(LogCaller {
            program: some("/usr/bin/entra"),
            behind: some("/usr/bin/git"),
            became: None,
            pid: Some(42),
            user: some("1000"),
        }),
        lease: some("claude"),
        profile: some("default"),
        account: some("11111111-2222-3333-4444-000000000001.99999999-8888-7777-6666-555555555555"),
        tenant: some("99999999-8888-7777-6666-555555555555"),
        resource: some("https://ai.azure.com"),
        scopes: vec!["https://ai.azure.com/.default".to_owned()],
        source: Some(Source::Refresh),
        uti: some("AbCdEfGhIjKlMnOpQrStUw"),
        correlation_id: some("0f8fad5b-d9cb-469f-a165-70867728950e"),
        detail: None,
        previous: started().hash,
        hash: "b2".repeat(32),
        ..started()
    }
}

fn changed() -> LogEntry {
    let caller = LogCaller { became: some("/usr/bin/sh"), ..issued().caller.unwrap() };
    LogEntry { caller: Some(caller), ..issued() }
}

fn rotated() -> LogEntry {
    let kept_from = Some(2);
    LogEntry { sequence: 4, event: LogEvent::Rotated, kept_from, previous: refused().hash, ..started() }
}

fn by_rule() -> LogEntry {
    LogEntry { rule: some("`deny resource=graph` (/etc/entrad/config.toml:3, line 1)"), ..refused() }
}

fn refused() -> LogEntry {
    LogEntry {
        sequence: 3,
        event: LogEvent::Refused,
        caller: Some(LogCaller::default()),
        source: None,
        uti: None,
        error: Some(ErrorCode::SignInNeeded),
        aadsts: Some(50_076),
        detail: some("A second factor is needed."),
        previous: issued().hash,
        hash: "c3".repeat(32),
        ..issued()
    }
}

fn damaged() -> Verification {
    let fault = |line, what: &str| LogFault { file: "audit.jsonl".to_owned(), line, what: what.to_owned() };
    Verification {
        entries: 12,
        range: Some((1, 13)),
        faults: vec![fault(Some(7), "An entry was removed before it."), fault(None, "The file is missing.")],
    }
}

/// Every file of this test; never fewer.
const MESSAGES: [&str; 14] = [
    "config_answer.maximal",
    "config_answer.minimal",
    "doctor_answer.maximal",
    "doctor_answer.minimal",
    "log_entry.by_agent",
    "log_entry.by_rule",
    "log_entry.changed",
    "log_entry.issued",
    "log_entry.refused",
    "log_entry.rotated",
    "log_entry.started",
    "verification.damaged",
    "verification.minimal",
    "verification.whole",
];

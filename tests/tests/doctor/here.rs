//! Faults on this machine.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;

use entra_tests::raw;
use rstest::rstest;
use serde_json::json;

use crate::ward::Ward;

fn open_to(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A program of a few lines.
fn script(path: &Path, lines: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    open_to(path, 0o755);
}

#[test]
fn without_a_daemon_the_rest_is_looked_at_all_the_same() {
    let ward = Ward::new();
    ward.configure(ward.env.sim().origin(), "");
    let report = ward.report(&[], &[]);
    assert_eq!(report.status, 7, "{report:#?}");
    report.is_golden("client.daemon");
    report.is_golden("account.signed_in");
    assert_eq!(report.result("client.report"), "good");
    assert_eq!(report.result("registration.exists"), "good");
    assert!(!ward.env.state_dir().exists(), "nothing was written");
}

#[test]
fn what_is_signed_in_is_known_without_a_daemon() {
    let ward = Ward::new();
    ward.configure(ward.env.sim().origin(), "");
    let daemon = ward.env.start();
    ward.env.sign_in();
    assert_eq!(daemon.stop(), 0);
    let before = ward.env.files();
    let report = ward.report(&[], &[]);
    assert_eq!(report.failed(), ["client.daemon"], "{report:#?}");
    assert_eq!(report.result("account.health"), "good");
    let sealed = |files: Vec<(std::path::PathBuf, Vec<u8>)>| {
        files.into_iter().filter(|(path, _)| path.ends_with("vault.sealed")).collect::<Vec<_>>()
    };
    assert_eq!(sealed(before), sealed(ward.env.files()), "nothing was written");
}

#[test]
fn without_any_entrad_that_is_said() {
    let ward = Ward::new();
    fs::remove_file(ward.bin().join("entrad")).unwrap();
    let report = ward.report(&[], &[]);
    assert_eq!(report.status, 7);
    report.is_golden("client.report");
    assert!(report.of("network.dns").next().is_none());
}

#[test]
fn a_daemon_of_another_version_is_told_and_its_doctor_replaced() {
    let ward = Ward::new();
    ward.configure(ward.env.sim().origin(), "");
    let socket = ward.env.socket();
    fs::create_dir_all(socket.parent().unwrap()).unwrap();
    open_to(socket.parent().unwrap(), 0o700);
    let listener = UnixListener::bind(&socket).unwrap();
    open_to(&socket, 0o644);
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut asked = [0; 1024];
            let length = stream.read(&mut asked).unwrap_or_default();
            let is_known = asked[..length].starts_with(b"GET /v1/prompts ");
            let (status, body) = if is_known {
                (200, r#"{"prompts":[]}"#)
            } else {
                (404, r#"{"code":"not_found","message":"There is no such route."}"#)
            };
            let head =
                format!("HTTP/1.0 {status} X\r\nentrad-version: 0.0.1\r\ncontent-length: {}", body.len());
            // It may be asked by whoever has gone.
            let _gone = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes());
        }
    });
    let report = ward.report(&[], &[]);
    report.is_golden("client.version");
    report.is_golden("client.socket");
    assert_eq!(report.result("client.daemon"), "good");
    assert_eq!(report.result("client.report"), "good");
    assert_eq!(report.result("network.connection"), "good", "an entrad was run for it: {report:#?}");
}

#[test]
fn a_service_that_nobody_installed_is_told() {
    let ward = Ward::new();
    let tools = ward.env.folder().join("tools");
    script(&tools.join("systemctl"), "case $3 in show-environment) echo HOME=/nowhere ;; esac");
    let private = ward.env.folder().join("run/systemd/private");
    fs::create_dir_all(private.parent().unwrap()).unwrap();
    fs::write(private, "").unwrap();
    let path = format!("{}:/usr/bin:/bin", tools.display());
    ward.report(&[], &[("PATH", &path)]).is_golden("client.service");
}

#[rstest]
#[case("identity_endpoint", &[("IDENTITY_ENDPOINT", "http://127.0.0.1:7/msi/token")])]
#[case("other_identity_sources", &[("IMDS_ENDPOINT", "http://169.254.169.254")])]
#[case("service_fabric", &[("IDENTITY_SERVER_THUMBPRINT", "00")])]
#[case(
    "service_principal",
    &[("AZURE_CLIENT_ID", "c"), ("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_SECRET", "s3cr3t")]
)]
#[case("workload_identity", &[("AZURE_FEDERATED_TOKEN_FILE", "/nowhere")])]
#[case("client_id", &[("AZURE_CLIENT_ID", "c")])]
#[case("credential_choice", &[("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")])]
#[case("proxy", &[("HTTP_PROXY", "http://ada:hunter2@proxy.invalid:3128")])]
#[case("claude_code", &[("ANTHROPIC_FOUNDRY_API_KEY", "s3cr3t")])]
fn a_variable_that_keeps_tools_away_is_named(#[case] row: &str, #[case] variables: &[(&str, &str)]) {
    let ward = Ward::new();
    fs::remove_file(ward.bin().join("entrad")).unwrap();
    let report = ward.report(&[], variables);
    report.is_golden(&format!("environment.{row}"));
    let text = format!("{report:?}");
    assert!(!text.contains("s3cr3t") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_tool_that_stands_before_ours_is_named() {
    let ward = Ward::new();
    let (first, second) = (ward.env.folder().join("first"), ward.env.folder().join("second"));
    script(&first.join("az"), "exit 0");
    fs::create_dir(&second).unwrap();
    symlink(ward.bin().join("entra"), second.join("az")).unwrap();
    let path = format!("{}:{}:/usr/bin:/bin", first.display(), second.display());
    ward.report(&[], &[("PATH", &path)]).is_golden("tools.on_path");
}

#[test]
fn settings_that_cannot_be_used_are_told_with_their_place() {
    let ward = Ward::new();
    ward.env.configure("tenat = \"contoso.com\"\n");
    let report = ward.report(&[], &[]);
    report.is_golden("configuration.valid");
    assert_ne!(report.result("store.open"), "skipped", "the rest is looked at: {report:#?}");
    let daemon = ward.env.start_in_memory(&[]);
    let report = ward.report(&[], &[]);
    report.is_golden("configuration.valid");
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn an_administrator_s_settings_that_cannot_be_used_keep_entrad_from_starting() {
    let ward = Ward::new();
    let administrators = ward.env.folder().join("administrators");
    fs::create_dir(&administrators).unwrap();
    open_to(&administrators, 0o755);
    let file = administrators.join("config.toml");
    fs::write(&file, "tenat = \"contoso.com\"\n").unwrap();
    open_to(&file, 0o644);
    let variable = [("ENTRA_TEST_ADMINISTRATORS", &*administrators.to_string_lossy())];
    let report = ward.report(&[], &variable);
    report.is_golden_as("configuration.valid", "configuration.valid.administrators");
    assert_eq!(report.result("store.open"), "skipped");

    fs::remove_file(&file).unwrap();
    let mut command = ward.env.bare_daemon_command();
    command.arg("--store=memory").envs(variable);
    let _daemon = ward.env.launch(command);
    fs::write(administrators.join("new"), "tenat = \"contoso.com\"\n").unwrap();
    open_to(&administrators.join("new"), 0o644);
    fs::rename(administrators.join("new"), &file).unwrap();
    let report = ward.report_once("configuration.valid", "failed");
    report.is_golden_as("configuration.valid", "configuration.valid.running");
    assert_eq!(report.result("configuration.locks"), "good", "{report:#?}");
}

#[test]
fn files_that_others_may_use_are_named() {
    let ward = Ward::new();
    ward.configure(ward.env.sim().origin(), "");
    let _daemon = ward.env.start();
    ward.env.sign_in();
    open_to(&ward.env.state_dir(), 0o755);
    open_to(&ward.env.state_dir().join("vault.sealed"), 0o644);
    open_to(&ward.env.socket(), 0o666);
    let file = ward.env.folder().join("home/.config/entrad/config.toml");
    open_to(&file, 0o666);
    let report = ward.report(&[], &[]);
    for name in ["state_folder", "sealed_file", "socket"] {
        report.is_golden(&format!("permissions.{name}"));
    }
    let ours: Vec<_> =
        report.of("permissions.configuration").filter(|check| check["result"] == "failed").collect();
    assert_eq!(ours.len(), 1, "{report:#?}");
    report.is_golden_here("permissions.configuration");
    assert_eq!(report.status, 5, "{report:#?}");
}

#[test]
fn a_key_that_does_not_open_the_file_is_told() {
    let ward = Ward::new();
    let daemon = ward.env.start();
    ward.env.sign_in();
    assert_eq!(daemon.stop(), 0);
    fs::write(ward.env.folder().join("passphrase"), "another one altogether").unwrap();
    let _daemon = ward.env.start();
    let report = ward.report(&[], &[]);
    report.is_golden("store.open");
    assert_eq!(report.result("account.signed_in"), "skipped");
    assert_eq!(report.status, 6, "{report:#?}");
}

#[test]
fn a_port_that_another_program_has_is_told() {
    let ward = Ward::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let _daemon = ward.env.start_in_memory(&[&format!("--loopback={port}")]);
    let answer = raw::post(&ward.env.socket(), "/v1/leases", &json!({"name": "x", "resources": ["arm"]}));
    assert_ne!(answer.status, 200, "{answer:?}");
    ward.report(&[], &[]).is_golden("loopback.port");
}

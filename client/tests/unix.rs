//! What is so on Unix alone: socket files, a shell, a full device, systemd.
#![cfg(unix)]

mod support;

use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use support::{FakeDaemon, entra, err, out};

const TOKEN: &str = r#"{"access_token":"'$(exit)`exit`.e30.sig","token_type":"Bearer","expires_on":1795231440,"scopes":["https://graph.microsoft.com/.default"],"account":"u.t","tenant":"t","source":"cache","refresh_due_on":1795231000}"#;

#[test]
fn env_lines_are_safe_to_eval() {
    let daemon = FakeDaemon::saying(200, TOKEN);
    let output = daemon.run("token --for graph --output env");
    let script = format!("{}printf %s \"$ENTRA_TOKEN\"", out(&output));
    let shell = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
    assert_eq!(out(&shell), "'$(exit)`exit`.e30.sig");
}

// systemd is Linux's.
#[cfg(target_os = "linux")]
#[test]
fn the_unit_is_named_where_systemd_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("systemd/user")).unwrap();
    std::fs::write(folder.path().join("systemd/user/entrad.service"), "").unwrap();
    let output = entra("status").env("XDG_RUNTIME_DIR", folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(err(&output).contains("systemctl --user start entrad"), "{}", err(&output));
}

#[test]
fn a_socket_file_without_a_daemon_is_tried_for_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    drop(UnixListener::bind(&path).unwrap());
    let start = Instant::now();
    let output = entra("status").arg("--socket").arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(err(&output).contains("nobody listens"), "{}", err(&output));
    assert!((Duration::from_secs(1)..Duration::from_secs(5)).contains(&start.elapsed()));
}

// Elsewhere the system itself names the user's own folder.
#[cfg(target_os = "linux")]
#[test]
fn without_a_runtime_folder_the_way_out_is_named() {
    let output = entra("status").output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert!(err(&output).contains("XDG_RUNTIME_DIR is not set"), "{}", err(&output));
}

// macOS has no device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let daemon = FakeDaemon::saying(200, TOKEN);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = daemon.entra("token --for graph").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("could not be written"), "{}", err(&output));
}

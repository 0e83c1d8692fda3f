//! `entra login --open`: what the browser is given, and what it cannot do.
// Only on Linux is the browser named in the environment, so that a test can stand in for it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use support::{Asked, Connection, FakeDaemon, PATIENCE, begin_events, err, out, reply};

const CODE: &str = r#"{"event":"code","user_code":"BL6XB575V","verification_uri":"https://microsoft.com/devicelogin","is_trusted_uri":true,"expires_on":1795231440,"expires_in":900,"message":"Go.","flow":"device_code","profile":"default","cloud":"public","tenant":"contoso.com","client_id":"04b07795-8ddb-461a-bbee-02f9e1bf7b46","app_name":"Microsoft Azure CLI","program":"entra (process 7)","scopes":["https://management.azure.com/.default"],"correlation_id":"c-1"}"#;

const SIGNED_IN: &str = r#"{"event":"signed_in","account":{"id":"u.t","username":"ada@contoso.com","profile":"default","cloud":"public","tenant":"contoso.com","client_id":"c","provenance":{"flow":"device_code","signed_in_on":1795231440},"health":{"state":"good"}}}"#;

fn tell(asked: &Asked, stream: &mut Connection, lines: &[&str]) {
    match asked.line.as_str() {
        "POST /v1/sign-ins" => reply(stream, 201, r#"{"id":"s-1"}"#),
        "GET /v1/sign-ins/s-1/events" => {
            begin_events(stream);
            for line in lines {
                stream.write_all(format!("{line}\n").as_bytes()).unwrap();
            }
        }
        "DELETE /v1/sign-ins/s-1" => reply(stream, 200, "{}"),
        other => panic!("{other}"),
    }
}

/// A browser that writes what it is given into a file, and to its own output.
fn browser(folder: &std::path::Path) -> std::path::PathBuf {
    let path = folder.join("browser");
    let script = format!(
        "#!/bin/sh\necho noise\nprintf %s \"$1\" > {0}/new\n/bin/mv {0}/new {0}/page\n",
        folder.display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}

#[test]
fn the_page_opens_in_the_browser_without_a_sound() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page");
    let seen = page.clone();
    let daemon = FakeDaemon::new(move |asked, stream| {
        tell(asked, stream, &[CODE]);
        if asked.line.starts_with("GET") {
            let end = Instant::now() + PATIENCE;
            while !seen.exists() && Instant::now() < end {
                std::thread::yield_now();
            }
            stream.write_all(format!("{SIGNED_IN}\n").as_bytes()).unwrap();
        }
    });
    let output = daemon.entra("login --open").env("BROWSER", browser(folder.path())).output().unwrap();
    assert_eq!(std::fs::read_to_string(page).unwrap(), "https://microsoft.com/devicelogin");
    assert!(!out(&output).contains("noise"), "{}", out(&output));
    assert_eq!((err(&output), output.status.code()), ("", Some(0)));
}

#[test]
fn a_foreign_page_is_never_opened() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = CODE.replace("\"is_trusted_uri\":true", "\"is_trusted_uri\":false");
    let daemon = FakeDaemon::new(move |asked, stream| tell(asked, stream, &[&foreign, SIGNED_IN]));
    let output = daemon.entra("login --open").env("BROWSER", browser(folder.path())).output().unwrap();
    assert!(out(&output).starts_with("Warning: This page is not one of Microsoft's"), "{}", out(&output));
    assert!(!folder.path().join("page").exists());
}

//! `entra login --open`: what the browser is given, and what it cannot do.
// Only on Linux is the browser named in the environment, so that a test can stand in for it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use support::sign_ins::{CODE, SIGNED_IN, tell};
use support::{FakeDaemon, PATIENCE, err, out};

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

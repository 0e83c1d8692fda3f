//! The scan for secrets finds what is planted, and says nothing of what it was not shown.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::path::Path;
use std::process::{Command, Stdio};

use entra_sim::SECRET_MARK;
use entra_tests::{Env, Ran, kept, programs, run, secrets};

fn scan(place: &Path) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secret_scan"));
    command.arg(place).stdin(Stdio::null());
    run(command)
}

#[test]
fn a_planted_secret_is_found_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("below")).unwrap();
    std::fs::write(folder.path().join("good.log"), "INFO entrad: ready\n").unwrap();
    let good = scan(folder.path());
    assert_eq!((good.status, good.stdout.as_str()), (0, "19 bytes in 1 files: no secret.\n"));
    std::fs::write(folder.path().join("below/bad.log"), format!("one\ntwo 1.A{SECRET_MARK}rest\n")).unwrap();
    let bad = scan(folder.path());
    assert_eq!(bad.status, 1, "{bad:?}");
    assert!(bad.stdout.contains("bad.log:2: a secret of the simulator, after `two 1.A`"), "{bad:?}");
    assert!(
        bad.stdout.ends_with(" in 2 files: 1 secrets.\n") && !bad.stdout.contains(SECRET_MARK),
        "{bad:?}"
    );
}

#[test]
fn nothing_to_read_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let ran = scan(folder.path());
    assert_eq!((ran.status, ran.stdout.starts_with("There is nothing to read")), (1, true), "{ran:?}");
    std::fs::write(folder.path().join("good.log"), "INFO entrad: ready\n").unwrap();
    let ran = scan(&folder.path().join("bad.log"));
    assert!(ran.status == 1 && ran.stdout.contains("bad.log cannot be read: "), "{ran:?}");
}

/// What Entra says in secret carries the mark, so a log that has it would be found; and what this test's programs say is kept.
#[test]
fn secrets_are_recognised_and_logs_are_kept() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&["--log=entrad=debug"]);
    env.sign_in();
    let token = env.token(&["--for", "foundry"]);
    let found = secrets::find(token["access_token"].as_str().unwrap().as_bytes());
    assert!(found.iter().any(|find| find.what == "a secret of the simulator"), "{found:?}");
    assert!(found.iter().any(|find| find.what == "a JSON Web Token"), "{found:?}");
    // Read, so that what was noted is written.
    let report = env.entra(&["log"]);
    assert_eq!(report.status, 0, "{report:?}");
    let (log, audit) = (env.log(), env.state_dir().join("audit").join("audit.jsonl"));
    let audit = std::fs::read_to_string(audit).unwrap();
    assert!(!log.is_empty() && audit.contains("\"issued\""), "{audit}");
    drop(env);
    let own = format!("-{}-", std::process::id());
    let kept: Vec<_> =
        std::fs::read_dir(kept::folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let own = kept.iter().filter(|path| path.to_string_lossy().contains(&own));
    let said: Vec<_> = own.map(|path| std::fs::read_to_string(path).unwrap_or_default()).collect();
    assert!(said.iter().any(|text| text.contains(&log)), "the log is not among {} files", kept.len());
    assert!(said.iter().any(|text| text.starts_with(&audit)), "the audit log is not among them");
    assert!(said.contains(&report.stdout), "a report is not among them");
}

//! `entra doctor`: a scripted fault for each check, and its time where nothing answers.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod black_hole;
mod entra_faults;
mod foundry;
mod here;
mod network_faults;
mod ward;

use std::collections::BTreeSet;

use entra_tests::PERSON;

use ward::Ward;

#[test]
fn a_healthy_workstation_has_nothing_that_failed() {
    let ward = Ward::new();
    let _daemon = ward.env.start();
    ward.env.sign_in();
    ward.env.token(&["--for", "arm"]);
    let report = ward.report(&[], &[]);
    assert_eq!((report.failed(), report.status), (vec![], 0), "{report:#?}");
    for check in &report.checks {
        assert_eq!(
            check["result"] == "good",
            check["remedy"].is_null() && check["result"] != "skipped",
            "{check}"
        );
        assert!(check["took_ms"].as_u64() <= check["limit_ms"].as_u64(), "{check}");
        assert!(check["limit_ms"].as_u64().unwrap() <= 8000, "{check}");
    }
    for name in
        ["account.provenance", "account.expectation", "registration.public_client", "registration.consent"]
    {
        report.is_golden_as(name, &format!("{name}.good"));
    }
    let ran = entra_tests::run(ward.command(&[]));
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.contains("\ngood    account.health ") && ran.stdout.contains(PERSON), "{ran:?}");
    assert!(ran.stdout.trim_end().ends_with('.') && ran.stderr.is_empty(), "{ran:?}");
    let codes = ward.env.sim().control().codes();
    assert!(codes.iter().all(|code| !ran.stdout.contains(&code.user_code)), "no code is shown");
}

#[test]
fn each_check_has_a_fault_of_its_own_here() {
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/doctor/golden");
    let kept: BTreeSet<String> = std::fs::read_dir(golden)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().trim_end_matches(".txt").to_owned())
        .collect();
    let page = include_str!("../../../docs/doctor.md");
    let told = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let lacking: Vec<&str> = told.filter(|name| !kept.contains(*name) && !ELSEWHERE.contains(name)).collect();
    assert!(lacking.is_empty(), "{lacking:?}");
    assert!(entrad::doctor::CHECKS.iter().all(|check| page.contains(&format!("| `{}` |", check.name))));
}

/// What takes an administrator's own source of settings, a reload or another file system is tested where the checks are.
const ELSEWHERE: [&str; 3] =
    ["configuration.locks", "configuration.restart", "permissions.state_file_system"];

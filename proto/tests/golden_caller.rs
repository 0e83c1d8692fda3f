//! The messages about callers, byte for byte, as `golden.rs` has the others.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::path::PathBuf;

use entra_proto::caller::{CallerAnswer, CallerParent, Certainty};
use rstest::rstest;

mod wire;

use wire::{check, grown, some};

#[rstest]
fn a_message_is_read_and_written_as_ever(#[files("tests/messages/caller_answer.*.json")] path: PathBuf) {
    let text = std::fs::read_to_string(&path).unwrap();
    match path.file_stem().unwrap().to_str().unwrap() {
        "caller_answer.maximal" => check(&text, maximal()),
        "caller_answer.minimal" => check(&text, CallerAnswer::default()),
        "caller_answer.strong" => check(&text, strong()),
        name => panic!("no message for {name}"),
    }
}

#[test]
fn an_answer_of_a_newer_daemon_is_read() {
    assert_eq!(serde_json::from_str::<CallerAnswer>(&grown(&maximal())).unwrap(), maximal());
}

fn maximal() -> CallerAnswer {
    let parent = |program: &str, started_on| CallerParent { program: program.to_owned(), started_on };
    CallerAnswer {
        pid: Some(42),
        user: some("1000"),
        program: some("/usr/bin/python3.13"),
        sha256: Some("a1".repeat(32)),
        signer: some("ABCDE12345"),
        through: some("/usr/bin/entra"),
        script: some("/home/ada/bin/report"),
        parents: vec![parent("/usr/bin/bash", 1_795_200_000), parent("/usr/bin/foot", 1_795_100_000)],
        unit: some("app-foot-7.scope"),
        container: true,
        forwarded: true,
        agent: some("claude"),
        certainty: Certainty::Weak,
        reasons: vec!["It asked through entra, which asks for whoever starts it.".to_owned()],
    }
}

fn strong() -> CallerAnswer {
    CallerAnswer {
        pid: Some(42),
        user: some("1000"),
        program: some("/usr/bin/git"),
        certainty: Certainty::Strong,
        ..CallerAnswer::default()
    }
}

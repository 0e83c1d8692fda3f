//! The messages about callers and agents, byte for byte, as `golden.rs` has the others.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::path::PathBuf;

use entra_proto::agent::{AgentInfo, AgentMark, AgentsAnswer, AgentsRequest};
use entra_proto::caller::{CallerAnswer, CallerParent, Certainty};
use rstest::rstest;

mod wire;

use wire::{check, grown, some};

#[rstest]
fn a_message_is_read_and_written_as_ever(
    #[files("tests/messages/agents_*.json")]
    #[files("tests/messages/caller_answer.*.json")]
    path: PathBuf,
) {
    let text = std::fs::read_to_string(&path).unwrap();
    match path.file_stem().unwrap().to_str().unwrap() {
        "agents_answer.maximal" => check(&text, agents()),
        "agents_answer.minimal" => check(&text, AgentsAnswer { budget: 600, ..AgentsAnswer::default() }),
        "agents_request.maximal" => check(&text, AgentsRequest { name: some("claude") }),
        "agents_request.minimal" => check(&text, AgentsRequest::default()),
        "caller_answer.maximal" => check(&text, maximal()),
        "caller_answer.of_an_agent" => {
            check(&text, CallerAnswer { agent_known_by: Some(AgentMark::Named), ..maximal() });
        }
        "caller_answer.minimal" => check(&text, CallerAnswer::default()),
        "caller_answer.strong" => check(&text, strong()),
        name => panic!("no message for {name}"),
    }
}

#[test]
fn an_answer_of_a_newer_daemon_is_read() {
    assert_eq!(serde_json::from_str::<CallerAnswer>(&grown(&maximal())).unwrap(), maximal());
    assert_eq!(serde_json::from_str::<AgentsAnswer>(&grown(&agents())).unwrap(), agents());
    assert!(serde_json::from_str::<AgentsRequest>(&grown(&AgentsRequest::default())).is_err());
}

#[test]
fn marks_keep_their_names_and_the_surest_is_first() {
    let marks = [AgentMark::Declared, AgentMark::Named, AgentMark::Told];
    assert_eq!(serde_json::to_string(&marks).unwrap(), r#"["declared","named","told"]"#);
    assert!(marks.is_sorted());
}

fn agents() -> AgentsAnswer {
    let claude = AgentInfo {
        name: "claude".to_owned(),
        known_by: Some(AgentMark::Declared),
        leases: vec!["0123456789ab".to_owned()],
        tokens: 7,
        seen_on: Some(1_795_200_000),
        is_stopped: true,
    };
    let codex = AgentInfo { name: "codex".to_owned(), ..AgentInfo::default() };
    AgentsAnswer { agents: vec![claude, codex], all_stopped: true, budget: 600 }
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
        agent_known_by: None,
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

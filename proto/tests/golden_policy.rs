//! The messages of the policy, byte for byte, as `golden.rs` has the others.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::path::{Path, PathBuf};

use entra_proto::config::{Layer, Origin};
use entra_proto::policy::{
    CallerFacts, Effect, ExplainAnswer, ExplainRequest, Fact, PassedOver, PolicyAnswer, PolicyFault, RuleInfo,
};
use rstest::rstest;

mod wire;

use wire::{check, grown, some};

#[rstest]
fn a_message_is_read_and_written_as_ever(
    #[files("tests/messages/policy_answer.*.json")]
    #[files("tests/messages/explain_request.*.json")]
    #[files("tests/messages/explain_answer.*.json")]
    path: PathBuf,
) {
    let text = std::fs::read_to_string(&path).unwrap();
    match path.file_stem().unwrap().to_str().unwrap() {
        "explain_answer.maximal" => check(&text, explained()),
        "explain_answer.minimal" => check(&text, bare_explained()),
        "explain_request.maximal" => check(&text, request()),
        "explain_request.minimal" => check(&text, ExplainRequest::default()),
        "policy_answer.maximal" => check(&text, policy()),
        "policy_answer.minimal" => check(&text, PolicyAnswer { rules: vec![last()], faults: Vec::new() }),
        name => panic!("no message for {name}"),
    }
}

#[test]
fn no_file_was_deleted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages");
    for name in ["explain_answer", "explain_request", "policy_answer"] {
        for form in ["maximal", "minimal"] {
            assert!(folder.join(format!("{name}.{form}.json")).exists(), "{name}.{form} is gone");
        }
    }
}

#[test]
fn an_answer_of_a_newer_daemon_is_read_and_a_request_of_a_newer_client_is_not() {
    assert_eq!(serde_json::from_str::<PolicyAnswer>(&grown(&policy())).unwrap(), policy());
    assert_eq!(serde_json::from_str::<ExplainAnswer>(&grown(&explained())).unwrap(), explained());
    assert!(serde_json::from_str::<ExplainRequest>(&grown(&request())).is_err());
    assert!(serde_json::from_str::<CallerFacts>(&grown(&caller())).is_err());
}

#[test]
fn effects_keep_their_names() {
    for effect in Effect::ALL {
        assert_eq!(serde_json::to_value(effect).unwrap(), effect.word());
    }
}

fn last() -> RuleInfo {
    RuleInfo {
        number: 3,
        effect: Effect::Allow,
        text: "allow".to_owned(),
        origin: Origin { layer: Layer::BuiltIn, place: "built in".to_owned() },
        line: None,
        instead_of: None,
    }
}

fn first() -> RuleInfo {
    RuleInfo {
        number: 1,
        effect: Effect::Deny,
        text: "deny forwarded resource=graph".to_owned(),
        origin: Origin { layer: Layer::Managed, place: "/etc/entrad/managed.d/10-it.toml:3".to_owned() },
        line: Some(2),
        ..last()
    }
}

fn policy() -> PolicyAnswer {
    let place = "/home/ada/.config/entrad/config.toml:1";
    let unread = RuleInfo {
        number: 2,
        effect: Effect::Deny,
        text: "deny".to_owned(),
        origin: Origin { layer: Layer::User, place: place.to_owned() },
        instead_of: some("A sentence."),
        ..last()
    };
    let fault = |line, column| PolicyFault {
        place: place.to_owned(),
        line,
        column,
        what: "There is no condition `progam`; did you mean `program`?".to_owned(),
    };
    PolicyAnswer {
        rules: vec![first(), unread, last()],
        faults: vec![fault(Some(4), Some(7)), fault(None, None)],
    }
}

fn caller() -> CallerFacts {
    CallerFacts {
        program: some("/usr/bin/python3.12"),
        hash: Some(format!("sha256:{}", "a1".repeat(32))),
        script: some("/usr/bin/az"),
        parents: vec!["/usr/bin/bash".to_owned()],
        unit: some("claude-desktop.service"),
        container: true,
        forwarded: true,
        agent: some("claude"),
    }
}

fn request() -> ExplainRequest {
    ExplainRequest {
        caller: Some(caller()),
        over_loopback: true,
        lease: some("claude-code"),
        account: some("ada@example.com"),
        profile: some("default"),
        tenant: some("contoso.example"),
        resource: some("foundry"),
        scopes: Some(vec!["https://ai.azure.com/.default".to_owned()]),
    }
}

fn bare_explained() -> ExplainAnswer {
    let why = "It has no condition.".to_owned();
    ExplainAnswer { rule: last(), why, passed_over: Vec::new(), facts: Vec::new(), weakness: None }
}

fn explained() -> ExplainAnswer {
    let fact =
        |name: &str, value: Option<&str>| Fact { name: name.to_owned(), value: value.map(str::to_owned) };
    ExplainAnswer {
        passed_over: vec![PassedOver { rule: first(), why: "`resource=graph` does not hold.".to_owned() }],
        facts: vec![fact("program", Some("/usr/bin/git")), fact("unit", None)],
        weakness: some("It is known by its own word."),
        ..bare_explained()
    }
}

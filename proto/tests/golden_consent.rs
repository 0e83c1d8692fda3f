//! The messages of consent, byte for byte, as `golden.rs` has the others.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::path::{Path, PathBuf};

use entra_proto::consent::{
    ConsentDecision, ConsentMatter, ConsentQuestion, ConsentRequest, ConsentState, ConsentWord,
    ConsentsAnswer,
};
use entra_proto::prompt::PromptEvent;
use rstest::rstest;

mod wire;

use wire::{check, grown, some};

#[rstest]
fn a_message_is_read_and_written_as_ever(#[files("tests/messages/consent*.json")] path: PathBuf) {
    let text = std::fs::read_to_string(&path).unwrap();
    match path.file_stem().unwrap().to_str().unwrap() {
        "consent_event.answered" => {
            check(&text, PromptEvent::Answered { id: ID.to_owned(), answer: Some(ConsentWord::Once) });
        }
        "consent_event.asked" => check(&text, PromptEvent::Asked { question: Box::new(question()) }),
        "consent_event.unanswered" => {
            check(&text, PromptEvent::Answered { id: ID.to_owned(), answer: None });
        }
        "consent_request" => check(&text, ConsentRequest { answer: ConsentWord::Session }),
        "consents_answer.maximal" => check(&text, answer()),
        "consents_answer.minimal" => check(&text, ConsentsAnswer::default()),
        name => panic!("no message for {name}"),
    }
}

#[test]
fn no_file_was_deleted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages");
    for name in [
        "consent_event.answered",
        "consent_event.asked",
        "consent_event.unanswered",
        "consent_request",
        "consents_answer.maximal",
        "consents_answer.minimal",
    ] {
        assert!(folder.join(format!("{name}.json")).exists(), "{name} is gone");
    }
}

#[test]
fn an_answer_of_a_newer_daemon_is_read_and_a_request_of_a_newer_client_is_not() {
    assert_eq!(serde_json::from_str::<ConsentsAnswer>(&grown(&answer())).unwrap(), answer());
    let request = ConsentRequest { answer: ConsentWord::Deny };
    assert!(serde_json::from_str::<ConsentRequest>(&grown(&request)).is_err());
}

#[test]
fn words_and_states_keep_their_names() {
    for word in ConsentWord::ALL {
        assert_eq!(serde_json::to_value(word).unwrap(), word.word());
    }
    let states = [
        (ConsentState::Allowed, "allowed"),
        (ConsentState::Asked, "asked"),
        (ConsentState::Denied, "denied"),
        (ConsentState::Unanswered, "unanswered"),
        (ConsentState::Unheard, "unheard"),
    ];
    for (state, name) in states {
        assert_eq!(serde_json::to_value(state).unwrap(), name);
    }
}

fn bare() -> ConsentMatter {
    ConsentMatter { resources: vec!["https://graph.microsoft.com".to_owned()], ..ConsentMatter::default() }
}

fn matter() -> ConsentMatter {
    ConsentMatter {
        program: some("/usr/bin/python3.12"),
        hash: Some(format!("sha256:{}", "a1".repeat(32))),
        script: some("/usr/bin/az"),
        agent: some("claude"),
        lease: some("claude-code"),
        container: true,
        forwarded: true,
        account: some("11111111-2222-3333-4444-000000000001.99999999-8888-7777-6666-555555555555"),
        username: some("ada@example.com"),
        profile: some("default"),
        tenant: some("contoso.example"),
        administrators: true,
        ..bare()
    }
}

fn question() -> ConsentQuestion {
    ConsentQuestion {
        id: ID.to_owned(),
        state: ConsentState::Asked,
        who: "/usr/bin/git (process 42)".to_owned(),
        parents: vec!["/usr/bin/zsh".to_owned(), "/usr/bin/foot".to_owned()],
        wanted: "Microsoft Graph".to_owned(),
        matter: matter(),
        rule: "`ask resource=graph` (/home/ada/.config/entrad/config.toml:1, line 1)".to_owned(),
        asked_on: 1_795_200_000,
        until: 1_795_200_120,
        waiting: 1,
        answers: vec![ConsentWord::Once, ConsentWord::Deny],
    }
}

fn answer() -> ConsentsAnswer {
    let decision =
        ConsentDecision { id: ID.to_owned(), answer: ConsentWord::Always, matter: bare(), since: 7 };
    ConsentsAnswer { questions: vec![question()], decisions: vec![decision] }
}

const ID: &str = "0123abcd";

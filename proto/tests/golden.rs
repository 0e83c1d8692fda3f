//! Golden messages: each file is decoded and written again, byte for byte the same.
//!
//! A file is never changed or deleted once it was released: it stands for programs that speak that way. A
//! new field gets a new file.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use entra_proto::account::AccountsAnswer;
use entra_proto::error::{ErrorBody, ErrorCode, TABLE};
use entra_proto::sign_in::{SignInEvent, SignInRequest, SignInStarted};
use entra_proto::status::StatusAnswer;
use entra_proto::token::{TokenAnswer, TokenRequest};
use rstest::rstest;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[rstest]
fn every_message_is_written_as_it_was_read(#[files("tests/messages/*.json")] path: PathBuf) {
    let text = fs::read_to_string(&path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let again = match name.split('.').next().unwrap() {
        "accounts" => again::<AccountsAnswer>(&text),
        "error" => again::<ErrorBody>(&text),
        "event" => again::<SignInEvent>(&text),
        "sign_in_request" => again::<SignInRequest>(&text),
        "sign_in_started" => again::<SignInStarted>(&text),
        "status" => again::<StatusAnswer>(&text),
        "token_answer" => again::<TokenAnswer>(&text),
        "token_request" => again::<TokenRequest>(&text),
        other => panic!("{other} is no kind of message"),
    };
    assert_eq!(again, text.trim_end());
}

#[test]
fn each_kind_of_message_and_each_event_has_a_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages");
    let names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for kind in [
        "accounts",
        "error",
        "event.code",
        "event.failed",
        "event.signed_in",
        "event.waiting",
        "sign_in_request",
        "sign_in_started",
        "status",
        "token_answer",
        "token_request",
    ] {
        assert!(names.iter().any(|name| name.starts_with(&format!("{kind}."))), "{kind}");
    }
}

#[test]
fn every_error_code_round_trips() {
    for row in TABLE {
        let error: ErrorBody =
            serde_json::from_str(&format!(r#"{{"code":"{}","message":"m"}}"#, row.name)).unwrap();
        assert_eq!((&error.code, error.code.status(), error.code.exit()), (&row.code, row.status, row.exit));
        assert!(!matches!(error.code, ErrorCode::Unknown(_)));
    }
}

#[rstest]
#[case::a_misspelt_field(r#"{"resorce":"foundry"}"#, "resorce")]
#[case::an_authority(r#"{"resource":"foundry","authority":"https://evil.example"}"#, "authority")]
#[case::a_wrong_type(r#"{"resource":7}"#, "string")]
fn a_token_request_with_something_odd_is_refused_by_name(#[case] text: &str, #[case] named: &str) {
    let error = serde_json::from_str::<TokenRequest>(text).unwrap_err().to_string();
    assert!(error.contains(named), "{error}");
}

#[test]
fn answers_may_have_fields_of_a_newer_daemon() {
    let text = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages/token_answer.cache.json"),
    );
    let newer = text.unwrap().replacen('{', r#"{"novelty":[1],"#, 1);
    assert!(serde_json::from_str::<TokenAnswer>(&newer).is_ok());
}

fn again<T: DeserializeOwned + Serialize>(text: &str) -> String {
    serde_json::to_string(&serde_json::from_str::<T>(text).unwrap()).unwrap()
}

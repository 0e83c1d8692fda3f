//! The messages of the lock, byte for byte, as `golden.rs` has the others.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::path::PathBuf;

use entra_proto::lock::{
    LockAnswer, LockCause, LockState, LockStatus, Opener, PanicAnswer, PanicRequest, PanickedAccount,
    Revocation, UnlockAnswer, UnlockRequest,
};
use entra_proto::secret::Passphrase;
use rstest::rstest;

mod wire;

use wire::{check, grown, some};

#[rstest]
fn a_message_is_read_and_written_as_ever(
    #[files("tests/messages/lock_answer.*.json")]
    #[files("tests/messages/panic_answer.*.json")]
    #[files("tests/messages/panic_request.*.json")]
    #[files("tests/messages/unlock_answer.*.json")]
    #[files("tests/messages/unlock_request.*.json")]
    path: PathBuf,
) {
    let text = std::fs::read_to_string(&path).unwrap();
    match path.file_stem().unwrap().to_str().unwrap() {
        "lock_answer.maximal" => check(&text, LockAnswer { warnings: warnings(), ..locked() }),
        "lock_answer.minimal" => check(&text, locked()),
        "panic_answer.maximal" => check(&text, panicked()),
        "panic_answer.minimal" => {
            let lock = LockStatus { by: LockCause::Panic, opened_by: Opener::Store, ..lock() };
            let answer = PanicAnswer { lock, erased: Vec::new(), accounts: Vec::new(), warnings: Vec::new() };
            check(&text, answer);
        }
        "panic_request.maximal" => check(&text, PanicRequest { revoke_sessions: true }),
        "panic_request.minimal" => check(&text, PanicRequest::default()),
        "unlock_answer.maximal" => {
            check(&text, UnlockAnswer { was_locked: true, warnings: warnings() });
        }
        "unlock_answer.minimal" => check(&text, UnlockAnswer::default()),
        "unlock_request.maximal" => {
            check(&text, UnlockRequest { passphrase: Some(Passphrase::new("a passphrase".to_owned())) });
        }
        "unlock_request.minimal" => check(&text, UnlockRequest::default()),
        name => panic!("no message for {name}"),
    }
}

#[test]
fn an_answer_of_a_newer_daemon_is_read_and_a_request_of_a_newer_client_is_not() {
    assert_eq!(serde_json::from_str::<LockAnswer>(&grown(&locked())).unwrap(), locked());
    assert_eq!(serde_json::from_str::<PanicAnswer>(&grown(&panicked())).unwrap(), panicked());
    assert!(serde_json::from_str::<PanicRequest>(&grown(&PanicRequest::default())).is_err());
    assert!(serde_json::from_str::<UnlockRequest>(&grown(&UnlockRequest::default())).is_err());
}

#[test]
fn words_keep_their_names() {
    let causes =
        [LockCause::Hand, LockCause::ScreenLock, LockCause::Suspend, LockCause::Panic, LockCause::Unknown];
    let names = r#"["hand","screen_lock","suspend","panic","unknown"]"#;
    assert_eq!(serde_json::to_string(&causes).unwrap(), names);
    let states = serde_json::to_string(&[LockState::Closing, LockState::Locked]).unwrap();
    assert_eq!(states, r#"["closing","locked"]"#);
}

fn lock() -> LockStatus {
    LockStatus {
        state: LockState::Locked,
        since: 1_795_200_000,
        by: LockCause::Hand,
        opened_by: Opener::Passphrase,
    }
}

fn locked() -> LockAnswer {
    LockAnswer { lock: lock(), warnings: Vec::new() }
}

fn warnings() -> Vec<String> {
    vec!["A sentence.".to_owned()]
}

fn panicked() -> PanicAnswer {
    let account = |username: &str, revocation| PanickedAccount {
        username: username.to_owned(),
        profile: "default".to_owned(),
        tokens_end_on: Some(1_795_203_600),
        revocation,
    };
    let failed = Revocation::Failed { reason: some("A sentence.").unwrap() };
    PanicAnswer {
        lock: LockStatus { by: LockCause::Panic, ..lock() },
        erased: vec!["vault.sealed".to_owned()],
        accounts: vec![
            account("ada@example.com", Some(Revocation::Revoked)),
            account("grace@example.com", Some(failed)),
            PanickedAccount { tokens_end_on: None, ..account("alan@example.com", None) },
        ],
        warnings: warnings(),
    }
}

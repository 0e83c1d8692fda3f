//! The vault as its users see it: a passphrase, a folder, and a disk that fills up.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

use std::fs;
use std::path::{Path, PathBuf};

use entra_proto::account::{Flow, Provenance};
use entra_proto::cloud::Cloud;
use entra_proto::error::ErrorCode;
use entrad::account::demand::Demands;
use entrad::account::key::AccountKey;
use entrad::account::refresh_token::RefreshToken;
use entrad::vault::{
    Access, Entry, HomeError, HomeKind, PassphraseError, PassphraseSource, Record, StoreChoice, Vault,
    VaultError, VaultOptions,
};
use tempfile::TempDir;

#[cfg_attr(unix, path = "close_unix.rs")]
#[cfg_attr(windows, path = "close_windows.rs")]
mod close;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

fn key() -> AccountKey {
    AccountKey { profile: "default".to_owned(), account: "a.t".parse().unwrap() }
}

fn record(token: &str) -> Record {
    let entry = Entry {
        key: key(),
        cloud: Cloud::Public,
        authority: "https://login.microsoftonline.com".to_owned(),
        tenant: "organizations".to_owned(),
        client_id: "client".to_owned(),
        scopes: vec!["https://graph.microsoft.com/.default".to_owned()],
        username: "ada@example.com".to_owned(),
        name: None,
        provenance: Provenance { flow: Flow::DeviceCode, signed_in_on: 1 },
        obtained_on: 1,
        used_on: 1,
        quarantined_on: None,
        demands: Demands::default(),
        quarantined_for: None,
    };
    Record { entry, refresh_token: RefreshToken::new(token.to_owned()) }
}

fn passphrase_file(home: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = home.path().join(name);
    fs::write(&path, text).unwrap();
    close::to_others(&path);
    path
}

fn vault(state_dir: &Path, passphrase: Option<PassphraseSource>) -> Vault {
    let choice = StoreChoice::Pinned(HomeKind::Passphrase);
    Vault::new(VaultOptions { state_dir: state_dir.to_owned(), choice, passphrase })
}

async fn read(vault: &Vault) -> Result<String, VaultError> {
    vault.refresh_token(&key()).await.map(|token| token.expose().to_owned())
}

#[tokio::test]
async fn a_passphrase_opens_what_it_sealed_and_another_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let state_dir = home.path().join("deep/entrad");
    let right = PassphraseSource::File(passphrase_file(&home, "right", "correct horse\n"));
    let wrong = PassphraseSource::File(passphrase_file(&home, "wrong", "battery staple\n"));
    vault(&state_dir, Some(right.clone())).put(record("rt-1"), Access::Silent).await.unwrap();
    let sealed = fs::read(state_dir.join("vault.sealed")).unwrap();
    for clear in [&b"rt-1"[..], b"correct horse", b"ada@"] {
        assert!(!sealed.windows(clear.len()).any(|window| window == clear));
    }

    let other = vault(&state_dir, Some(wrong));
    for error in [
        other.open(Access::MayPrompt).await.unwrap_err(),
        other.put(record("rt-2"), Access::MayPrompt).await.unwrap_err(),
    ] {
        let VaultError::Home { home: HomeKind::Passphrase, source } = &error else { panic!("{error}") };
        assert!(matches!(source, HomeError::Passphrase(PassphraseError::Wrong)), "{error}");
        assert_eq!(error.to_error_body().code, ErrorCode::StoreUnavailable);
    }
    assert_eq!(fs::read(state_dir.join("vault.sealed")).unwrap(), sealed);
    assert_eq!(fs::read_dir(&state_dir).unwrap().count(), 1);
    assert_eq!(read(&vault(&state_dir, Some(right))).await.unwrap(), "rt-1");
}

#[tokio::test]
async fn without_the_passphrase_the_setting_is_named() {
    let home = tempfile::tempdir().unwrap();
    let error = vault(home.path(), None).open(Access::Silent).await.unwrap_err();
    assert!(matches!(error, VaultError::PassphraseNotConfigured { .. }), "{error}");
    assert!(error.to_error_body().hint.unwrap().contains("passphrase_file"));
}

#[tokio::test]
async fn a_terminal_is_not_asked_in_the_background() {
    let home = tempfile::tempdir().unwrap();
    let source = PassphraseSource::File(passphrase_file(&home, "p", "correct horse"));
    let state_dir = home.path().join("entrad");
    vault(&state_dir, Some(source)).put(record("rt-1"), Access::Silent).await.unwrap();
    let error = read(&vault(&state_dir, Some(PassphraseSource::Prompt))).await.unwrap_err();
    assert_eq!(error.to_error_body().code, ErrorCode::StoreLocked, "{error}");
}

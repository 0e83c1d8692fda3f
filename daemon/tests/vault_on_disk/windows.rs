//! The vault whose key DPAPI keeps.

use std::fs;

use entrad::vault::{Access, HomeKind, StoreChoice, Vault, VaultError, VaultOptions, VaultState};

use super::{key, read, record};

#[tokio::test]
async fn dpapi_keeps_the_key_in_the_file_and_asks_nobody() {
    let home = tempfile::tempdir().unwrap();
    let state_dir = home.path().join("entrad");
    let vault = || {
        let choice = StoreChoice::default();
        Vault::new(VaultOptions { state_dir: state_dir.clone(), choice, passphrase: None })
    };
    vault().put(record("rt-1"), Access::Silent).await.unwrap();
    let sealed = fs::read(state_dir.join("vault.sealed")).unwrap();
    assert!(!sealed.windows(4).any(|window| window == b"rt-1"));
    assert_eq!(sealed[10], 4, "the number of this home");

    let again = vault();
    assert_eq!(read(&again).await.unwrap(), "rt-1");
    assert_eq!((again.status().home, again.status().state), (Some(HomeKind::Dpapi), VaultState::Open));

    // Another file's wrapped key, as of another user, does not open and is not taken for a sign-out.
    let mut foreign = sealed.clone();
    foreign[12] ^= 1;
    fs::write(state_dir.join("vault.sealed"), &foreign).unwrap();
    let error = vault().refresh_token(&key()).await.unwrap_err();
    assert!(matches!(error, VaultError::KeyMissing { home: HomeKind::Dpapi, .. }), "{error}");
}

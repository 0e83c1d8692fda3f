//! Locking, unlocking and erasing a vault.

use super::*;

#[tokio::test]
async fn a_lock_drops_the_key_and_refuses_all_until_it_is_unlocked() {
    let desk = Desk::new();
    let vault = desk.signed_in().await;
    vault.lock().await.unwrap();
    assert!(matches!(vault.must_be_unlocked(), Err(VaultError::Locked)));
    assert!(matches!(read(&vault, "a.t").await, Err(VaultError::Locked)));
    assert!(matches!(vault.put(record("b.t", "rt"), Access::MayPrompt).await, Err(VaultError::Locked)));
    assert_eq!(vault.home_of_file().await.unwrap(), Some(HomeKind::SecretService));
    desk.keyring.be(Mood::Locked);
    let refused = vault.unlock(None, Access::MayPrompt).await;
    assert!(matches!(refused, Err(VaultError::Home { source: HomeError::Locked, .. })), "{refused:?}");
    assert!(matches!(read(&vault, "a.t").await, Err(VaultError::Locked)), "the key is asked for anew");
    desk.keyring.be(Mood::Well);
    vault.unlock(None, Access::MayPrompt).await.unwrap();
    assert_eq!(read(&vault, "a.t").await.unwrap(), "rt-1");
    assert_eq!(vault.times_locked(), 2, "once by hand, and once more by the unlock that failed");
}

#[tokio::test]
async fn what_was_asked_before_a_lock_is_done_before_it() {
    let desk = Desk::new();
    let vault = desk.signed_in().await;
    let key = record("a.t", "").entry.key;
    let token = RefreshToken::new("rt-2".to_owned());
    let (saved, locked) = tokio::join!(vault.replace_refresh_token(&key, token, 7), vault.lock());
    assert!(saved.is_ok() && locked.is_ok());
    vault.unlock(None, Access::Silent).await.unwrap();
    assert_eq!(read(&vault, "a.t").await.unwrap(), "rt-2");
}

#[tokio::test]
async fn a_file_that_only_a_sign_in_can_mend_keeps_nobody_out() {
    let desk = Desk::new();
    let vault = desk.signed_in().await;
    vault.lock().await.unwrap();
    fs::write(desk.file(), "no vault").unwrap();
    vault.unlock(None, Access::Silent).await.unwrap();
    assert!(matches!(read(&vault, "a.t").await, Err(VaultError::Damaged { .. })));
}

#[tokio::test]
async fn a_vault_of_this_process_alone_is_empty_after_a_lock() {
    let vault = Desk::new().vault(StoreChoice::Pinned(HomeKind::Memory));
    vault.put(record("a.t", "rt-1"), Access::MayPrompt).await.unwrap();
    vault.lock().await.unwrap();
    vault.unlock(None, Access::Silent).await.unwrap();
    assert!(vault.records(Access::Silent).await.unwrap().is_empty());
}

#[tokio::test]
async fn to_erase_leaves_nothing_of_the_vault_and_all_else() {
    let desk = Desk::new();
    let vault = desk.signed_in().await;
    for name in ["vault.sealed.damaged-7", "vault.sealed.0123456789abcdef.tmp", "vault.sealedness", "locked"]
    {
        fs::write(desk.state_dir().join(name), "something").unwrap();
    }
    let erased = vault.erase().await.unwrap();
    assert_eq!(erased.left, [""; 0]);
    assert_eq!(erased.files.len(), 3, "{erased:?}");
    assert_eq!(desk.names(), ["locked", "vault.sealedness"]);
    assert!(matches!(read(&vault, "a.t").await, Err(VaultError::Locked)));
    assert_eq!(vault.erase().await.unwrap(), Erased::default(), "once more finds nothing");
    vault.unlock(None, Access::Silent).await.unwrap();
    assert!(vault.records(Access::Silent).await.unwrap().is_empty());
    vault.put(record("b.t", "rt-2"), Access::MayPrompt).await.unwrap();
    assert_eq!(read(&vault, "b.t").await.unwrap(), "rt-2");
}

//! Descriptors, systemd's credentials, and a disk that fills up.

use std::fs::{self, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use entrad::account::refresh_token::RefreshToken;
use entrad::vault::{Access, PassphraseSource, VaultError};

use super::{key, passphrase_file, read, record, vault};

#[tokio::test]
async fn a_descriptor_is_good_for_making_and_for_reading_a_vault() {
    let home = tempfile::tempdir().unwrap();
    for token in ["rt-1", "rt-2"] {
        let (reader, mut writer) = std::io::pipe().unwrap();
        std::io::Write::write_all(&mut writer, b"from a pipe\n").unwrap();
        drop(writer);
        let vault = vault(home.path(), Some(PassphraseSource::Descriptor(reader.as_raw_fd())));
        vault.open(Access::Silent).await.unwrap();
        vault.put(record(token), Access::Silent).await.unwrap();
        assert_eq!(read(&vault).await.unwrap(), token);
    }
}

/// The environment of a process is its own affair, so this too has one of its own.
#[test]
fn a_credential_of_systemd_opens_the_vault() {
    let home = tempfile::tempdir().unwrap();
    let credential = passphrase_file(&home, "entrad-passphrase", "correct horse\n");
    // As systemd shows it to a unit's user: read-only, and the access list as bits of the group.
    fs::set_permissions(&credential, Permissions::from_mode(0o440)).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "unix::in_a_unit_with_a_credential", "--ignored"])
        .env("CREDENTIALS_DIRECTORY", home.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(home.path().join("entrad/vault.sealed").exists(), "the child did run");
}

#[test]
#[ignore = "run by a_credential_of_systemd_opens_the_vault"]
fn in_a_unit_with_a_credential() {
    let home = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY").expect("only within the other test"));
    let state_dir = home.join("entrad");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let source = PassphraseSource::SystemdCredential;
        vault(&state_dir, Some(source.clone())).put(record("rt-1"), Access::Silent).await.unwrap();
        assert_eq!(read(&vault(&state_dir, Some(source))).await.unwrap(), "rt-1");
        let file = PassphraseSource::File(home.join("entrad-passphrase"));
        let error = vault(&state_dir, Some(file)).open(Access::Silent).await.unwrap_err();
        assert!(error.to_string().contains("other users"), "as a plain file its mode counts: {error}");
    });
}

/// A disk that is full is played by a limit on the length of files, in a process of its own.
#[test]
fn a_full_disk_leaves_the_old_file_whole_and_gives_the_token_back() {
    let home = tempfile::tempdir().unwrap();
    let child = "unix::in_a_process_whose_files_may_not_grow";
    // The shell ignores the signal for the limit, which `exec` hands on: the write then fails as on a full disk.
    let status = Command::new("bash")
        .args(["-c", r#"trap "" XFSZ; ulimit -f 2; exec "$0" --exact "$1" --ignored --test-threads=1"#])
        .arg(std::env::current_exe().unwrap())
        .arg(child)
        .env("VAULT_TEST_HOME", home.path())
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
    assert!(home.path().join("passed").exists(), "the child did run");
}

#[test]
#[ignore = "run by a_full_disk_leaves_the_old_file_whole_and_gives_the_token_back"]
fn in_a_process_whose_files_may_not_grow() {
    let home = PathBuf::from(std::env::var_os("VAULT_TEST_HOME").expect("only within the other test"));
    fs::write(home.join("p"), "correct horse").unwrap();
    fs::set_permissions(home.join("p"), Permissions::from_mode(0o600)).unwrap();
    let state_dir = home.join("entrad");
    let vault = vault(&state_dir, Some(PassphraseSource::File(home.join("p"))));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        vault.put(record("rt-1"), Access::Silent).await.unwrap();
        let long = RefreshToken::new("x".repeat(10_000));
        let (error, back) = vault.replace_refresh_token(&key(), long, 9).await.unwrap_err();
        assert!(matches!(error, VaultError::File(_)), "{error}");
        assert_eq!(back.expose().len(), 10_000);
        assert_eq!(read(&vault).await.unwrap(), "rt-1");
        assert_eq!(fs::read_dir(&state_dir).unwrap().count(), 1, "the unfinished file is gone");
        let short = RefreshToken::new("rt-2".to_owned());
        vault.replace_refresh_token(&key(), short, 9).await.unwrap();
        assert_eq!(read(&vault).await.unwrap(), "rt-2");
    });
    fs::write(home.join("passed"), "").unwrap();
}

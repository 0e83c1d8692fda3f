//! The vault as a whole, over a home that does as the test says.

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::home::Home;
use super::locked_key::LockedKey;
use super::record::tests::record;
use super::sealed_file::{Header, KeySlot};
use super::worker::Homes;
use super::*;

mod lock;

/// Longer than any test.
const LONG: Duration = Duration::from_secs(20);

/// How long a silent call may take: a moment, and a longer one where starting a thread takes its time.
const SHORT: Duration = Duration::from_millis(if cfg!(windows) { 500 } else { 50 });

/// A keyring that holds keys and has a mood.
#[derive(Default)]
struct Keyring {
    keys: Mutex<Vec<(KeyId, [u8; 32])>>,
    mood: Mutex<Mood>,
}

#[derive(Default)]
enum Mood {
    Absent,
    /// Until the other end of the channel is gone.
    Hanging(Receiver<()>),
    Locked,
    #[default]
    Well,
}

impl Keyring {
    fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn hang(&self) -> Sender<()> {
        let (release, gate) = channel();
        self.be(Mood::Hanging(gate));
        release
    }

    fn answer(&self) -> Result<(), HomeError> {
        let mood = std::mem::take(&mut *self.mood.lock().unwrap());
        match mood {
            Mood::Well => Ok(()),
            Mood::Absent => {
                self.be(Mood::Absent);
                Err(HomeError::Absent)
            }
            Mood::Locked => {
                self.be(Mood::Locked);
                Err(HomeError::Locked)
            }
            Mood::Hanging(gate) => {
                let _ = gate.recv();
                Ok(())
            }
        }
    }
}

impl Home for Keyring {
    fn check(&self) -> Result<(), HomeError> {
        self.answer()
    }

    fn fetch(&self, header: &Header, _: Access) -> Result<LockedKey, HomeError> {
        self.answer()?;
        let keys = self.keys.lock().unwrap();
        let (_, key) = keys.iter().find(|(id, _)| *id == header.key_id).ok_or(HomeError::NoKey)?;
        Ok(LockedKey::take(&mut key.clone())?)
    }

    fn create(&self, key_id: KeyId, _: Access) -> Result<(LockedKey, KeySlot), HomeError> {
        self.answer()?;
        let key = home::random()?;
        self.keys.lock().unwrap().push((key_id, key));
        Ok((LockedKey::take(&mut key.clone())?, KeySlot::SecretService))
    }
}

/// A state folder and its keyring, which outlive a vault.
struct Desk {
    home: TempDir,
    keyring: Arc<Keyring>,
}

impl Desk {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), keyring: Arc::default() }
    }

    /// A new process's vault, so to speak.
    fn vault(&self, choice: StoreChoice) -> Vault {
        let limits = Limits { prompted: LONG, silent: SHORT, stretching: LONG };
        let homes = Homes {
            passphrase: None,
            system: (HomeKind::SecretService, Arc::clone(&self.keyring) as Arc<dyn Home>),
        };
        Vault::with_worker(Worker::with_homes(self.state_dir(), choice, homes, limits), limits)
    }

    /// One with a record `a.t` in it.
    async fn signed_in(&self) -> Vault {
        let vault = self.vault(StoreChoice::Auto);
        vault.put(record("a.t", "rt-1"), Access::MayPrompt).await.unwrap();
        vault
    }

    fn state_dir(&self) -> PathBuf {
        self.home.path().join("entrad")
    }

    fn file(&self) -> PathBuf {
        self.state_dir().join("vault.sealed")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.state_dir()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn key(account: &str) -> AccountKey {
    record(account, "").entry.key
}

fn token(text: &str) -> RefreshToken {
    RefreshToken::new(text.to_owned())
}

async fn read(vault: &Vault, account: &str) -> Result<String, VaultError> {
    vault.refresh_token(&key(account)).await.map(|token| token.expose().to_owned())
}

fn is_locked<T: fmt::Debug>(result: &Result<T, VaultError>) -> bool {
    matches!(result, Err(VaultError::Home { source: HomeError::Locked, .. }))
}

#[tokio::test]
async fn records_survive_the_process() {
    let desk = Desk::new();
    drop(desk.signed_in().await);
    let vault = desk.vault(StoreChoice::Auto);
    assert_eq!(vault.status(), VaultStatus::default());
    assert_eq!(vault.records(Access::Silent).await.unwrap(), [record("a.t", "").entry]);
    assert_eq!(read(&vault, "a.t").await.unwrap(), "rt-1");
    assert_eq!(vault.status().state, VaultState::Open);
    assert_eq!(vault.status().home, Some(HomeKind::SecretService));
    assert_eq!(desk.names(), ["vault.sealed"]);
}

#[tokio::test]
async fn nothing_is_written_before_the_first_sign_in() {
    let desk = Desk::new();
    let vault = desk.vault(StoreChoice::Auto);
    vault.open(Access::Silent).await.unwrap();
    assert_eq!(vault.records(Access::Silent).await.unwrap(), []);
    assert!(matches!(read(&vault, "a.t").await, Err(VaultError::NotFound(_))));
    assert_eq!(vault.status().state, VaultState::Empty);
    assert!(!desk.state_dir().exists());
}

#[tokio::test]
async fn a_rotated_token_takes_the_old_ones_place() {
    let desk = Desk::new();
    let vault = desk.signed_in().await;
    vault.put(record("b.t", "rt-b"), Access::Silent).await.unwrap();
    vault.replace_refresh_token(&key("a.t"), token("rt-2"), 70).await.unwrap();
    assert_eq!(read(&vault, "a.t").await.unwrap(), "rt-2");
    assert_eq!(read(&vault, "b.t").await.unwrap(), "rt-b");
    let entries = vault.records(Access::Silent).await.unwrap();
    assert_eq!(entries.iter().find(|entry| entry.key == key("a.t")).unwrap().used_on, 70);
}

#[tokio::test]
async fn a_late_token_does_not_undo_a_sign_out() {
    let desk = Desk::new();
    let vault = desk.signed_in().await;
    vault.remove(&key("a.t")).await.unwrap();
    let (error, back) = vault.replace_refresh_token(&key("a.t"), token("rt-2"), 70).await.unwrap_err();
    assert!(matches!(error, VaultError::NotFound(_)));
    assert_eq!(back, token("rt-2"));
    assert_eq!(vault.records(Access::Silent).await.unwrap(), []);
    assert_eq!(vault.status().state, VaultState::Open);
}

#[tokio::test]
async fn a_dead_token_is_kept_for_a_day_and_not_handed_out() {
    let desk = Desk::new();
    let vault = desk.signed_in().await;
    let long_ago = 1;
    vault.put(record("b.t", "rt-b"), Access::Silent).await.unwrap();
    vault.quarantine(&key("a.t"), u64::MAX, None).await.unwrap();
    assert!(matches!(read(&vault, "a.t").await, Err(VaultError::Quarantined(_))));
    vault.revive(&key("a.t")).await.unwrap();
    assert_eq!(read(&vault, "a.t").await.unwrap(), "rt-1");
    vault.quarantine(&key("a.t"), long_ago, None).await.unwrap();
    assert!(matches!(read(&vault, "a.t").await, Err(VaultError::NotFound(_))));
    assert_eq!(read(&vault, "b.t").await.unwrap(), "rt-b");
}

#[tokio::test]
async fn a_locked_keyring_is_an_error_until_it_is_unlocked() {
    let desk = Desk::new();
    drop(desk.signed_in().await);
    let vault = desk.vault(StoreChoice::Auto);
    desk.keyring.be(Mood::Locked);
    assert!(is_locked(&vault.open(Access::Silent).await));
    assert!(is_locked(&read(&vault, "a.t").await));
    assert!(is_locked(&vault.put(record("b.t", "rt-b"), Access::MayPrompt).await));
    assert!(matches!(vault.status().state, VaultState::Failed(_)));
    desk.keyring.be(Mood::Well);
    assert_eq!(read(&vault, "a.t").await.unwrap(), "rt-1");
    assert_eq!(desk.names(), ["vault.sealed"]);
}

#[tokio::test]
async fn an_open_vault_needs_no_keyring() {
    let desk = Desk::new();
    let vault = desk.signed_in().await;
    desk.keyring.be(Mood::Locked);
    vault.replace_refresh_token(&key("a.t"), token("rt-2"), 70).await.unwrap();
    assert_eq!(read(&vault, "a.t").await.unwrap(), "rt-2");
}

#[tokio::test]
async fn a_keyring_that_hangs_costs_a_bounded_wait_and_heals() {
    let desk = Desk::new();
    drop(desk.signed_in().await);
    let vault = desk.vault(StoreChoice::Auto);
    let begun = Instant::now();
    let mut releases = Vec::new();
    for stuck in 1..=3 {
        releases.push(desk.keyring.hang());
        let (error, back) = vault.replace_refresh_token(&key("a.t"), token("rt-2"), 70).await.unwrap_err();
        assert!(matches!(error, VaultError::Home { source: HomeError::Hung { .. }, .. }), "{error}");
        assert_eq!(back, token("rt-2"));
        assert_eq!(vault.status().stuck_calls, stuck);
    }
    let refused = read(&vault, "a.t").await;
    assert!(matches!(refused, Err(VaultError::Home { source: HomeError::Stuck { stuck: 3 }, .. })));
    assert!(begun.elapsed() < Duration::from_secs(10));
    drop(releases);
    while matches!(read(&vault, "a.t").await, Err(VaultError::Home { source: HomeError::Stuck { .. }, .. })) {
        tokio::task::yield_now().await;
    }
    // The calls that came back late changed nothing.
    assert_eq!(read(&vault, "a.t").await.unwrap(), "rt-1");
}

#[test]
fn a_hanging_keyring_does_not_hold_up_the_end_of_the_runtime() {
    let desk = Desk::new();
    let _release = desk.keyring.hang();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let vault = desk.vault(StoreChoice::Auto);
    runtime.spawn(async move { vault.open(Access::MayPrompt).await });
    runtime.block_on(tokio::task::yield_now());
    let begun = Instant::now();
    drop(runtime);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn the_background_does_not_wait_for_a_persons_dialog() {
    let desk = Desk::new();
    drop(desk.signed_in().await);
    let vault = desk.vault(StoreChoice::Auto);
    let dialog = desk.keyring.hang();
    let mut person = Box::pin(vault.open(Access::MayPrompt));
    assert!(timeout(Duration::ZERO, &mut person).await.is_err());
    let begun = Instant::now();
    assert!(matches!(read(&vault, "a.t").await, Err(VaultError::Prompting)));
    assert!(begun.elapsed() < Duration::from_secs(5));
    drop(dialog);
    person.await.unwrap();
    assert_eq!(read(&vault, "a.t").await.unwrap(), "rt-1");
}

#[tokio::test]
async fn a_request_whose_caller_left_before_its_turn_is_not_done() {
    let desk = Desk::new();
    let vault = desk.signed_in().await;
    let (begin, begun) = channel::<()>();
    let busy = vault.ask(Access::Silent, move |_| {
        let _ = begun.recv();
        Ok(())
    });
    let mut busy = Box::pin(busy);
    let mut left = Box::pin(vault.put(record("b.t", "rt-b"), Access::Silent));
    assert!(timeout(Duration::ZERO, &mut busy).await.is_err());
    assert!(timeout(Duration::ZERO, &mut left).await.is_err());
    drop((left, begin));
    busy.await.unwrap();
    assert_eq!(vault.records(Access::Silent).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_lost_key_is_not_signed_out_and_the_file_is_kept() {
    let desk = Desk::new();
    drop(desk.signed_in().await);
    let old = fs::read(desk.file()).unwrap();
    let lost = std::mem::take(&mut *desk.keyring.keys.lock().unwrap());
    let vault = desk.vault(StoreChoice::Auto);
    for error in [
        vault.open(Access::MayPrompt).await.unwrap_err(),
        vault.records(Access::Silent).await.unwrap_err(),
        vault.put(record("b.t", "rt-b"), Access::Silent).await.unwrap_err(),
        vault.remove(&key("a.t")).await.unwrap_err(),
    ] {
        assert!(matches!(error, VaultError::KeyMissing { .. }), "{error}");
        assert!(error.is_mended_by_sign_in());
    }
    assert_eq!(fs::read(desk.file()).unwrap(), old);

    vault.put(record("b.t", "rt-b"), Access::MayPrompt).await.unwrap();
    assert_eq!(read(&vault, "b.t").await.unwrap(), "rt-b");
    let kept = format!("vault.sealed.keyless-{}", lost[0].0);
    assert_eq!(desk.names(), ["vault.sealed", &kept]);
    assert_eq!(fs::read(desk.state_dir().join(kept)).unwrap(), old);
}

#[tokio::test]
async fn a_damaged_file_stays_until_a_person_signs_in_and_is_then_set_aside() {
    let desk = Desk::new();
    drop(desk.signed_in().await);
    let mut bytes = fs::read(desk.file()).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(desk.file(), &bytes).unwrap();
    let vault = desk.vault(StoreChoice::Auto);
    for error in [
        vault.open(Access::MayPrompt).await.unwrap_err(),
        vault.put(record("b.t", "rt-b"), Access::Silent).await.unwrap_err(),
    ] {
        assert!(matches!(error, VaultError::Damaged { cause: Damage::NotAuthentic, .. }), "{error}");
    }
    assert_eq!(desk.names(), ["vault.sealed"]);

    vault.put(record("b.t", "rt-b"), Access::MayPrompt).await.unwrap();
    assert_eq!(read(&vault, "b.t").await.unwrap(), "rt-b");
    let names = desk.names();
    assert!(names.len() == 2 && names[1].starts_with("vault.sealed.damaged-"), "{names:?}");
    assert_eq!(fs::read(desk.state_dir().join(&names[1])).unwrap(), bytes);
}

#[tokio::test]
async fn every_changed_byte_of_the_file_is_an_error_through_the_whole_vault() {
    let desk = Desk::new();
    let vault = desk.signed_in().await;
    let bytes = fs::read(desk.file()).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        fs::write(desk.file(), &changed).unwrap();
        assert!(read(&vault, "a.t").await.is_err(), "byte {at}");
    }
    fs::write(desk.file(), &bytes).unwrap();
    assert_eq!(read(&vault, "a.t").await.unwrap(), "rt-1");
}

#[tokio::test]
async fn a_file_sealed_under_another_key_of_ours_is_told_by_its_key_id() {
    let (desk, other) = (Desk::new(), Desk::new());
    let vault = desk.signed_in().await;
    drop(other.signed_in().await);
    fs::copy(other.file(), desk.file()).unwrap();
    assert!(matches!(read(&vault, "a.t").await, Err(VaultError::KeyMissing { .. })));
    // With the other key in reach it opens, though the first key was in memory.
    desk.keyring.keys.lock().unwrap().extend(other.keyring.keys.lock().unwrap().iter());
    assert_eq!(read(&vault, "a.t").await.unwrap(), "rt-1");
}

#[tokio::test]
async fn a_newer_file_is_neither_read_nor_replaced() {
    let desk = Desk::new();
    drop(desk.signed_in().await);
    let mut bytes = fs::read(desk.file()).unwrap();
    bytes[9] = 2;
    fs::write(desk.file(), &bytes).unwrap();
    let error =
        desk.vault(StoreChoice::Auto).put(record("b.t", "rt-b"), Access::MayPrompt).await.unwrap_err();
    assert!(matches!(error, VaultError::Unreadable { cause: FormatError::Newer { version: 2 }, .. }));
    assert_eq!(fs::read(desk.file()).unwrap(), bytes);
}

#[tokio::test]
async fn an_interrupted_write_leaves_the_old_file_and_is_cleaned_up() {
    let desk = Desk::new();
    drop(desk.signed_in().await);
    fs::write(desk.state_dir().join("vault.sealed.0123456789abcdef.tmp"), "half").unwrap();
    assert_eq!(read(&desk.vault(StoreChoice::Auto), "a.t").await.unwrap(), "rt-1");
    assert_eq!(desk.names(), ["vault.sealed"]);
}

#[tokio::test]
async fn a_key_made_for_a_file_that_could_not_be_written_is_used_the_next_time() {
    let desk = Desk::new();
    let limits = Limits { prompted: LONG, silent: LONG, stretching: LONG };
    let homes = Homes {
        passphrase: None,
        system: (HomeKind::SecretService, Arc::clone(&desk.keyring) as Arc<dyn Home>),
    };
    let nowhere =
        if cfg!(windows) { r"Q:\no-such-drive\entrad" } else { "/proc/no-such-process/entrad" }.into();
    let vault = Vault::with_worker(Worker::with_homes(nowhere, StoreChoice::Auto, homes, limits), limits);
    for _ in 0..3 {
        let error = vault.put(record("a.t", "rt-1"), Access::MayPrompt).await.unwrap_err();
        assert!(matches!(error, VaultError::File(FileError::Io { action: "create", .. })), "{error}");
    }
    assert_eq!(desk.keyring.keys.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_in_place_of_the_folder_is_refused_before_any_key_is_made() {
    let desk = Desk::new();
    fs::write(desk.state_dir(), "in the way").unwrap();
    assert!(matches!(
        desk.vault(StoreChoice::Auto).put(record("a.t", "rt-1"), Access::MayPrompt).await,
        Err(VaultError::File(FileError::Unsafe { fault: Fault::NotAFolder, .. }))
    ));
    assert!(desk.keyring.keys.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_pinned_home_that_is_not_the_files_is_named_with_it() {
    let desk = Desk::new();
    drop(desk.signed_in().await);
    let vault = desk.vault(StoreChoice::Pinned(HomeKind::Passphrase));
    let error = vault.open(Access::MayPrompt).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("`passphrase`") && text.contains("`secret-service`"), "{text}");
}

#[tokio::test]
async fn without_any_home_the_ways_out_are_named() {
    let desk = Desk::new();
    desk.keyring.be(Mood::Absent);
    let vault = desk.vault(StoreChoice::Auto);
    for result in
        [vault.open(Access::Silent).await, vault.put(record("a.t", "rt-1"), Access::MayPrompt).await]
    {
        let error = result.unwrap_err();
        assert!(matches!(error, VaultError::NoHome { .. }), "{error}");
        let body = error.to_error_body();
        assert!(body.hint.unwrap().contains("passphrase_file"));
    }
    assert!(!desk.state_dir().exists());
}

#[tokio::test]
async fn a_locked_keyring_is_not_passed_over_for_a_passphrase() {
    let desk = Desk::new();
    desk.keyring.be(Mood::Locked);
    assert!(is_locked(&desk.vault(StoreChoice::Auto).put(record("a.t", "rt-1"), Access::MayPrompt).await));
    assert!(!desk.state_dir().exists());
}

#[tokio::test]
async fn memory_writes_nothing_and_keeps_nothing() {
    let desk = Desk::new();
    let choice = StoreChoice::Pinned(HomeKind::Memory);
    let vault = desk.vault(choice);
    vault.put(record("a.t", "rt-1"), Access::Silent).await.unwrap();
    vault.replace_refresh_token(&key("a.t"), token("rt-2"), 70).await.unwrap();
    assert_eq!(read(&vault, "a.t").await.unwrap(), "rt-2");
    assert_eq!(vault.status().home, Some(HomeKind::Memory));
    assert!(!desk.state_dir().exists());
    assert_eq!(desk.vault(choice).records(Access::Silent).await.unwrap(), []);
}

#[tokio::test]
async fn nothing_shows_a_token_or_key() {
    let desk = Desk::new();
    let vault = desk.signed_in().await;
    let bytes = fs::read(desk.file()).unwrap();
    assert!(!bytes.windows(4).any(|window| window == b"rt-1"));
    assert!(!format!("{vault:?}").contains("rt-1"));
    fn is_shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    is_shared(&vault);
}

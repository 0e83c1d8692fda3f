//! Policies in the registry of Windows as managed settings: every kind of value that a policy's template writes, what is
//! refused, and that a change is told.
//!
//! The tests write below `HKCU\SOFTWARE\Policies`, which takes an administrator, under names of their own.
#![cfg(windows)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entra_proto::config::Layer;
use entrad::config::{Administrators, Args, Config, ConfigError, Hive, Place, Places, Watch};
use rstest::rstest;
use windows_registry::{CURRENT_USER, Key};

/// The policies of one test, which are gone with it.
struct Policies {
    path: &'static str,
    /// The tests write one after the other, since every watch hears of every policy.
    _alone: MutexGuard<'static, ()>,
}

impl Policies {
    fn new() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        static MADE: AtomicU32 = AtomicU32::new(0);
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (process, number) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let path = format!(r"SOFTWARE\Policies\entrad-test-{process}-{number}");
        // A place's path is the program's own everywhere else.
        Self { path: path.leak(), _alone }
    }

    fn key(&self) -> Key {
        CURRENT_USER.create(self.path).unwrap()
    }

    fn load(&self) -> Result<Config, ConfigError> {
        let nothing = tempfile::tempdir().unwrap();
        let file = nothing.path().join("config.toml");
        std::fs::write(&file, "tenant = \"file.example\"\n").unwrap();
        let administrators = Administrators {
            managed: vec![Place::Registry { hive: Hive::User, path: self.path }],
            ..Administrators::below(&nothing.path().join("none"))
        };
        let args = Args::default().with("config", file.to_string_lossy());
        Config::load(&Places { administrators, args, variable: &|_| None })
    }

    fn tenant(&self) -> String {
        self.load().unwrap().profiles["default"].tenant.value.clone()
    }
}

impl Drop for Policies {
    fn drop(&mut self) {
        // A test may not have made it, or have removed it.
        let _gone = CURRENT_USER.remove_tree(self.path);
    }
}

#[test]
fn every_kind_of_value_is_read_and_says_where_it_stands() {
    let policies = Policies::new();
    let key = policies.key();
    key.set_string("tenant", "a.example").unwrap();
    key.set_expand_string("foundry_resource", "ours").unwrap();
    key.set_u32("leases", 0).unwrap();
    key.set_u32("prompts_per_day", 3).unwrap();
    key.set_u64("audit_size", 32).unwrap();
    key.set_multi_string("allowed_tenants", &["a.example", "b.example"]).unwrap();
    key.set_string("allowed_domains", "a.example, b.example").unwrap();
    key.create(r"profile\work").unwrap().set_string("tenant", "b.example").unwrap();

    let config = policies.load().unwrap();
    let (own, work) = (&config.profiles["default"].tenant, &config.profiles["work"].tenant);
    assert_eq!((own.value.as_str(), work.value.as_str()), ("a.example", "b.example"));
    assert_eq!(own.source.to_string(), format!(r"HKCU\{} (tenant)", policies.path));
    assert_eq!(work.source.to_string(), format!(r"HKCU\{} (profile.work.tenant)", policies.path));
    assert!(own.source.is_administrators() && own.source.is_locked(), "{own:?}");
    assert_eq!(config.foundry_resource.as_ref().unwrap().value, "ours");
    assert!(!config.bounds.leases.value);
    assert_eq!((config.prompting.prompts_per_day.value, config.audit.size.value), (3, 32));
    for allowed in [&config.bounds.tenants, &config.bounds.domains] {
        assert_eq!(allowed.as_ref().unwrap().value, ["a.example", "b.example"]);
    }
    let source = config.sources().iter().find(|source| source.layer == Layer::Managed).unwrap();
    assert_eq!((source.settings, &source.fault), (Some(8), &None));
    assert_eq!(source.place, format!(r"HKCU\{}", policies.path));
}

#[test]
fn where_nothing_is_managed_the_file_holds() {
    let policies = Policies::new();
    let config = policies.load().unwrap();
    assert_eq!(config.profiles["default"].tenant.value, "file.example");
    let source = config.sources().iter().find(|source| source.layer == Layer::Managed).unwrap();
    assert_eq!((source.settings, &source.fault), (None, &None));
}

#[rstest]
#[case(|key: &Key| key.set_string("tenent", "x"), "(tenent): there is no setting `tenent`; did you mean `tenant`?")]
#[case(|key: &Key| key.set_value("tenant", &[1_u8, 2].into()), "`tenant` is binary data")]
#[case(|key: &Key| key.set_u32("leases", 2), "`leases` is a number; it should be `on` or `off`")]
#[case(|key: &Key| key.set_u64("audit_size", u64::MAX), "`audit_size` is a number out of range")]
#[case(|key: &Key| key.set_multi_string::<&str>("allowed_tenants", &[]), "it names nothing")]
#[case(|key: &Key| key.create("tenant").map(drop), "`tenant` is a table")]
#[case(|key: &Key| key.set_string("profile", "x"), "`profile`")]
#[case(|key: &Key| key.create(r"profile\work\tenant").map(drop), "`profile.work.tenant` is a table")]
fn a_bad_policy_is_refused_with_its_place(
    #[case] write: fn(&Key) -> windows_registry::Result<()>,
    #[case] message: &str,
) {
    let policies = Policies::new();
    write(&policies.key()).unwrap();
    let error = policies.load().unwrap_err().to_string();
    assert!(error.contains(message) && error.contains(policies.path), "{error}");
}

#[tokio::test]
async fn a_policy_is_noticed_as_it_comes_changes_and_goes() {
    let policies = Policies::new();
    // There are no policies at all on a new machine, and no key that could be watched.
    drop(CURRENT_USER.create(r"SOFTWARE\Policies").unwrap());
    let mut watch = Watch::start(Vec::new()).unwrap();
    policies.key().set_string("tenant", "a.example").unwrap();
    assert!(rings(&mut watch).await, "it came");
    assert_eq!(policies.tenant(), "a.example");
    policies.key().set_string("tenant", "b.example").unwrap();
    assert!(rings(&mut watch).await, "it changed");
    assert_eq!(policies.tenant(), "b.example");
    policies.key().create(r"profile\work").unwrap().set_string("tenant", "c.example").unwrap();
    assert!(rings(&mut watch).await, "one came below it");
    CURRENT_USER.remove_tree(policies.path).unwrap();
    assert!(rings(&mut watch).await, "it went");
    // What goes in several steps may ring more than once.
    for _ in 0..40 {
        if is_quiet(&mut watch).await {
            break;
        }
    }
    assert_eq!(policies.tenant(), "file.example");
    assert!(is_quiet(&mut watch).await, "reading is no change");
}

async fn is_quiet(watch: &mut Watch) -> bool {
    tokio::time::timeout(Duration::from_millis(500), watch.changed()).await.is_err()
}

async fn rings(watch: &mut Watch) -> bool {
    tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.is_ok()
}
